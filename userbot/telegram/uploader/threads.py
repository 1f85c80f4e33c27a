"""Threads for parts: lighter than an executor, whose futures cost more than a part's checksum."""

import asyncio
import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

_NICER_BY = 5
_SWITCH_S = 0.0001


class Work(Protocol):
    """Something to be done in a thread."""

    def run(self) -> None:
        """Do it. Whatever goes wrong is kept, not raised."""


W = TypeVar("W", bound=Work)


class Threads(Generic[W]):
    """Runs work, and tells the event loop; several results may share one wake-up of the loop."""

    def __init__(self, count: int, on_done: Callable[[W], None]) -> None:
        # Each thread holds the GIL for microseconds between calls that last a millisecond; Python
        # would let it wait 5 ms for a busy event loop. Worth 4 % (512 MiB on loopback).
        sys.setswitchinterval(_SWITCH_S)
        self._loop = asyncio.get_running_loop()
        self._on_done = on_done
        self._work: SimpleQueue[W | None] = SimpleQueue()
        self._done: deque[W] = deque()
        self._is_told = False
        self._threads = [
            threading.Thread(target=self._serve, name=f"upload-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: W) -> None:
        """Have work done; on_done gets it back, on the event loop."""
        self._work.put(work)

    def close(self) -> None:
        """End the threads when what was submitted is done; returns at once."""
        for _ in self._threads:
            self._work.put(None)

    def _serve(self) -> None:
        # Linux: of this thread alone. Where cores are few the event loop goes first.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICER_BY + os.nice(0))
        while (work := self._work.get()) is not None:
            work.run()
            self._done.append(work)
            if not self._is_told:
                self._is_told = True
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._is_told = False
        while self._done:
            self._on_done(self._done.popleft())
