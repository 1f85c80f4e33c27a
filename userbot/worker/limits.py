"""What the kernel is asked to forbid a process of a call, or to promise about it. Linux only."""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

MAX_DATA_BYTES = 1536 * 1024 * 1024  # deno crashes with 400 MB; RLIMIT_AS kills it even with 4 GB
MAX_OPEN_FILES = 1024
NICENESS = 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def close_files_but(kept: int) -> None:
    """Close what was inherited beside the standard files and kept; uvloop lets some through."""
    files = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    for file in files:
        if file > 2 and file != kept:
            with contextlib.suppress(OSError):  # the listing's own, closed by now
                os.close(file)


def become_subreaper() -> None:
    """Make every orphan among the descendants of this process its child, of whatever session."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def ignore_stop_signals() -> None:
    """Leave it to the bot when to end: service managers signal every process of a service."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def confine(guard_pid: int, folder: Path, max_file_bytes: int) -> None:
    """Make this process a worker: it dies with its guard and stays within bounds."""
    os.setsid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guard_pid:
        raise SystemExit("the guard is gone")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    os.nice(NICENESS)
    os.chdir(folder)
    os.environ.update(TMPDIR=str(folder), HOME=str(folder))
    _limit_resources(max_file_bytes)


def _limit_resources(max_file_bytes: int) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: max_file_bytes,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_DATA: MAX_DATA_BYTES,
    }
    for kind, amount in wanted.items():
        _, most = resource.getrlimit(kind)
        bound = amount if most == resource.RLIM_INFINITY else min(amount, most)
        resource.setrlimit(kind, (bound, bound))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"prctl {option}")
