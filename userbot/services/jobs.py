"""The open jobs: cancelled by their people, resumed after a restart."""

import asyncio
import logging

from userbot.domain.jobs import Job, JobId, Paused
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobRecord, JobState, JobSummary
from userbot.errors import InfrastructureError
from userbot.services.cancelling import Cancelling
from userbot.services.endings import Endings
from userbot.services.intake import Intake
from userbot.services.kit import Kit
from userbot.services.offers import Offers

log = logging.getLogger(__name__)

REOPEN_EVERY_S = 60.0
PATIENT_LOOK_S = 10.0  # for a chat to say whether a file is there, when nobody waits for it
UNDELIVERED = (JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)


class Jobs:
    """What people and the start of the program do with jobs."""

    def __init__(
        self,
        kit: Kit,
        intake: Intake,
        offers: Offers,
        endings: Endings,
        cancelling: Cancelling,
    ) -> None:
        self._kit = kit
        self._intake = intake
        self._offers = offers
        self._endings = endings
        self._cancelling = cancelling

    async def find(self, job_id: JobId) -> Job | None:
        """Return an open job, None when it has ended or never was."""
        record = await self._kit.store.find(job_id)
        return record.job if record and record.state not in ENDS else None

    async def open_of(self, user_id: int | None) -> list[JobSummary]:
        """Return a person's open jobs, oldest first; everybody's for None."""
        return await self._kit.store.unfinished(user_id)

    async def cancel(self, job_id: JobId) -> bool:
        """End a job because somebody asked for it; see `Cancelling.cancel`."""
        return await self._cancelling.cancel(job_id)

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
        await self._cancelling.ended(job_id)
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
            is_silent = summary.state is JobState.OFFERED or summary.is_unwanted
            if not is_silent and summary.status_message_id is not None:
                self._kit.chat.show(summary.job, Paused())

    async def finish(self, within_s: float) -> None:
        """Wait a while for what is just ending and being told; the rest is done at the start."""
        try:
            async with asyncio.timeout(within_s):
                await self._cancelling.all_ended()
                await self._endings.all_told()
        except TimeoutError:
            log.warning("some ends are told when the bot is back")

    async def reopen(self) -> None:
        """Show the open menus, which may not have got into the chat, and time them on.

        Before that, what was cancelled and is still open ends.
        """
        unfinished = await self._kit.store.unfinished()
        unwanted = [summary.job.id for summary in unfinished if summary.is_unwanted]
        for job_id in unwanted:
            await self._cancelling.cancel(job_id, PATIENT_LOOK_S)
        await self._cancelling.all_ended()
        for summary in unfinished:
            if summary.state is JobState.OFFERED and not self._offers.is_timed(summary.job.id):
                await self._reopen(summary.job.id)

    async def serve(self) -> None:
        """Do now and then as `reopen`: the store failed when a menu was opened, or a job ended."""
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
