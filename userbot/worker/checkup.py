"""What `run.py --doctor` shows of this machine: programs, and what the kernel really enforces.

A program of its own, `python -m userbot.worker.checkup TOOLS_DIR`: it tries the walls on a child,
and ends with 0 when workers can run here at all, also where not everything is enforced.
"""

import os
import platform
import shutil
import socket
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from userbot.errors import ToolError
from userbot.worker import identity, tools
from userbot.worker.identity import Identity
from userbot.worker.sandbox import ROOT, Sandbox
from userbot.worker.trial import holds, runs

GOOD, NOTE, BAD = "ok", "note", "BAD"
UNUSABLE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: GOOD, NOTE for what could be better, BAD for what must be there."""

    kind: str
    text: str


def main() -> int:
    """Print everything, a line each; return the exit code."""
    found = list(findings(Path(sys.argv[1]), os.environ.get("PATH", os.defpath)))
    for finding in found:
        sys.stdout.write(f"{finding.kind:5}{finding.text}\n")
    return UNUSABLE if any(finding.kind == BAD for finding in found) else 0


def findings(tools_dir: Path, search_path: str) -> Iterator[Finding]:
    """Look at this machine as the bot would find it."""
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    yield Finding(GOOD, f"Python {platform.python_version()}, {system}")
    who = identity.here(tools_dir, tools.candidates(tools_dir, search_path))
    try:
        ffmpeg = tools.find_ffmpeg(
            tools_dir, search_path, lambda found: runs(found, tools_dir, search_path, who)
        )
    except ToolError as error:
        yield Finding(BAD, f"no ffmpeg: {error}")
        return
    yield Finding(GOOD if ffmpeg.runs else BAD, ffmpeg.complaint or f"ffmpeg: {ffmpeg}")
    yield _deno(search_path)
    yield from _users(who)
    yield from _walls(Sandbox.here(tools_dir, tools.programs(ffmpeg, search_path)), who)


def _deno(search_path: str) -> Finding:
    folders = os.pathsep.join([sysconfig.get_path("scripts"), search_path])
    found = shutil.which("deno", path=folders)
    if found:
        return Finding(GOOD, f"deno: {found}")
    return Finding(NOTE, "no deno: some sites, YouTube first, will offer less or nothing")


def _users(who: Identity) -> Iterator[Finding]:
    if who.gap:
        yield Finding(NOTE, who.gap)
    elif who.uids:
        yield Finding(GOOD, "tried: each call of root's has a user of its own")


def _walls(sandbox: Sandbox, who: Identity) -> Iterator[Finding]:
    kind = GOOD if sandbox.abi else NOTE
    yield Finding(kind, f"Landlock: {f'version {sandbox.abi}' if sandbox.abi else 'none'}")
    for gap in sandbox.gaps():
        yield Finding(NOTE, f"not enforced here: {gap}")
    if sandbox.abi:
        yield _tried(sandbox, who, "files of the bot are out of reach", _cannot_read)
    if sandbox.has_filter:
        yield _tried(sandbox, who, "local services are out of reach", _cannot_call_locally)


def _cannot_read() -> bool:
    try:
        (ROOT / "run.py").read_bytes()
    except PermissionError:
        return True
    return False


def _cannot_call_locally() -> bool:
    try:
        socket.socket(socket.AF_UNIX).close()
    except PermissionError:
        return True
    return False


def _tried(sandbox: Sandbox, who: Identity, claim: str, check: Callable[[], bool]) -> Finding:
    works = holds(sandbox, check, who)
    return Finding(GOOD if works else BAD, f"{'tried' if works else 'FAILED'}: {claim}")


if __name__ == "__main__":
    sys.exit(main())
