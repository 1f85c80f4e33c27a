"""A line to another server that can be cut without a word to either side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

CHUNK_BYTES = 256 * 1024


class Cut(Enum):
    """What becomes of connections."""

    HELD = auto()  # nothing moves; what is under way arrives when the line is back
    LOST = auto()  # those of before stay dead for good; new ones are made, and get no answer
    REFUSED = auto()  # those of before stay dead for good; new ones are refused


class Relay:
    def __init__(self, host: str, port: int, tasks: asyncio.TaskGroup) -> None:
        self.address = ""
        self.connections_made = 0
        self._upstream = host, port
        self._tasks = tasks
        self._port = 0
        self._carrying: set[asyncio.Task[None]] = set()
        self._cuts = 0
        self._how: Cut | None = None
        self._server: asyncio.Server | None = None
        self._mended = asyncio.Event()
        self._mended.set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    def cut(self, how: Cut) -> None:
        self._how = how
        self._cuts += how is not Cut.HELD
        self._mended.clear()
        if how is Cut.REFUSED:
            self.close()

    async def mend(self) -> None:
        if self._how is Cut.REFUSED:
            await self.listen()
        self._how = None
        self._mended.set()

    def end(self) -> None:
        self.close()
        for task in self._carrying:
            task.cancel()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_made += 1
        task = self._tasks.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        born = self._cuts - (self._how is Cut.LOST)
        there, back = await asyncio.open_connection(*self._upstream)
        try:
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(reader, back, born))
                pumps.create_task(self._pump(there, writer, born))
        finally:
            writer.close()
            back.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, born: int
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                if self._how is Cut.HELD:
                    await self._mended.wait()
                if born == self._cuts:
                    writer.write(chunk)
                    await writer.drain()
        except OSError:
            pass
        writer.close()


@asynccontextmanager
async def relayed(address: str) -> AsyncIterator[Relay]:
    host, port = address.split(":")
    async with asyncio.TaskGroup() as tasks:
        relay = Relay(host, int(port), tasks)
        await relay.listen()
        try:
            yield relay
        finally:
            relay.end()
