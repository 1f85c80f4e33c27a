"""Tries whether a claim holds behind the walls, in a process that ends with it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from userbot.errors import WorkerDiedError
from userbot.worker import limits, tools
from userbot.worker.identity import Identity
from userbot.worker.sandbox import Sandbox
from userbot.worker.tools import Ffmpeg

PROGRAM_TIMEOUT_S = 20.0
AS_IT_IS = Identity()


def holds(sandbox: Sandbox, claim: Callable[[], bool], identity: Identity = AS_IT_IS) -> bool:
    """Return whether a claim is true for a process behind the walls, by being there."""
    with tempfile.TemporaryDirectory() as folder:
        pid = os.fork()
        if pid == 0:
            _look(sandbox, Path(folder), claim, identity)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def runs(ffmpeg: Ffmpeg, tools_dir: Path, search_path: str, identity: Identity = AS_IT_IS) -> bool:
    """Return whether this ffmpeg does: one of a strange folder may lack its libraries there."""
    walls = Sandbox.here(tools_dir, tools.programs(ffmpeg, search_path))
    return holds(walls, lambda: _says_its_version(ffmpeg.path), identity)


def _says_its_version(program: Path) -> bool:
    nowhere = subprocess.DEVNULL
    ended = subprocess.run(
        [program, "-version"],
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        timeout=PROGRAM_TIMEOUT_S,
    )
    return ended.returncode == 0


def _look(sandbox: Sandbox, folder: Path, claim: Callable[[], bool], identity: Identity) -> None:
    """Go behind the walls, look, and end this process: 0 when the claim holds."""
    code = 1
    try:
        limits.forbid_new_privileges()
        identity.enter(folder, os.getpid())
        sandbox.enter(folder, None, may_resolve=True)
        code = 0 if claim() else 1
    except (OSError, WorkerDiedError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{error}\n")
    finally:
        os._exit(code)
