"""What happens to a claimed job: look, offer, fetch, send - or one plain sentence.

Each step ends with what it found being stored, so that after a crash the next one begins there.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from userbot.domain.choices import choices_for
from userbot.domain.jobs import (
    Failed,
    Looking,
    Menu,
    Paused,
    Progress,
    Retrying,
    Stage,
    Working,
)
from userbot.domain.media import Growth, MediaFile
from userbot.domain.records import JobRecord, JobState
from userbot.errors import (
    CrashedTwiceError,
    DeadlineError,
    DeliveryError,
    InfrastructureError,
    RateLimitedError,
    SiteDownError,
    StallError,
    UserbotError,
    WorkerBugError,
    WorkerDiedError,
)
from userbot.ports import Sent, Workers
from userbot.services.held import ClaimLostError, Held
from userbot.services.kit import Kit
from userbot.services.offers import Offers

log = logging.getLogger(__name__)

MAX_CRASHES = 2
PAUSES_S = (5.0, 30.0)  # before the second and the third try
STORE_PAUSES_S = (1.0, 5.0, 15.0)
UNREACHABLE = ("NO_ANSWER", "FLOOD_WAIT")
PASSING = (SiteDownError, RateLimitedError, WorkerDiedError, StallError)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long, per job."""

    size_bytes: int
    upload_timeout_s: float
    uploads: int


