"""Which part goes on which connection, and what becomes of it.

All on the event loop and driven by what happens: an acknowledgement, room on a connection, a
part that is sealed, a source that grew, and a clock that ticks while there is something to watch.
"""

import asyncio
import logging
from collections import deque

from pyrogram import Client

from userbot.errors import DeliveryError
from userbot.telegram.uploader.cipher import best_cipher, warm_up
from userbot.telegram.uploader.connection import Connection
from userbot.telegram.uploader.links import Links
from userbot.telegram.uploader.pace import Crew, RoundTrip
from userbot.telegram.uploader.refusals import Then, Verdict, verdict
from userbot.telegram.uploader.sealing import Sealing
from userbot.telegram.uploader.sent import Sent
from userbot.telegram.uploader.settings import UploaderSettings
from userbot.telegram.uploader.threads import Threads
from userbot.telegram.uploader.upload import Upload

log = logging.getLogger(__name__)

_TICK_S, _IDLE_TICK_S = 0.2, 5.0
_HEARTBEAT_S = 1.0
_PARTS_PER_CONNECTION = 2  # fewer are not worth opening one
_MIGRATIONS = 3
_CROWD = 4  # so many refused parts are no accident


class Dispatcher:
    """Shares all connections between all uploads, part by part in turn."""

    def __init__(
        self, client: Client, settings: UploaderSettings, tasks: asyncio.TaskGroup
    ) -> None:
        self._cipher = best_cipher()
        self._loop = asyncio.get_running_loop()
        warm_up(self._cipher)
        self._threads: Threads[Sealing] = Threads(settings.threads, self._prepared)
        self._max_preparing = 2 * settings.threads
        self._preparing = 0
        self._slow_after_s = settings.slow_after_s
        self._links = Links(client, settings, tasks, self)
        start = min(settings.start_connections, settings.max_connections)
        self._crew = Crew(settings.max_connections, start)
        self._round_trip = RoundTrip()
        self._uploads: deque[Upload] = deque()
        self._is_limit = False  # more to do than the connections take
        self._paused_until_s = 0.0
        self._heartbeat_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def add(self, upload: Upload) -> None:
        """Begin with an upload; `upload.news` tells how it goes."""
        if self._is_closed:
            upload.fail(DeliveryError("UPLOADER_CLOSED"))
        if not self._uploads:
            self._crew.restart(self._loop.time())
        self._links.forgive()
        self._uploads.append(upload)
        self._schedule(_TICK_S)
        self.wake()

    def remove(self, upload: Upload) -> None:
        """Send nothing more of an upload."""
        self._uploads.remove(upload)
        upload.end()

    def close(self) -> None:
        """End everything; what still uploads fails."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for upload in self._uploads:
            upload.fail(DeliveryError("UPLOADER_CLOSED"))
        self._links.close()
        self._threads.close()

    def wake(self) -> None:
        """Give every connection that is free its next part; open more if they are missed."""
        if self._timer is None and self._links.count:
            self._schedule(_IDLE_TICK_S)
        if self._is_closed or self._loop.time() < self._paused_until_s:
            return
        if self._links.fatal:
            for upload in self._uploads:
                upload.fail(self._links.fatal)
        while self._preparing < self._max_preparing:
            connection = self._links.freest(self._crew.target)
            part = self._next_part() if connection else None
            if connection is None or part is None:
                break
            self._prepare(connection, *part)
        backlog = sum(upload.backlog for upload in self._uploads)
        self._is_limit = backlog > self._crew.target
        self._links.want(min(self._crew.target, -(-backlog // _PARTS_PER_CONNECTION)))

    def _next_part(self) -> tuple[Upload, int] | None:
        """Return the next part of the upload whose turn it is."""
        for _ in range(len(self._uploads)):
            upload = self._uploads[0]
            self._uploads.rotate(-1)
            index = upload.take()
            if index is not None:
                return upload, index
        return None

    # from the file to the connection

    def _prepare(self, connection: Connection, upload: Upload, index: int) -> None:
        message, sent = connection.begin(upload, index)
        self._preparing += 1
        upload.file.hold()
        self._threads.submit(Sealing(self._cipher, connection, message, sent))

    def _prepared(self, sealing: Sealing) -> None:
        upload = sealing.sent.upload
        self._preparing -= 1
        upload.file.release()
        if sealing.error:
            upload.fail(sealing.error)
        sealing.connection.end(sealing.message_id, sealing.rest)
        self.wake()

    # what connections tell: connection.Events

    def lost(self, connection: Connection) -> None:
        """Send the parts of a lost connection again."""
        for sent in connection.pending.values():
            sent.put_back()
        self._links.lost(connection)
        self.wake()

    def unwelcome(self, connection: Connection, code: int, text: str) -> None:
        """Take an error that concerns no part."""
        self._links.unwelcome(connection, code, text)

    def acknowledged(self, connection: Connection, sent: Sent, sample_s: float) -> None:
        """Count a part that Telegram has, and learn from how long it took."""
        self._links.worked(connection)
        self._round_trip.measured(sample_s)
        connection.window.measured(sample_s, self._round_trip.least_s, sent.in_flight)
        size = sent.upload.size_of(sent.index)
        self._crew.acknowledged(size, self._loop.time(), is_limit=self._is_limit)
        if sent.is_wanted:
            sent.upload.acknowledged(sent.index)

    def refused(self, connection: Connection, sent: Sent, code: int, text: str) -> None:
        """Do what Telegram's error asks for."""
        if not sent.is_wanted:
            return
        upload, index = sent.upload, sent.index
        is_crowd = len(upload.retries) >= _CROWD
        ruling = verdict(code, text, upload.refusals[index], is_crowd=is_crowd)
        log.info("part %d of %s: %d %s", index, upload.source.path.name, code, text)
        upload.refusals[index] += ruling.then is not Then.WAIT
        if ruling.then is Then.GIVE_UP:
            upload.fail(DeliveryError(text))
        elif ruling.then is Then.MIGRATE:
            self._migrate(upload, ruling.dc_id, text)
        elif ruling.then is Then.RETRY:
            upload.put_back_later(index, ruling.delay_s, self.wake)
        else:
            upload.put_back(index)
            self._stand_back(connection, ruling)

    def _stand_back(self, connection: Connection, ruling: Verdict) -> None:
        if ruling.then is Then.INIT:
            connection.close()
            return
        now_s = self._loop.time()
        if now_s >= self._paused_until_s:
            log.warning("Telegram limits uploads; they pause for %.0f s", ruling.delay_s)
            self._crew.trouble()
        # Of all files: the limit is the account's.
        self._paused_until_s = max(self._paused_until_s, now_s + ruling.delay_s)
        self._loop.call_at(self._paused_until_s, self.wake)

    def _migrate(self, upload: Upload, dc_id: int, text: str) -> None:
        upload.migrations += 1
        if upload.migrations > _MIGRATIONS:
            upload.fail(DeliveryError(text))
            return
        for other in self._uploads:
            other.restart()
        self._links.migrate(dc_id)

    # the clock

    def _shrink(self, now_s: float) -> None:
        """Share a slow line between fewer parts, so that some of them get through."""
        since_s = now_s - self._slow_after_s
        if self._crew.quiet_since_s < since_s and self._links.is_slow(since_s):
            self._crew.slow(now_s)
            self._links.shrink(self._crew.target)
            log.info("uploads are slow; connections: %d", self._crew.target)

    def _schedule(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer, now_s = None, self._loop.time()
        self._links.check(now_s, self._round_trip.too_late_s)
        self._shrink(now_s)
        if now_s - self._heartbeat_at_s >= _HEARTBEAT_S:
            self._heartbeat_at_s = now_s
            for upload in self._uploads:
                if now_s < self._paused_until_s or upload.is_starved:
                    upload.news.set()
        self.wake()
        if self._uploads:
            self._schedule(_TICK_S)
        elif self._links.count:
            self._schedule(_IDLE_TICK_S)
