"""Connections: reads requests, has them answered, and sends the answers as badly as asked."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from tests.video_site.faults import Faults, Ledger
from tests.video_site.journal import Entry, Journal
from tests.video_site.wire import (
    BadRequestError,
    Request,
    Response,
    head_bytes,
    in_range,
    read_request,
    refusal,
)

BACKLOG = 1024
CHUNK_BYTES = 256 * 1024
IDLE_TIMEOUT_S = 60
DRIP_BYTES_PER_S = 1
CUT_GRACE_S = 0.3
"""How long a cut waits for a client that wanted no more anyway: yt-dlp looks at the first bytes
of a link and leaves, and that visit must not use up the one cut meant for the download."""

log = logging.getLogger(__name__)

Answer = Callable[[Request], Response]


class ClientLeftError(ConnectionError):
    """The client closed its side."""


class CutError(Exception):
    """The site drops the connection on purpose."""


class _Reader(asyncio.StreamReader):
    """A reader that tells at once when the client is gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


class Handler(Protocol):
    """Serves one connection until it ends."""

    async def __call__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None: ...


async def listen(
    host: str, port: int, handler: Handler, connections: asyncio.TaskGroup
) -> tuple[asyncio.Server, int]:
    """Start to accept; each connection is a task of `connections`. Returns server and port."""
    loop = asyncio.get_running_loop()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _Reader)
        connections.create_task(_contained(handler, reader, writer))

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(_Reader(), accept)

    server = await loop.create_server(protocol, host, port, backlog=BACKLOG)
    return server, server.sockets[0].getsockname()[1]


async def _contained(handler: Handler, reader: _Reader, writer: asyncio.StreamWriter) -> None:
    try:
        await handler(reader, writer)
    except (ConnectionError, TimeoutError):
        log.debug("a client left")
    except Exception:
        log.exception("a connection failed")
    finally:
        # A transport that has closed by itself, after its last byte, has no loop any more.
        with contextlib.suppress(AttributeError):
            writer.transport.abort()


