"""A line to another server that all its connections share, and that has no buffers to speak of."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_CHUNK_BYTES = 8 * 1024


class Narrow:
    """Carries bytes_s towards the server, and everything back."""

    def __init__(self, upstream: str, bytes_s: float, tasks: asyncio.TaskGroup) -> None:
        host, port = upstream.split(":")
        self.address = ""
        self.carried_bytes = 0
        self._upstream = host, int(port)
        self._bytes_s = bytes_s
        self._tasks = tasks
        self._free_at_s = 0.0
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _CHUNK_BYTES)
        listening.bind(("127.0.0.1", 0))
        self._server = await asyncio.start_server(
            self._accepted, sock=listening, limit=_CHUNK_BYTES
        )
        self.address = f"127.0.0.1:{listening.getsockname()[1]}"

    def end(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._carrying:
            task.cancel()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._tasks.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(*self._upstream)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._up(reader, onward))
                pumps.create_task(self._down(there, writer))
        finally:
            writer.close()
            onward.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                now_s = loop.time()
                self._free_at_s = max(now_s, self._free_at_s) + len(chunk) / self._bytes_s
                await asyncio.sleep(self._free_at_s - now_s)
                self.carried_bytes += len(chunk)
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def narrow(upstream: str, bytes_s: float) -> AsyncIterator[Narrow]:
    async with asyncio.TaskGroup() as tasks:
        line = Narrow(upstream, bytes_s, tasks)
        await line.listen()
        try:
            yield line
        finally:
            line.end()
