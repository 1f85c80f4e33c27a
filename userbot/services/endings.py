"""How a job has ended is owed to its chat: it is told until it got through, whatever happens."""

import asyncio
import logging
import random
from datetime import datetime, timedelta
from functools import partial

from userbot.domain.jobs import Cancelled, Expired, Failed, Job, JobId, View
from userbot.domain.records import ENDS, JobRecord, JobState, error_of
from userbot.domain.remedies import remedies_for
from userbot.errors import InfrastructureError
from userbot.services.history import Chronicle
from userbot.services.kit import Kit

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(minutes=2)  # longer than one try takes
LOOK_EVERY_S = 60.0
LOOK_SOON_S = 5.0  # while more are owed
AT_ONCE = 10  # of those that an outage left: people who wait now go first


class Endings:
    """Tells how jobs have ended. Its tasks live in the TaskGroup that it is given."""

    def __init__(self, kit: Kit, tasks: asyncio.TaskGroup, chronicle: Chronicle) -> None:
        self._kit = kit
        self._chronicle = chronicle
        self._tasks = tasks
        self._telling: dict[JobId, asyncio.Task[None]] = {}

    def tell(self, record: JobRecord) -> None:
        """Show the end of a job that is stored as ended, and remove its files. Never waits."""
        view = view_of(record)
        if view is not None:
            self._kit.chat.show(record.job, view)
        task = self._tasks.create_task(self._tell(record), name=f"end of {record.job.id}")
        self._telling[record.job.id] = task
        task.add_done_callback(partial(self._forget, record.job.id))

    async def tell_stored(self, job_id: JobId) -> None:
        """Show the end of a job; what the store cannot tell now is told later by `serve`."""
        try:
            record = await self._kit.store.find(job_id)
        except InfrastructureError:
            log.exception("the end of job %s is told later", job_id)
            return
        if record is not None and record.state in ENDS:  # it may have been opened again
            self.tell(record)

    async def told(self, job_id: JobId) -> None:
        """Return when nobody tells the end of a job any more."""
        if task := self._telling.get(job_id):
            await asyncio.wait([task])

    async def all_told(self) -> None:
        """Return when the ends are told that are being told now."""
        if self._telling:
            await asyncio.wait(self._telling.values())

    def _forget(self, job_id: JobId, task: asyncio.Task[None]) -> None:
        if self._telling.get(job_id) is task:
            del self._telling[job_id]

    async def serve(self) -> None:
        """Tell what an earlier run or an outage left untold, until cancelled."""
        before = self._kit.now()
        while True:
            has_more = False
            try:
                has_more = await self._tell_owed(before)
            except Exception:  # the bot goes on
                log.exception("what is owed was not told")
            await asyncio.sleep(LOOK_SOON_S if has_more else LOOK_EVERY_S)
            before = before if has_more else self._kit.now() - AGAIN_AFTER

    async def _tell_owed(self, before: datetime) -> bool:
        """Tell a few of those that ended before a moment; say whether there are more."""
        try:
            owed = await self._kit.store.untold()
        except InfrastructureError:
            log.exception("it is not known whom an end is owed")
            return False
        now = self._kit.now()
        late = [
            record
            for record in owed
            if not before <= record.changed_at <= now  # later than now: the clock was set back
            and record.job.id not in self._telling
        ]
        for record in random.sample(late, min(AT_ONCE, len(late))):
            self._kit.chat.adopt(record.job, record.status_message_id)
            self.tell(record)
        return len(late) > AT_ONCE

    async def _tell(self, record: JobRecord) -> None:
        job = record.job
        try:
            await self._kit.folders.remove(job.id)
            is_kept = await self._chronicle.keep(record)
            if await self._is_told(record) and is_kept:
                await self._note(job)
        except Exception:  # it stays owed, and the bot goes on
            log.exception("the end of job %s was not told", job.id)

    async def _is_told(self, record: JobRecord) -> bool:
        if record.state is JobState.DELIVERED:
            return await self._kit.chat.clear(record.job)
        return await self._kit.chat.settle(record.job)

    async def _note(self, job: Job) -> None:
        try:
            await self._kit.store.note_told(job.id)
        except InfrastructureError:
            log.exception("it was not kept that an end was told; it will be told again")


def view_of(record: JobRecord) -> View | None:
    """Return what the chat shows of a job that has ended; None: the video, and nothing else."""
    extraction = record.extraction
    if record.state is JobState.CANCELLED:
        return Cancelled()
    if record.state is JobState.EXPIRED:
        return Expired(extraction.title if extraction else record.job.url)
    if record.state is JobState.DELIVERED:
        return None
    error = error_of(record)
    remedies = remedies_for(error, has_menu=bool(record.choices))
    return Failed(error, record.job.id, record.job.url, remedies)
