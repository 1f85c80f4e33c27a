"""Jobs that are ended from outside: by their people, or because their chat is gone."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from userbot.domain.jobs import Cancelled, Job, JobId
from userbot.domain.records import ENDS, JobState
from userbot.errors import InfrastructureError, UserbotError
from userbot.services.endings import Endings
from userbot.services.kit import Kit
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.services.withdrawal import LOOK_S, Withdrawal

log = logging.getLogger(__name__)


class Cancelling:
    """Ends jobs and removes what they leave. Its tasks live in the TaskGroup that it is given."""

    def __init__(
        self,
        kit: Kit,
        queue: Queue,
        offers: Offers,
        endings: Endings,
        withdrawal: Withdrawal,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._kit = kit
        self._queue = queue
        self._offers = offers
        self._endings = endings
        self._withdrawal = withdrawal
        self._tasks = tasks
        self._cleaning: dict[JobId, asyncio.Task[None]] = {}

    async def cancel(self, job_id: JobId, look_s: float = LOOK_S) -> bool:
        """End a job because somebody asked for it; False when it is not open any more.

        Its processes and files are gone soon after. What is being sent may be in the chat by now -
        which has look_s to say so: then the job was delivered, and nothing says that it was
        cancelled.
        """
        store, record = self._kit.store, await self._kit.store.find(job_id)
        if record is None or record.state in ENDS or job_id in self._cleaning:
            return False
        if record.send_random_id is not None:
            await self._note(record.job)
            if job_id not in self._cleaning:  # else it was pressed twice at once
                self._clean(record.job, self._withdraw(record.job, look_s))
            return True
        state = record.state  # every first send begins with another one
        if not await store.end(job_id, JobState.CANCELLED, None, self._kit.now(), only=state):
            return await self.cancel(job_id, look_s)  # it has gone on meanwhile
        self._kit.chat.show(record.job, Cancelled())
        self._stop(record.job)
        return True

    def gone(self, job: Job, error: UserbotError) -> None:
        """End a job whose chat cannot be spoken to any more. Never waits."""
        self._tasks.create_task(self._fail(job, error), name=f"end of {job.id}")

    async def ended(self, job_id: JobId) -> None:
        """Return when nothing of a job is being ended or removed any more."""
        if cleaning := self._cleaning.get(job_id):
            await asyncio.wait([cleaning])

    async def all_ended(self) -> None:
        """Return when the jobs have ended that are being ended now."""
        if self._cleaning:
            await asyncio.wait(self._cleaning.values())

    async def _fail(self, job: Job, error: UserbotError) -> None:
        try:
            is_ended = await self._kit.store.end(job.id, JobState.FAILED, error, self._kit.now())
        except Exception:  # the bot goes on
            log.exception("job %s was not ended", job.id)
            return
        if is_ended:
            log.info("job %s ended: %r", job.id, error)
            self._stop(job)

    async def _note(self, job: Job) -> None:
        """Keep the wish: what ends the job takes a while, and the bot may be killed meanwhile."""
        try:
            await self._kit.store.note_cancel(job.id)
        except InfrastructureError as error:
            log.warning("it is not kept that job %s was cancelled: %r", job.id, error)

    async def _withdraw(self, job: Job, look_s: float) -> None:
        try:
            await self._withdrawal.run(job.id, look_s)
        except Exception:  # what is noted is tried again; the button works until then
            log.exception("job %s was not cancelled", job.id)
            return
        self._kit.line.left(job.id)
        await self._clean_up(job)

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
