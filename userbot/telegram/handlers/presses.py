"""What the buttons of jobs do: each method acts, and returns the words that pop up.

None where the message itself shows what happened.
"""

from userbot.domain.jobs import JobId, Remedy
from userbot.domain.media import MediaKind
from userbot.domain.records import JobRecord, JobState
from userbot.services.jobs import Jobs
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.telegram import texts
from userbot.telegram.callbacks import ChoicePress, FreshPress, RemedyPress
from userbot.telegram.handlers.reports import Reports
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.messages import Presser


class OpenJobPresses:
    """The buttons of jobs that are open: Cancel, the qualities, and a fresh copy."""

    def __init__(self, rights: Rights, jobs: Jobs, offers: Offers, queue: Queue) -> None:
        self._rights = rights
        self._jobs = jobs
        self._offers = offers
        self._queue = queue

    async def cancel(self, presser: Presser, job_id: JobId) -> str | None:
        """End a job; say so when it has ended before, or is about to."""
        job = await self._jobs.find(job_id)
        if job is None:
            return await self._ended(presser, job_id)
        if not await self._rights.may_cancel(presser, job):
            return texts.PRESS_NOT_YOURS
        return None if await self._jobs.cancel(job_id) else texts.UNDER_WAY

    async def _ended(self, presser: Presser, job_id: JobId) -> str:
        record = await self._jobs.end_of(job_id)
        if record is None:
            return texts.PRESS_TOO_OLD
        if not await self._rights.may_cancel(presser, record.job):
            return texts.PRESS_NOT_YOURS
        is_cancelled = record.state is JobState.CANCELLED
        return texts.CANCELLED_ALREADY if is_cancelled else texts.ENDED_ALREADY

    async def pick(self, presser: Presser, press: ChoicePress | FreshPress) -> str | None:
        """Answer a menu."""
        job = await self._jobs.find(press.job_id)
        if job is None:
            return texts.PRESS_TOO_OLD
        if not await self._rights.may_act(presser, job):
            return texts.PRESS_NOT_YOURS
        return None if await self._picked(press) else texts.PRESS_TOO_OLD

    async def _picked(self, press: ChoicePress | FreshPress) -> bool:
        """Take the quality, or show the menu for a fresh copy; False when that is over."""
        if press.index is None:
            return await self._offers.show_fresh(press.job_id)
        is_fresh = isinstance(press, FreshPress)
        return await self._offers.pick(press.job_id, press.index, self._queue, is_fresh=is_fresh)


class EndedJobPresses:
    """The buttons of jobs that have ended without a video."""

    def __init__(self, rights: Rights, jobs: Jobs, reports: Reports) -> None:
        self._rights = rights
        self._jobs = jobs
        self._reports = reports

    async def remedy(self, presser: Presser, press: RemedyPress) -> str:
        """Begin anew, or tell the owner."""
        record = await self._jobs.find_ended(press.job_id)
        if record is None:
            return await self._not_ended(presser, press.job_id)
        if not await self._rights.may_act(presser, record.job):
            return texts.PRESS_NOT_YOURS
        if press.remedy is not Remedy.TELL_OWNER:
            return await self._again(record, press.remedy)
        return await self._reports.tell(record, presser) if record.error else texts.PRESS_TOO_OLD

    async def _again(self, record: JobRecord, remedy: Remedy) -> str:
        if not self._rights.may_ask(record.job):
            return texts.PRESS_NO_ACCESS
        wish = MediaKind.AUDIO if remedy is Remedy.AUDIO_ONLY else None
        return texts.ON_IT if await self._jobs.again(record.job.id, wish) else texts.UNDER_WAY

    async def _not_ended(self, presser: Presser, job_id: JobId) -> str:
        """Tell a second tap from a button that nobody knows any more."""
        job = await self._jobs.find(job_id)
        if job is None:
            return texts.PRESS_TOO_OLD
        is_theirs = await self._rights.may_act(presser, job)
        return texts.UNDER_WAY if is_theirs else texts.PRESS_NOT_YOURS
