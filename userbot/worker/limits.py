"""What the kernel is asked to forbid a process of a call, or to promise about it. Linux only."""

import contextlib
import ctypes
import math
import os
import resource
import signal
from pathlib import Path

from userbot import niceness
from userbot.wire import Order
from userbot.worker.identity import MAX_PROCESSES, Identity

MAX_DATA_BYTES = 1536 * 1024 * 1024  # deno crashes with 400 MB; RLIMIT_AS kills it even with 4 GB
MAX_OPEN_FILES = 1024
NICENESS = 15  # on full cores the chat goes first: the loop lags 5 ms instead of 12 (p99)
OOM_SCORE = 1000  # when memory runs out, a worker ends before the bot and its neighbours
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


def forbid_new_privileges() -> None:
    """Let no program that is started from here gain rights, whatever its file says."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def confine(guard_pid: int, order: Order, identity: Identity) -> None:
    """Make this process a worker: it dies with its guard and stays within bounds."""
    folder = order.call.folder
    os.setsid()
    forbid_new_privileges()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o077)
    niceness.be_nicer(NICENESS)  # as root still: others may not set it at will
    with contextlib.suppress(OSError):  # where /proc cannot be written
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))
    identity.enter(folder, guard_pid)
    _die_with(guard_pid)
    os.chdir(folder)
    os.environ.update(TMPDIR=str(folder), HOME=str(folder))
    _limit_resources(order, identity)


def processes_of(user: int) -> int:
    """Return how many processes and threads a user has; those that nobody may look at do not count.

    A bot whose memory is closed to its own user belongs to root in /proc, but its status is open.
    """
    count = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):  # ended meanwhile
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if int(fields["Uid"].split()[0]) == user:
                count += int(fields["Threads"])
    return count


def _die_with(guard_pid: int) -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user would undo it
    if os.getppid() != guard_pid:
        raise SystemExit("the guard is gone")


def _limit_resources(order: Order, identity: Identity) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(order.backup_s) * (os.cpu_count() or 1),
        resource.RLIMIT_FSIZE: order.max_file_bytes,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_DATA: MAX_DATA_BYTES,
    }
    if identity.uids:
        wanted[resource.RLIMIT_NPROC] = MAX_PROCESSES
    elif os.geteuid() != 0:  # counted by user, and the bot's has others; root is not bound by it
        wanted[resource.RLIMIT_NPROC] = processes_of(os.getuid()) + MAX_PROCESSES
    for kind, amount in wanted.items():
        _, most = resource.getrlimit(kind)
        bound = amount if most == resource.RLIM_INFINITY else min(amount, most)
        resource.setrlimit(kind, (bound, bound))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"prctl {option}")