@dataclass(frozen=True, slots=True)
class PublicHandler:
    """Serves the site's visitors."""

    answer: Answer
    journal: Journal
    ledger: Ledger

    async def __call__(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        self.journal.open_connections += 1
        self.journal.total_connections += 1
        connection = writer.get_extra_info("peername")[1]
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while await self._serve_one(reader, writer, connection):
                pass
        except CutError:
            writer.close()
            await _closed(writer)
        finally:
            self.journal.open_connections -= 1

    async def _serve_one(
        self, reader: _Reader, writer: asyncio.StreamWriter, connection: int
    ) -> bool:
        """Serve the next request; returns whether the connection may carry another one."""
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                request = await read_request(reader)
        except BadRequestError:
            await _send_refusal(writer, 400)
            return False
        if request is None:
            return False
        entry = self.journal.begin(request, connection)
        exchange = _Exchange(self, reader, writer, request, entry)
        try:
            return await exchange.run()
        finally:
            self.journal.end(entry)


async def _send_refusal(writer: asyncio.StreamWriter, status: int) -> None:
    response = refusal(status)
    length = response.length_bytes
    writer.write(head_bytes(response, length_bytes=length, keeps_alive=False))
    writer.write(response.body.read(0, length or 0))
    writer.close()
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Wait until all that was written has gone out and the connection is closed."""
    async with asyncio.timeout(IDLE_TIMEOUT_S):
        await writer.wait_closed()


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request and its answer."""

    site: PublicHandler
    reader: _Reader
    writer: asyncio.StreamWriter
    request: Request
    entry: Entry

    async def run(self) -> bool:
        """Answer; returns whether the connection can be used again. Raises `CutError`."""
        try:
            faults = Faults.of(self.request.query)
            response = await self._response(faults)
        except BadRequestError:
            faults, response = Faults(), refusal(400)
        declared = self._declared_length(faults, response)
        keeps_alive = (
            self.request.keeps_alive and declared is not None and declared == response.length_bytes
        )
        self.entry.status = response.status
        self.writer.write(head_bytes(response, length_bytes=declared, keeps_alive=keeps_alive))
        await self.writer.drain()
        if self.request.method != "HEAD":
            await self._send_body(faults, response)
        self.entry.ending = "complete"
        if not keeps_alive:
            raise CutError
        return True

    async def _response(self, faults: Faults) -> Response:
        if faults.hang is not None:
            await self._wait_for_release(faults.hang)
        if faults.delay_s:
            await self._pause(faults.delay_s)
        if self.request.method not in ("GET", "HEAD"):
            return refusal(405, {"Allow": "GET, HEAD"})
        refused = self.site.ledger.refuse(self.request, faults)
        if refused is not None:
            return refused
        response = faults.disguise(self.site.answer(self.request))
        if faults.has_no_ranges:
            return response
        return in_range(self.request, response)

    def _declared_length(self, faults: Faults, response: Response) -> int | None:
        length = response.length_bytes
        if length is None or faults.has_no_length:
            return None
        return max(0, length + faults.length_off) if response.status in (200, 206) else length

    async def _send_body(self, faults: Faults, response: Response) -> None:
        pace = _Pace(faults.rate_bytes_per_s)
        plan = self.site.ledger.remaining(self.request, faults)
        end = response.length_bytes
        while end is None or self.entry.bytes_sent < end:
            await self._trouble(plan)
            sent = self.entry.bytes_sent
            if plan.stall_after == sent:
                plan = replace(plan, stall_after=None)  # it is over
            if plan.drip_after == sent:
                plan, pace = replace(plan, drip_after=None), _Pace(DRIP_BYTES_PER_S, sent)
            troubles = (plan.stall_after, plan.drip_after, plan.cut_after)
            stops = (end, *troubles, sent + pace.chunk_bytes)
            room = min(stop for stop in stops if stop is not None) - sent
            await self._send_chunk(response.body.read(response.start + sent, room))
            await pace.keep(self.entry.bytes_sent)

    async def _trouble(self, plan: Faults) -> None:
        sent = self.entry.bytes_sent
        if plan.stall_after == sent:
            await self.writer.drain()
            self.site.ledger.happened("stall", self.request)
            await self._wait_for_release(plan.hold)
        if plan.cut_after == sent:
            await self._pause(CUT_GRACE_S)
            self.site.ledger.happened("cut", self.request)
            self.entry.ending = "cut"
            raise CutError

    async def _send_chunk(self, chunk: memoryview) -> None:
        if self.reader.gone.is_set():
            raise ClientLeftError
        self.writer.write(chunk)
        await self.writer.drain()
        await asyncio.sleep(0)  # drain alone gives no other connection a turn
        self.entry.bytes_sent += len(chunk)
        self.site.journal.total_bytes += len(chunk)

    async def _wait_for_release(self, name: str) -> None:
        """Wait for the control interface. Raises `ClientLeftError` when the client goes first."""
        hold = self.site.journal.hold(name)
        if hold.is_released:
            return
        hold.waiting += 1
        hold.arrival.set()
        try:
            async with asyncio.TaskGroup() as group:
                released = group.create_task(hold.release.wait())
                left = group.create_task(self.reader.gone.wait())
                released.add_done_callback(lambda _: left.cancel())
                left.add_done_callback(lambda _: released.cancel())
        finally:
            hold.waiting -= 1
            if not hold.waiting:
                hold.arrival.clear()
        if not hold.release.is_set():
            raise ClientLeftError

    async def _pause(self, seconds: float) -> None:
        """Let time pass. Raises `ClientLeftError` when the client does not wait for it."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.gone.wait()
        except TimeoutError:
            return
        raise ClientLeftError


class _Pace:
    """Keeps an answer at a rate, measured from when `sent_bytes` of it were sent."""

    def __init__(self, rate_bytes_per_s: int | None, sent_bytes: int = 0) -> None:
        self._rate = rate_bytes_per_s
        self._first = sent_bytes
        self._now = asyncio.get_running_loop().time
        self._started_at = self._now()
        tenth = CHUNK_BYTES if rate_bytes_per_s is None else max(1, rate_bytes_per_s // 10)
        self.chunk_bytes = min(CHUNK_BYTES, tenth)

    async def keep(self, sent_bytes: int) -> None:
        """Sleep until `sent_bytes` are due."""
        if self._rate is not None:
            ahead_s = self._started_at + (sent_bytes - self._first) / self._rate - self._now()
            await asyncio.sleep(max(0.0, ahead_s))
