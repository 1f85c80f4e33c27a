"""The process pool: slots, one fresh process per call, and no call that outlives its end."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from userbot import wire
from userbot.domain.calls import Call, DownloadCall, ExtractCall
from userbot.domain.choices import Choice
from userbot.domain.jobs import Event, Progress
from userbot.domain.media import Extraction, Growth, MediaFile
from userbot.errors import DeadlineError, UserbotError, WorkerDiedError
from userbot.pool.findings import Growing, check_answer
from userbot.pool.gate import Gate, Passage, fixed
from userbot.pool.lane import Lane, OnWaiting, ignore_waiting
from userbot.pool.line import Line
from userbot.pool.server import ForkServer
from userbot.pool.settings import PoolSettings
from userbot.pool.watch import MERGE_FACTOR, Bounds, FolderWatch
from userbot.ports import OnGrowth, OnProgress
from userbot.wire import Answer, Empty, Order, decode_reply

MAX_EXTRACT_BYTES = 64 * 1024 * 1024  # a cover and what yt-dlp keeps beside
MAX_EXTRACT_TRAFFIC_BYTES = 256 * 1024 * 1024  # pages of 16 MB at most, and what they load
MAX_FILE_FACTOR = 1.1  # the worker itself stops at the limit; this is the kernel's word
ROOM_FOR_WORDS = 64 * 1024 * 1024  # pages, playlists and headers beside a film of the full size
BACKUP_MARGIN_S = 5.0  # the guard's own deadline comes so much after ours
LAUNCHES = 3
RESTART_PAUSE_S = 0.5
EVENT_PAUSE_S = 0.01  # ours tell a dozen things a second; who floods us waits in its own pipe

OnEvent = Callable[[Event], None]

log = logging.getLogger(__name__)


def _ignore(_event: object) -> None:
    """Take no notice."""


class ProcessPool:
    """`ports.Workers`, each call in processes of its own.

    A fork server that died is started again, as clean as before, by the call that needs it next.
    """

    def __init__(self, settings: PoolSettings, gate: Gate) -> None:
        self._settings = settings
        self._gate = gate
        self._extracts = Lane(settings.extract_slots)
        self._downloads = Lane(settings.download_slots)
        self._servers = _Servers(settings)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: PoolSettings, gate: Gate | None = None
    ) -> AsyncIterator["ProcessPool"]:
        """Run a pool for the block, warm from the start. Calls that still run at its end fail.

        gate gives each call its way out; without one it is `settings.proxy`. Raises WorkerDiedError
        when workers cannot be started at all.
        """
        pool = cls(settings, gate or fixed(settings.proxy))
        await asyncio.to_thread(wire.warm)
        try:
            await pool._servers.current()
            yield pool
        finally:
            await pool._servers.close()

    @property
    def fork_server_pid(self) -> int | None:
        """The process from which every worker descends, None when it is to be started again."""
        return self._servers.pid

    @property
    def waiting_downloads(self) -> int:
        """How many downloads wait for a slot."""
        return self._downloads.waiting

    async def extract(self, url: str, folder: Path) -> Extraction:
        """Return what the page at url has. See `ports.Workers`."""
        call = ExtractCall(url=url, folder=folder)
        bounds = Bounds(self._settings.extract_deadline_s, None, MAX_EXTRACT_BYTES)
        async with self._extracts.slot():
            answer = await self._run(call, bounds, _ignore, MAX_EXTRACT_TRAFFIC_BYTES)
        if not isinstance(answer, Extraction):
            raise WorkerDiedError("a file instead of an extraction")
        return answer

    async def download(  # noqa: PLR0913 - the port's, and the place in the pool's own line
        self,
        extraction: Extraction,
        choice: Choice,
        folder: Path,
        on_progress: OnProgress,
        *,
        on_growth: OnGrowth = _ignore,
        on_waiting: OnWaiting = ignore_waiting,
        cap_bytes: int | None = None,
    ) -> MediaFile:
        """Return the finished file, which lies in folder. See `ports.Workers`.

        cap_bytes: how much folder may hold at any moment, streams and result together, what lies
        there from before included; above it the call ends with DiskFullError.

        on_waiting gets the position in the queue, counted from 1, and each change of it; it is not
        called when a slot is free. What a callback raises ends the call and is raised here.
        """
        settings = self._settings
        call = DownloadCall(
            info_json=extraction.info_json,
            choice=choice,
            folder=folder,
            limit_bytes=settings.limit_bytes,
        )
        bounds = Bounds(
            settings.download_deadline_s, settings.stall_s, settings.limit_bytes, cap_bytes
        )

        growing = Growing(folder, settings.limit_bytes)

        def tell(event: Event) -> None:
            if isinstance(event, Progress):
                on_progress(event)
            elif growing.takes(event):
                on_growth(event)

        async with self._downloads.slot(on_waiting):
            answer = await self._run(
                call, bounds, tell, int(settings.limit_bytes * MERGE_FACTOR) + ROOM_FOR_WORDS
            )
        if not isinstance(answer, MediaFile):
            raise WorkerDiedError("an extraction instead of a file")
        return answer

    async def _run(
        self, call: Call, bounds: Bounds, on_event: OnEvent, traffic_bytes: int
    ) -> Answer:
        """Return the answer when no process of the call is left and its files were checked."""
        assert call.folder.is_absolute()
        async with self._gate(traffic_bytes, bounds.limit_bytes) as passage:
            order = Order(
                call=replace(call, proxy=passage.url),
                backup_s=bounds.deadline_s + BACKUP_MARGIN_S,
                max_file_bytes=_max_file_bytes(bounds),
            )
            async with self._servers.guard() as line:
                answer = await _answer(line, order, bounds, passage, on_event)
        return await asyncio.to_thread(check_answer, answer, call, bounds.limit_bytes)


class _Servers:
    """The fork servers one after another: the present one, and a new one when it died."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings = settings
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()
        self._started_at_s = float("-inf")
        self._is_closed = False

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server and self._server.is_alive else None

    async def current(self) -> ForkServer:
        """Return one that lives; whoever comes first starts it, the others wait."""
        async with self._starting:
            if self._is_closed:
                raise WorkerDiedError("the pool is closed")
            if self._server is None or not self._server.is_alive:
                await self._replace()
            assert self._server is not None
            return self._server

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[Line]:
        """Hold the line to a guard that has begun; after the block no process of its call is left.

        A fork server that dies before the guard has begun costs nothing but time.
        """
        for _ in range(LAUNCHES):
            server = await self.current()
            line = await server.call()
            try:
                if await _has_begun(server, line):
                    yield line
                    return
            finally:
                await server.end(line)
        raise WorkerDiedError("no guard begins")

    async def close(self) -> None:
        """End every process there is."""
        self._is_closed = True
        async with self._starting:
            if self._server:
                await self._server.stop()

    async def _replace(self) -> None:
        loop = asyncio.get_running_loop()
        if self._server:
            log.warning("the fork server died; starting another")
            await self._server.stop()
        await asyncio.sleep(self._started_at_s + RESTART_PAUSE_S - loop.time())
        self._started_at_s = loop.time()
        self._server = await ForkServer.start(self._settings)


