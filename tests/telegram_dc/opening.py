"""Long packets on their way out of encryption, in a thread and as many at once as there are."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple

from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.crypto import BadMessageError, Packet, Plain, decrypt_all
from tests.telegram_dc.native import Native
from tests.telegram_dc.transport import Link

_MAX_BATCH = 8
_MAX_BUSY = 8  # packets of one connection

Opened = Callable[[Link, AuthKey, Plain | BadMessageError], None]


class _Waiting(NamedTuple):
    link: Link
    auth: AuthKey
    packet: memoryview


class Opener:
    def __init__(self, threads: Executor, native: Native | None, opened: Opened) -> None:
        self._loop = asyncio.get_running_loop()
        self._threads = threads
        self._native = native
        self._opened = opened
        self._waiting: deque[_Waiting] = deque()
        self._working = False

    def put(self, link: Link, auth: AuthKey, packet: memoryview) -> None:
        """`opened` is told what was in it, later, in the order of the calls."""
        link.busy += 1
        if link.busy >= _MAX_BUSY:
            link.hold("busy")
        self._waiting.append(_Waiting(link, auth, packet))
        if not self._working:
            self._working = True
            self._loop.call_soon(self._start)  # with what else this turn of the loop brings

    def _start(self) -> None:
        count = min(len(self._waiting), _MAX_BATCH)
        batch = [self._waiting.popleft() for _ in range(count)]
        packets = [Packet(item.auth.key, item.packet) for item in batch]
        if self._native is not None:  # quick enough to be done at once
            self._done(batch, decrypt_all(packets, self._native))
            return
        future = self._loop.run_in_executor(self._threads, decrypt_all, packets, None)
        future.add_done_callback(partial(self._done_in_thread, batch))

    def _done_in_thread(
        self, batch: list[_Waiting], future: "asyncio.Future[list[Plain | BadMessageError]]"
    ) -> None:
        if not future.cancelled():
            self._done(batch, future.result())

    def _done(self, batch: list[_Waiting], contents: list[Plain | BadMessageError]) -> None:
        for item, content in zip(batch, contents, strict=True):
            item.link.busy -= 1
            item.link.release("busy")
            self._opened(item.link, item.auth, content)
        self._working = bool(self._waiting)
        if self._working:
            self._loop.call_soon(self._start)