class Delivery:
    """Carries claimed jobs as far as they go. Holds no state of any of them."""

    def __init__(
        self,
        kit: Kit,
        workers: Workers,
        offers: Offers,
        limits: Limits,
        random_id: Callable[[], int],
    ) -> None:
        self._kit = kit
        self._workers = workers
        self._offers = offers
        self._limits = limits
        self._random_id = random_id
        self._upload_slots = asyncio.Semaphore(limits.uploads)

    async def work(self, held: Held) -> None:
        """Take a job through its steps until it waits for somebody, or has ended.

        Cancelled because the bot stops, it gives the claim back, to be resumed. Raises
        ClaimLostError when the job was ended from outside.
        """
        try:
            await self._step(held)
        except asyncio.CancelledError:
            await self._pause(held)
            raise
        except UserbotError as error:
            await self._failed(held, error)
        except ClaimLostError:
            raise
        except Exception:  # where a job ends
            log.exception("job ended in a way nobody expected")
            await self._end(held, JobState.FAILED, InfrastructureError())

    async def _step(self, held: Held) -> None:
        began_at = self._kit.now()
        self._kit.line.left(held.record.job.id)
        if held.record.attempts >= MAX_CRASHES:
            raise CrashedTwiceError(held.record.attempts)
        if held.record.state is JobState.NEW:
            await self._inspect(held)
            return
        if held.record.state is JobState.QUEUED or not await _is_there(held.record):
            await self._fetch(held)
        await self._send(held)
        self._kit.line.took((self._kit.now() - began_at).total_seconds())

    async def _inspect(self, held: Held) -> None:
        job = held.record.job
        self._kit.chat.show(job, Looking())
        folder = await self._kit.folders.make(job.id)
        extraction = await self._workers.extract(job.url, folder)
        choices = choices_for(extraction.formats, extraction.duration_s, self._limits.size_bytes)
        await held.release(
            state=JobState.OFFERED, extraction=extraction, choices=choices, attempts=0, retries=0
        )
        self._kit.chat.show(job, Menu(extraction, choices))
        self._offers.opened(job, extraction.title, self._kit.now())

    async def _fetch(self, held: Held) -> None:
        record = held.record
        job, extraction, choice = record.job, record.extraction, record.choice
        assert extraction is not None
        assert choice is not None

        def moved(progress: Progress) -> None:
            self._kit.chat.show(job, Working(extraction.title, progress))

        def grew(growth: Growth) -> None:
            self._kit.chat.upload_early(job, growth)

        moved(Progress(Stage.DOWNLOAD))
        file = await self._workers.download(
            extraction,
            choice,
            await self._kit.folders.make(job.id),
            on_progress=moved,
            on_growth=grew,
        )
        await held.save(state=JobState.FETCHED, file=file, attempts=0, retries=0)

    async def _send(self, held: Held) -> None:
        record = held.record
        job, file = record.job, record.file
        assert file is not None

        def moved(progress: Progress) -> None:
            self._kit.chat.show(job, Working(file.title, progress))

        async def about_to_send() -> int:
            """Keep the number by which Telegram knows a repeat, before the first try."""
            if held.record.send_random_id is None:
                await held.save(state=JobState.SENDING, send_random_id=self._random_id())
            assert held.record.send_random_id is not None
            return held.record.send_random_id

        moved(Progress(Stage.UPLOAD, 0, file.size_bytes))
        try:
            async with self._slot(record), asyncio.timeout(self._limits.upload_timeout_s):
                sent = await self._was_sent(record, file)
                sent = sent or await self._kit.chat.send(job, file, moved, about_to_send)
        except TimeoutError as error:
            raise DeadlineError(self._limits.upload_timeout_s) from error
        # The message goes first: killed in between, the next start finds the file in the chat.
        await self._kit.chat.clear(job)
        await held.release(state=JobState.DELIVERED, sent_message_id=sent.message_id)
        log.info("delivered %d bytes as message %s", file.size_bytes, sent.message_id)
        await self._kit.folders.remove(job.id)

    @asynccontextmanager
    async def _slot(self, record: JobRecord) -> AsyncIterator[None]:
        """Hold an upload slot; what is done in a moment does not stand behind what takes long."""
        if record.is_quick:
            yield
            return
        async with self._upload_slots:
            yield

    async def _was_sent(self, record: JobRecord, file: MediaFile) -> Sent | None:
        """Look whether the message that a crash interrupted is there, before all is done again."""
        if record.send_random_id is None:
            return None
        return await self._kit.chat.find_sent(record.job, file)

    async def _failed(self, held: Held, error: UserbotError) -> None:
        """Try again later after what may pass; end the job after anything else."""
        tries = held.record.retries
        if not _may_pass(error) or tries >= len(PAUSES_S):
            await self._end(held, JobState.FAILED, error)
            return
        pause_s = PAUSES_S[tries]
        if isinstance(error, RateLimitedError):
            pause_s = max(pause_s, min(error.retry_after_s or 0, 600))
        log.info("trying again in %.0f s after %r", pause_s, error)
        await held.release(
            retries=tries + 1, not_before=self._kit.now() + timedelta(seconds=pause_s)
        )
        self._kit.chat.show(held.record.job, Retrying(error, pause_s))

    async def _pause(self, held: Held) -> None:
        """Give the claim back as it is; a job that was ended from outside has none any more."""
        try:
            await held.release()
        except ClaimLostError:
            return
        self._kit.chat.show(held.record.job, Paused())

    async def _end(self, held: Held, state: JobState, error: UserbotError) -> None:
        job = held.record.job
        log.info("job ended: %r", error, exc_info=isinstance(error, InfrastructureError))
        await self._release(held, state, error)
        self._kit.chat.show(job, Failed(error, job.id, job.url))
        await self._kit.folders.remove(job.id)
        await self._kit.chat.settle(job)

    async def _release(self, held: Held, state: JobState, error: UserbotError) -> None:
        """Keep that a job has ended, also on a disk that is full just now."""
        for pause_s in STORE_PAUSES_S:
            try:
                await held.release(state=state, error=type(error).__name__)
            except InfrastructureError:
                log.exception("the end of a job was not kept")
                await asyncio.sleep(pause_s)
            else:
                return


def _may_pass(error: UserbotError) -> bool:
    """Say whether another try can help: a bug of ours does not go away by itself."""
    if isinstance(error, DeliveryError):
        return error.code in UNREACHABLE
    return isinstance(error, PASSING) and not isinstance(error, WorkerBugError)


async def _is_there(record: JobRecord) -> bool:
    """Say whether the finished file of an earlier run can be sent as it is."""
    file = record.file
    return file is not None and await asyncio.to_thread(_has_size, file)


def _has_size(file: MediaFile) -> bool:
    return file.path.is_file() and file.path.stat().st_size == file.size_bytes