def _max_file_bytes(bounds: Bounds) -> int:
    most = int(bounds.limit_bytes * MAX_FILE_FACTOR)
    return most if bounds.cap_bytes is None else min(most, bounds.cap_bytes)


async def _has_begun(server: ForkServer, line: Line) -> bool:
    try:
        return await line.hello()
    except TimeoutError:
        log.warning("the fork server does not answer; ending it")
        server.kill()
        return False


async def _answer(
    line: Line, order: Order, bounds: Bounds, passage: Passage, on_event: OnEvent
) -> Answer:
    """Give the order, return the answer. Raises what the worker raised, or what a bound demands."""
    deadline = asyncio.timeout(bounds.deadline_s)
    try:
        async with deadline:
            await line.say(order)
            watch = FolderWatch(order.call.folder, bounds, asyncio.get_running_loop().time())
            return await _listen(line, watch, passage, on_event)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise DeadlineError(bounds.deadline_s) from error


async def _listen(line: Line, watch: FolderWatch, passage: Passage, on_event: OnEvent) -> Answer:
    clock: Callable[[], float] = asyncio.get_running_loop().time
    looks_at_s = clock()
    while True:
        if clock() >= looks_at_s:
            passage.check()
            await watch.look(clock())
            looks_at_s = clock() + watch.interval_s
        try:
            async with asyncio.timeout_at(looks_at_s):
                word = await line.hear()
        except TimeoutError:
            continue
        answer = _understand(word)
        if not isinstance(answer, Progress | Growth):
            return answer
        if isinstance(answer, Progress):
            watch.heard(answer, clock())
        on_event(answer)
        await asyncio.sleep(EVENT_PAUSE_S)


def _understand(word: object) -> Event | Answer:
    """Return what a word means. Raises the worker's error, WorkerDiedError after its last word."""
    if isinstance(word, Empty):
        raise WorkerDiedError(word.how)
    if not isinstance(word, bytes):
        raise WorkerDiedError("the guard died")
    reply = decode_reply(word)
    if isinstance(reply, UserbotError):
        raise reply
    return reply
