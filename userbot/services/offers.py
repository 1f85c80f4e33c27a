"""Menus: a state of the stored job, so that they work after a restart too."""

import asyncio
import logging
from dataclasses import replace
from datetime import datetime, timedelta

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Menu
from userbot.domain.needs import is_quick
from userbot.domain.records import PICKED, JobRecord, JobState
from userbot.errors import InfrastructureError
from userbot.services.endings import Endings
from userbot.services.kit import Kit
from userbot.services.queue import Queue

log = logging.getLogger(__name__)

STORE_PAUSE_S = 10.0


class Offers:
    """Answers menus, and ends those that nobody taps. Timers live in the given TaskGroup."""

    def __init__(
        self, kit: Kit, endings: Endings, tasks: asyncio.TaskGroup, timeout_s: float
    ) -> None:
        self._kit = kit
        self._endings = endings
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._timers: dict[JobId, asyncio.Task[None]] = {}
        self._is_closed = False

    def opened(self, job: Job, since: datetime) -> None:
        """Begin the time that a menu waits; `since` may lie before a restart."""
        if self._is_closed:
            return
        ends_at = since + timedelta(seconds=self._timeout_s)
        timer = self._tasks.create_task(self._expire(job, ends_at))
        self._timers[job.id] = timer
        timer.add_done_callback(lambda _timer: self._timers.pop(job.id, None))

    def is_timed(self, job_id: JobId) -> bool:
        """Say whether somebody looks after the menu of a job."""
        return job_id in self._timers

    async def menu(self, record: JobRecord, *, is_fresh: bool = False) -> Menu:
        """Return the menu of a job whose page was read; is_fresh: see `Menu`."""
        extraction, choices = record.extraction, record.choices
        assert extraction is not None
        instant = frozenset[int]()
        if not is_fresh:
            instant = await self._kit.files.instant(extraction, choices)
        return Menu(extraction, choices, instant, is_fresh=is_fresh)

    async def show_fresh(self, job_id: JobId) -> bool:
        """Show a menu for picks that use nothing from before; False when it is not open."""
        record = await self._kit.store.find(job_id)
        if record is None or record.state is not JobState.OFFERED or record.extraction is None:
            return False
        self._kit.chat.show(record.job, await self.menu(record, is_fresh=True))
        return True

    async def pick(
        self, job_id: JobId, index: int, queue: Queue, *, is_fresh: bool = False
    ) -> bool:
        """Answer a menu; False when it is not open or has no such choice."""
        record = await self._kit.store.find(job_id)
        if record is None or not 0 <= index < len(record.choices):
            return False
        if record.state in PICKED:
            return True  # a second tap on the menu: the first one counts
        choice = replace(record.choices[index], is_fresh=is_fresh)
        is_soon = await self.is_soon(record, choice)
        if not await self._kit.store.pick(job_id, choice, self._kit.now(), is_quick=is_soon):
            return False
        self.closed(job_id)
        if record.extraction is not None:
            self._kit.line.joined(record.job, record.extraction.title, says_other=True)
        queue.wake()
        return True

    async def is_soon(self, record: JobRecord, choice: Choice) -> bool:
        """Say whether a job is done in a moment: it is small, known, or somebody works on it."""
        files, extraction = self._kit.files, record.extraction
        if is_quick(choice) or extraction is None:
            return is_quick(choice)
        if self._kit.shared.is_under_way(files.key(extraction, choice)):
            return True
        return await files.find(extraction, choice) is not None

    def closed(self, job_id: JobId) -> None:
        """Forget the timer of a menu that was answered or cancelled."""
        if timer := self._timers.get(job_id):
            timer.cancel()

    def close(self) -> None:
        """Stop all timers; the menus go on after a restart."""
        self._is_closed = True
        for timer in list(self._timers.values()):
            timer.cancel()

    async def _expire(self, job: Job, ends_at: datetime) -> None:
        await asyncio.sleep((ends_at - self._kit.now()).total_seconds())
        if await self._ended(job.id):
            await self._endings.tell_stored(job.id)

    async def _ended(self, job_id: JobId) -> bool:
        """End a menu that is still open, however long the store takes to answer."""
        while True:
            try:
                return await self._kit.store.end(
                    job_id, JobState.EXPIRED, None, self._kit.now(), only=JobState.OFFERED
                )
            except InfrastructureError:
                log.exception("a menu cannot be ended now")
                await asyncio.sleep(STORE_PAUSE_S)
