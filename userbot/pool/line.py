"""The line to one guard: what the bot says and hears, and the certain end of it."""

import asyncio
import logging
import socket
from collections import deque

from userbot.pool.patience import to_the_end
from userbot.wire import Empty, FrameBuffer, Hello, Order, decode_word, encode_order, frame

READ_BYTES = 16 * 1024  # the loop gets a turn after so many, however fast a worker talks
HELLO_TIMEOUT_S = 10.0
END_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)


class Line:
    """A conversation with a guard. Whoever opened one must `end()` it."""

    def __init__(
        self, call_id: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.call_id = call_id
        self.empty: Empty | None = None
        self._reader = reader
        self._writer = writer
        self._buffer = FrameBuffer()
        self._bodies: deque[bytes] = deque()

    @classmethod
    async def over(cls, call_id: int, end: socket.socket) -> "Line":
        """Return the line over the bot's end of a socket pair, which it owns from now on."""
        end.setblocking(False)
        try:
            reader, writer = await asyncio.open_unix_connection(sock=end)
        except BaseException:
            end.close()
            raise
        return cls(call_id, reader, writer)

    async def hello(self) -> bool:
        """Wait for the guard to begin; False when there will be none. Raises TimeoutError."""
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            return isinstance(await self.hear(), Hello)

    async def say(self, order: Order) -> None:
        """Have the guard begin the call."""
        self._writer.write(frame(encode_order(order)))
        await self._writer.drain()

    async def hear(self) -> Hello | Empty | bytes | None:
        """Return the next word: the guard's own or the body of a worker's reply; None at the end.

        Cancelling loses nothing. Raises WorkerDiedError for what is no word.
        """
        while not self._bodies:
            chunk = await self._read()
            if not chunk:
                return None
            self._bodies.extend(self._buffer.feed(chunk))
            await asyncio.sleep(0)
        word = decode_word(self._bodies.popleft())
        if isinstance(word, Empty):
            self.empty = word
        return word

    async def end(self) -> None:
        """Have the guard end the call, wait until it says that nothing is left of it, and hang up.

        `empty` stays None when the guard did not say so. A cancellation meanwhile is raised after.
        """
        closing = asyncio.get_running_loop().call_later(END_TIMEOUT_S, self._give_up)
        try:
            self._shut()
            await to_the_end(self._hear_out)
        finally:
            closing.cancel()
            self._writer.transport.abort()

    async def _hear_out(self) -> None:
        while self.empty is None:
            if await self.hear() is None:
                return

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(READ_BYTES)
        except ConnectionError:  # a guard that was killed with something unread
            return b""

    def _shut(self) -> None:
        if self.empty is None and not self._writer.is_closing():
            self._writer.write_eof()

    def _give_up(self) -> None:
        log.error("the guard of call %d does not end it", self.call_id)
        self._writer.transport.abort()
