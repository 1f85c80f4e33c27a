"""Carries bytes between two sockets, as cheaply as it can: one shared buffer, no tasks, no copies.

What one side does not take at once is kept, and the other is not read until it is gone.
"""

import asyncio
import socket
from collections.abc import Callable

BUFFER_BYTES = 256 * 1024
IDLE_S = 300.0  # a stall ends the job much earlier; this ends what nobody looks after

OnMoved = Callable[[int], None]


class Relay:
    """Two sockets that are joined until both directions have ended, or one has broken.

    `on_moved` is told of all bytes that come, from both sides, also of those that are thrown away.
    All relays may share one `buffer`.
    """

    def __init__(
        self, client: socket.socket, site: socket.socket, buffer: memoryview, on_moved: OnMoved
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        self._moved_bytes = 0
        self._on_moved = on_moved
        self._down = _Pump(self._loop, site, client, buffer, self)
        self._up = _Pump(self._loop, client, site, buffer, self)

    async def run(self) -> None:
        """Carry on until there is nothing more; cancelling ends it at once."""
        self._down.start()
        self._up.start()
        try:
            await self._until_idle()
        finally:
            self._down.stop()
            self._up.stop()

    async def run_down(self, body_bytes: int | None) -> None:
        """Carry the site's answer alone, of body_bytes or to its end; the client may only leave."""
        self._down.limit_bytes = body_bytes
        self._up.is_deaf = True
        await self.run()

    def moved(self, count: int) -> None:
        """Take note of bytes that were carried."""
        self._moved_bytes += count
        self._on_moved(count)

    def ended(self, pump: "_Pump", *, is_broken: bool) -> None:
        """Take note of the end of one direction."""
        other = self._up if pump is self._down else self._down
        if is_broken or other.has_ended or other.is_deaf or pump.is_deaf:
            self._done.set()

    async def _until_idle(self) -> None:
        while not self._done.is_set():
            before = self._moved_bytes
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._done.wait()
            except TimeoutError:
                if self._moved_bytes == before:
                    return


class _Pump:
    """One direction. `is_deaf`: what comes is thrown away, only the end counts."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        target: socket.socket,
        buffer: memoryview,
        relay: Relay,
    ) -> None:
        self.has_ended = False
        self.is_deaf = False
        self.limit_bytes: int | None = None
        self._loop = loop
        self._source = source
        self._target = target
        self._buffer = buffer
        self._relay = relay
        self._rest = b""

    def start(self) -> None:
        if self.limit_bytes == 0:
            self._end()
        else:
            self._loop.add_reader(self._source, self._read)

    def stop(self) -> None:
        self._loop.remove_reader(self._source)
        if self._rest:
            self._loop.remove_writer(self._target)

    def _read(self) -> None:
        try:
            count = self._source.recv_into(self._buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end(is_broken=True)
            return
        if not count:
            self._end()
            return
        self._relay.moved(count)
        if not self.is_deaf:
            self._pass_on(self._buffer[: self._within_limit(count)])

    def _within_limit(self, count: int) -> int:
        if self.limit_bytes is None:
            return count
        count = min(count, self.limit_bytes)
        self.limit_bytes -= count
        return count

    def _pass_on(self, data: memoryview) -> None:
        sent = self._send(data)
        if self.has_ended:
            return
        if sent < len(data):
            self._rest = bytes(data[sent:])
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._target, self._flush)
        elif self.limit_bytes == 0:
            self._end()

    def _flush(self) -> None:
        self._rest = self._rest[self._send(memoryview(self._rest)) :]
        if self._rest or self.has_ended:
            return
        self._loop.remove_writer(self._target)
        if self.limit_bytes == 0:
            self._end()
        else:
            self._loop.add_reader(self._source, self._read)

    def _send(self, data: memoryview) -> int:
        try:
            return self._target.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._end(is_broken=True)
            return 0

    def _end(self, *, is_broken: bool = False) -> None:
        self.has_ended = True
        self._loop.remove_reader(self._source)
        if self._rest:
            self._loop.remove_writer(self._target)
            self._rest = b""
        if not is_broken:
            try:
                self._target.shutdown(socket.SHUT_WR)
            except OSError:
                is_broken = True
        self._relay.ended(self, is_broken=is_broken)
