"""Somebody presses Cancel: how soon it is said, and what is left of the job."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.e2e import stage as stages
from tests.e2e.stage import Stage
from tests.telegram_dc.wire import Message

LEFT_OVER_S = 3
WAITING_FFMPEG = """#!/bin/sh
case "$*" in
*-progress*) while [ -e "{wait}" ]; do sleep 0.1; done ;;
esac
exec "{real}" "$@"
"""  # yt-dlp asks it for its version; what waits is the work


@dataclass(frozen=True, slots=True)
class End:
    """What came of a press of Cancel, in seconds since then. `said` is the last word."""

    answered_s: float
    said_s: float
    gone_s: float
    said: Message
    note: str | None  # what popped up over the chat

    @property
    def is_cancelled(self) -> bool:
        return not self.said.deleted


async def cancelled(stage: Stage, to: int, *, says_so_s: float, chat: int | None = None) -> End:
    """Press Cancel under message `to`; return when the job is gone, and its message or its words.

    Raises TimeoutError when it is not said within says_so_s, or the folder stays.
    """
    status = await stage.dc.wait_message(
        chat or stage.user,
        lambda m: m.out and m.reply_to == to and stages.is_working(m),
        timeout_s=20,
    )
    folder = stage.home / "data/jobs" / stages.job_of(status)
    began_at = time.monotonic()
    answer = await stage.press(status, status.button("Cancel").data)
    await stages.until(lambda: not folder.exists(), "the folder is gone", timeout_s=LEFT_OVER_S)
    gone_s = time.monotonic() - began_at
    said = await stage.dc.wait_message(
        status.chat_id,
        lambda m: m.id == status.id and (m.deleted or "Cancelled" in m.text),
        timeout_s=says_so_s,
    )
    said_s = _changed_at(stage, said) - began_at
    return End(answer.seconds, said_s, gone_s, said, answer.text)


def _changed_at(stage: Stage, message: Message) -> float:
    """When a message became what it is, by this machine's monotonic clock; now, if not heard of."""
    times = [event.at for event in stage.dc.history if event.message == message]
    return max(times, default=time.monotonic())


async def no_workers(stage: Stage, *, but: frozenset[int] = frozenset()) -> None:
    """Return when no process of a call is left, but those of others."""
    await stages.until(
        lambda: {process.pid for process in stage.workers()} <= but,
        "no worker is left",
        timeout_s=LEFT_OVER_S,
    )


def waiting_ffmpeg(home: Path) -> tuple[str, Path]:
    """Return a PATH whose ffmpeg does not go on while a file is there, and that file."""
    tools, wait = home / "tools", home / "wait"
    tools.mkdir(parents=True)
    real = shutil.which("ffmpeg")
    if real is None:
        import imageio_ffmpeg

        real = imageio_ffmpeg.get_ffmpeg_exe()
    slow = tools / "ffmpeg"
    slow.write_text(WAITING_FFMPEG.format(wait=wait, real=real))
    slow.chmod(0o755)
    return f"{tools}{os.pathsep}{os.environ['PATH']}", wait


def runs_ffmpeg(stage: Stage) -> bool:
    """Whether a call runs the ffmpeg of `waiting_ffmpeg`, where it lies or as it was copied."""
    commands = [" ".join(_command(process)) for process in stage.workers()]
    return any(place in command for command in commands for place in ("tools/ffmpeg", "bin/ffmpeg"))


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
