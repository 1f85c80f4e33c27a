"""The open jobs: cancelled by their people, resumed after a restart."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from userbot.domain.jobs import Cancelled, Job, JobId, Paused
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
LOOK_S, LOOK_PAUSE_S = 2.0, 0.5  # for what was being sent when it was cancelled
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

        Its processes and files are gone soon after. What is being sent may be in the chat by now:
        then the job was delivered, and nothing says that it was cancelled.
        """
        store, record = self._kit.store, await self._kit.store.find(job_id)
        if record is None or record.state in ENDS or job_id in self._cleaning:
            return False
        if record.send_random_id is not None:
            self._clean(record.job, self._withdraw(record))
            return True
        state = record.state  # every first send begins with another one
        if not await store.end(job_id, JobState.CANCELLED, None, self._kit.now(), only=state):
            return await self.cancel(job_id)  # it has gone on meanwhile
        self._kit.chat.show(record.job, Cancelled())
        self._stop(record.job)
        return True

    def gone(self, job: Job, error: UserbotError) -> None:
        """End a job whose chat cannot be spoken to any more. Never waits."""
        self._tasks.create_task(self._fail(job, error), name=f"end of {job.id}")

    async def line(self) -> dict[JobId, int]:
        """Return the places of the jobs that wait, as far as anybody would count."""
        return await self._kit.line.places()

    async def end_of(self, job_id: JobId) -> JobRecord | None:
        """Return a job that has ended, None for any other."""
        record = await self._kit.store.find(job_id)
        return record if record and record.state in ENDS else None

    async def find_ended(self, job_id: JobId) -> JobRecord | None:
        """Return a job that has ended without being delivered, None for any other."""
        record = await self.end_of(job_id)
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

    async def resume(self, *, was_stopped: bool = False) -> None:
        """Take up what an earlier run left, each job in its own message; sweep the rest.

        To be called before anything is claimed; `reopen` follows once Telegram is there.
        was_stopped: the earlier run was asked to end, so what it worked on did not bring it down.
        """
        taken = await self._kit.store.give_up_claims(is_crash=not was_stopped)
        unfinished = await self._kit.store.unfinished()
        log.info("%d unfinished jobs, %d of them were under way", len(unfinished), taken)
        await self._kit.shared.call_all(unfinished)
        await self._kit.folders.sweep({summary.job.id for summary in unfinished})
        for summary in unfinished:
            self._kit.chat.adopt(summary.job, summary.status_message_id)
            if summary.state is not JobState.OFFERED:
                self._kit.line.joined(
                    summary.job,
                    summary.title or "",
                    since=summary.not_before,
                    says_other=summary.status_message_id is not None,  # that it waits for us
                )

    async def pause(self) -> None:
        """Say in the messages of those who wait that they go on when the bot is back."""
        try:
            unfinished = await self._kit.store.unfinished()
        except InfrastructureError as error:
            log.warning("who waits is not told of the stop: %r", error)
            return
        for summary in unfinished:
            if summary.state is not JobState.OFFERED and summary.status_message_id is not None:
                self._kit.chat.show(summary.job, Paused())

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

    async def _withdraw(self, record: JobRecord) -> None:
        """End a job whose file was or is being sent. Nothing more is sent while this looks."""
        job = record.job
        try:
            await self._queue.stop(job.id, is_over=True)
            await self._kit.folders.remove(job.id)
            state = JobState.DELIVERED if await self._is_sent(record) else JobState.CANCELLED
            await self._kit.store.end(job.id, state, None, self._kit.now())
        except Exception:  # it goes on when its lease has run out; its button works until then
            log.exception("job %s was not cancelled", job.id)
            return
        self._kit.line.left(job.id)
        await self._clean_up(job)

    async def _is_sent(self, record: JobRecord) -> bool:
        """Look for the file in the chat, and for a moment again: it may be on its way."""
        file = record.known or record.file
        if file is None:
            return False
        try:
            async with asyncio.timeout(LOOK_S):
                while await self._kit.chat.find_sent(record.job, file) is None:  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(LOOK_PAUSE_S)
        except (TimeoutError, UserbotError) as error:
            log.info("the file of job %s is not in the chat: %r", record.job.id, error)
            return False
        return True

    def _stop(self, job: Job) -> None:
        self._offers.closed(job.id)
        self._kit.line.left(job.id)
        self._clean(job, self._clean_up(job))

    def _clean(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        cleaning = self._tasks.create_task(work, name=f"end of {job.id}")
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
