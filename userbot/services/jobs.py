"""The open jobs: cancelled by their people, resumed after a restart."""

import asyncio
import logging

from userbot.domain.jobs import Cancelled, Job, JobId, Menu
from userbot.domain.records import ENDS, PICKED, JobState, JobSummary
from userbot.services.kit import Kit
from userbot.services.offers import Offers
from userbot.services.queue import Queue

log = logging.getLogger(__name__)


class Jobs:
    """What people and the start of the program do with jobs."""

    def __init__(self, kit: Kit, queue: Queue, offers: Offers, tasks: asyncio.TaskGroup) -> None:
        self._kit = kit
        self._queue = queue
        self._offers = offers
        self._tasks = tasks

    async def find(self, job_id: JobId) -> Job | None:
        """Return an open job, None when it has ended or never was."""
        record = await self._kit.store.find(job_id)
        return record.job if record and record.state not in ENDS else None

    async def open_of(self, user_id: int | None) -> list[JobSummary]:
        """Return a person's open jobs, oldest first; everybody's for None."""
        return await self._kit.store.unfinished(user_id)

    async def cancel(self, job_id: JobId) -> bool:
        """End a job because somebody asked for it; False when it is not open any more.

        Its processes and files are gone soon after.
        """
        job = await self.find(job_id)
        if job is None or not await self._kit.store.end(
            job_id, JobState.CANCELLED, None, self._kit.now()
        ):
            return False
        self._kit.chat.show(job, Cancelled())
        self._offers.closed(job_id)
        self._kit.line.left(job_id)
        self._tasks.create_task(self._clean_up(job), name=f"end of {job_id}")
        return True

    async def resume(self) -> None:
        """Take up what an earlier run left, each job in its own message; sweep the rest.

        To be called before anything is claimed; `reopen` follows once Telegram is there.
        """
        taken = await self._kit.store.give_up_claims()
        unfinished = await self._kit.store.unfinished()
        log.info("%d unfinished jobs, %d of them were under way", len(unfinished), taken)
        await self._kit.folders.sweep({summary.job.id for summary in unfinished})
        for summary in unfinished:
            self._kit.chat.adopt(summary.job, summary.status_message_id)
            if summary.state in PICKED:
                self._kit.line.joined(summary.job, summary.title or "")

    async def reopen(self) -> None:
        """Show the open menus, which may not have got into the chat, and time them on."""
        for summary in await self._kit.store.unfinished():
            if summary.state is not JobState.OFFERED:
                continue
            record = await self._kit.store.find(summary.job.id)
            if record is not None and record.extraction is not None:
                self._kit.chat.show(record.job, Menu(record.extraction, record.choices))
                self._offers.opened(record.job, record.extraction.title, record.changed_at)

    async def _clean_up(self, job: Job) -> None:
        await self._queue.stop(job.id)
        await self._kit.folders.remove(job.id)
        await self._kit.chat.settle(job)
