"""Ends processes for good. Works for a process that is a child subreaper and has one thread.

Killing the children is enough to reach every descendant: those of a dead child become children of
the subreaper, also after setsid or a double fork, and are found in the next round.
"""

import os
import signal
from collections.abc import Set
from pathlib import Path


def end_descendants() -> None:
    """Kill and reap until this process has no descendant."""
    while _has_children():
        end_children(spare=frozenset())


def end_children(spare: Set[int]) -> None:
    """Kill and reap every child that is not in spare, and what those leave behind."""
    while (
        doomed := (_children() | _children()) - spare
    ):  # the kernel's list may miss one that is moving
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        for pid in doomed:
            os.waitpid(pid, 0)


def exit_text(wait_status: int) -> str:
    """Return "exit 1" or "signal 9" for what waitpid said."""
    code = os.waitstatus_to_exitcode(wait_status)
    return f"signal {-code}" if code < 0 else f"exit {code}"


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children() -> set[int]:
    """Return the pids of this process's children, dead ones that nobody reaped included."""
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return {pid for pid in _all_processes() if _parent_of(pid) == os.getpid()}
    return {int(pid) for pid in text.split()}


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(
        stat.rpartition(")")[2].split()[1]
    )  # proc(5): the name may hold anything, so look after its ")"
