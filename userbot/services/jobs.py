"""The open jobs: cancelled by their people, resumed after a restart."""

import asyncio
import logging

from userbot.domain.jobs import Cancelled, Job, JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobRecord, JobState, JobSummary
from userbot.errors import InfrastructureError, UserbotError
from userbot.services.endings import Endings
from userbot.services.intake import Intake
from userbot.services.kit import Kit
from userbot.services.offers import Offers
from userbot.services.queue import Queue

log = logging.getLogger(__name__)

REOPEN_EVERY_S = 60.0
UNDELIVERED = (JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)


class Jobs:
    """What people and the start of the program do with jobs."""

    def __init__(
        self,
        kit: Kit,
        queue: Queue,
        intake: Intake,
        offers: Offers,
        endings: Endings,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._kit = kit
        self._queue = queue
        self._intake = intake
        self._offers = offers
        self._endings = endings
        self._tasks = tasks
        self._cleaning: dict[JobId, asyncio.Task[None]] = {}

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
        self._stop(job)
        return True

    def gone(self, job: Job, error: UserbotError) -> None:
        """End a job whose chat cannot be spoken to any more. Never waits."""
        self._tasks.create_task(self._fail(job, error), name=f"end of {job.id}")

    async def line(self) -> dict[JobId, int]:
        """Return the places of the jobs that wait, as far as anybody would count."""
        return await self._kit.line.places()

    async def find_ended(self, job_id: JobId) -> JobRecord | None:
        """Return a job that has ended without being delivered, None for any other."""
        record = await self._kit.store.find(job_id)
        return record if record and record.state in UNDELIVERED else None

    async def again(self, job_id: JobId, wish: MediaKind | None = None) -> bool:
        """Open an ended job once more, in its own message; False when it is not one.

        wish: take the best of this kind instead of asking. Raises TooManyJobsError, and
        RestartingError while the bot is being stopped.
        """
        if cleaning := self._cleaning.get(job_id):
            await asyncio.wait([cleaning])
        await self._endings.told(job_id)
        record = await self.find_ended(job_id)
        if record is None:
            return False
        if not await self._intake.reopen(record.job, wish):
            return False
        self._kit.chat.adopt(record.job, record.status_message_id)
        return True

    async def resume(self) -> None:
        """Take up what an earlier run left, each job in its own message; sweep the rest.

        To be called before anything is claimed; `reopen` follows once Telegram is there.
        """
        taken = await self._kit.store.give_up_claims()
        unfinished = await self._kit.store.unfinished()
        log.info("%d unfinished jobs, %d of them were under way", len(unfinished), taken)
        await self._kit.shared.call_all(unfinished)
        await self._kit.folders.sweep({summary.job.id for summary in unfinished})
        for summary in unfinished:
            self._kit.chat.adopt(summary.job, summary.status_message_id)
            if summary.state is not JobState.OFFERED:
                self._kit.line.joined(summary.job, summary.title or "")

    async def reopen(self) -> None:
        """Show the open menus, which may not have got into the chat, and time them on."""
        for summary in await self._kit.store.unfinished():
            if summary.state is JobState.OFFERED and not self._offers.is_timed(summary.job.id):
                await self._reopen(summary.job.id)

    async def serve(self) -> None:
        """Show now and then what `reopen` finds: the store failed while a menu was opened."""
        while True:
            await asyncio.sleep(REOPEN_EVERY_S)
            try:
                await self.reopen()
            except Exception:  # the bot goes on
                log.exception("the open menus are not known")

    async def _reopen(self, job_id: JobId) -> None:
        try:
            record = await self._kit.store.find(job_id)
        except InfrastructureError:
            log.exception("the menu of job %s cannot be shown", job_id)
            return
        if record and record.state is JobState.OFFERED and record.extraction is not None:
            self._kit.chat.show(record.job, await self._offers.menu(record))
            self._offers.opened(record.job, record.changed_at)

    async def _fail(self, job: Job, error: UserbotError) -> None:
        try:
            is_ended = await self._kit.store.end(job.id, JobState.FAILED, error, self._kit.now())
        except Exception:  # the bot goes on
            log.exception("job %s was not ended", job.id)
            return
        if is_ended:
            log.info("job %s ended: %r", job.id, error)
            self._stop(job)

    def _stop(self, job: Job) -> None:
        self._offers.closed(job.id)
        self._kit.line.left(job.id)
        cleaning = self._tasks.create_task(self._clean_up(job), name=f"end of {job.id}")
        self._cleaning[job.id] = cleaning
        cleaning.add_done_callback(lambda _task: self._cleaning.pop(job.id, None))

    async def _clean_up(self, job: Job) -> None:
        try:
            await self._queue.stop(job.id)
            await self._kit.shared.leave(job.id)
            self._queue.wake()
            await self._endings.tell_stored(job.id)
        except Exception:  # its end stays owed, and the bot goes on
            log.exception("what job %s leaves was not cleaned up", job.id)
