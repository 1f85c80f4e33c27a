"""`python -m tests.demo.leash PARENT_PID COMMAND...`: becomes COMMAND, which dies with its parent.

The kernel kills it when the demo ends in whatever way. That survives exec, and needs no code in
the product and none between fork and exec in a process with threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
