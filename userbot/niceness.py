"""How much of the cores a process leaves to the bot, which answers people."""

import os
import time
from pathlib import Path

TRIES, PAUSE_S = 4, 0.1  # who is not root may set it ten times a second, on the whole machine


def be_nicer(by: int) -> None:
    """Let others go first, by as much as nice(2) understands; call it in the session to stay in.

    Where the kernel shares the cores between sessions (sched(7), "autogroup": Debian and Ubuntu),
    niceness counts within one session alone, and each session has as much as the bot's.
    """
    niceness = os.nice(by)
    for _ in range(TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:
            time.sleep(PAUSE_S)  # noqa: TID251 - a process that begins has no event loop
        except OSError:  # a kernel without it, or a /proc that is read only
            return
        else:
            return
