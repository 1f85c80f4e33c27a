"""Ctrl-C, SIGTERM and a closed terminal: each ends the demo the way `quit` does."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupts:
    """Cancels the task that caught them; a second signal hurries the end."""

    def __init__(self) -> None:
        self._number = signal.SIGINT

    @property
    def exit_code(self) -> int:
        """What a shell reports for the signal."""
        return 128 + self._number

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch the signals in a block of the running task."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._end, number, task)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _end(self, number: signal.Signals, task: "asyncio.Task[int]") -> None:
        self._number = number
        task.cancel()


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Let no Ctrl-C through, now and ever, to processes that are started in the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
