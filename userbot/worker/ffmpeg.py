"""Runs ffmpeg on files of the call's folder, with its progress, and says what its failures mean."""

import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from userbot.domain.media import Growth
from userbot.errors import BrokenMediaError, TooLargeError, ToolError
from userbot.worker.failures import MAX_DETAIL, disk_error
from userbot.worker.meter import Meter
from userbot.worker.probe import CONTAINERS

OnBytes = Callable[[int], None]

MAX_THREADS = 4  # for reading, and again for writing: other jobs need the machine too

_KEPT_LINES = 12
_MAX_LINE = 4096
_INPUT_FAULTS = ("Invalid data found", "moov atom not found", "could not find codec parameters")
# Inputs are hostile: only containers, only files, no references to other files.
_INPUT_OPTIONS = (
    *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS),
    *("-threads", str(MAX_THREADS)),
    *("-fflags", "+genpts"),  # AVI and raw streams have no times of their own
)


def run_ffmpeg(
    inputs: Sequence[Path],
    arguments: Sequence[str],
    output: Path,
    meter: Meter,
    *,
    head_bytes: int | None = None,
) -> None:
    """Make output from inputs; meter is told its growing size.

    head_bytes: all of output but so much of its front is final as soon as it is written.
    Raises DiskFullError, TooLargeError, BrokenMediaError when an input is no media, ToolError.
    """
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-progress", "pipe:1", "-stats_period", "0.5"]
    for path in inputs:
        command += [*_INPUT_OPTIONS, "-i", f"file:{path}"]
    command += [*arguments, f"file:{output}"]
    total_bytes = sum(path.stat().st_size for path in inputs)

    def wrote(done_bytes: int) -> None:
        meter.on_written(done_bytes, total_bytes)
        if head_bytes is not None and output.exists():
            meter.on_growth(Growth(output, output.stat().st_size, None, head_bytes))

    code, said = _run(command, wrote)
    if code != 0 or not output.is_file():
        raise _failure(code, said, meter.limit_bytes)


def _run(command: list[str], on_bytes: OnBytes) -> tuple[int, str]:
    """Return the exit code and the last complaints; the parent of this worker keeps the time."""
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise ToolError(f"ffmpeg cannot be started: {error}") from error
    assert process.stdout is not None
    try:
        with process.stdout:
            _listen(process.stdout, said, on_bytes)
    except BaseException:
        with suppress(PermissionError):  # behind the walls, where the guard ends it with the call
            process.kill()
            process.wait()
        raise
    return process.wait(), "\n".join(said)


def _listen(output: IO[bytes], said: deque[str], on_bytes: OnBytes) -> None:
    """Read to the end; complaints come mixed with progress."""
    while line := output.readline(_MAX_LINE):
        text = line.decode(errors="replace").strip()
        name, _, value = text.partition("=")
        if name == "total_size" and value.isdecimal():
            on_bytes(int(value))
        elif not name.replace("_", "").isalnum():  # a progress line is word=value
            said.append(text)


def _failure(code: int, said: str, limit_bytes: int) -> Exception:
    """Tell what a code means; a negative one is the signal that ended the process."""
    if code == -signal.SIGXFSZ:
        return TooLargeError(None, limit_bytes)
    if error := disk_error(said, limit_bytes):
        return error
    detail = f"ffmpeg ended with {code}: {said[-MAX_DETAIL + 50 :]}"
    if any(fault in said for fault in _INPUT_FAULTS):
        return BrokenMediaError(detail)
    return ToolError(detail)
