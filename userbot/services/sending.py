"""The last step of a job: its file goes to Telegram, once."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from userbot.domain.jobs import Progress, Stage, Working
from userbot.domain.media import KnownFile, MediaFile
from userbot.domain.records import JobRecord, JobState
from userbot.errors import ChatBusyError
from userbot.ports import SendSteps, Sent
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.limits import Limits

log = logging.getLogger(__name__)


class Sending:
    """Uploads and sends. `random_id` draws the number by which Telegram knows a repeat."""

    def __init__(self, kit: Kit, limits: Limits, random_id: Callable[[], int]) -> None:
        self._kit = kit
        self._limits = limits
        self._random_id = random_id
        self._slots = asyncio.Semaphore(limits.uploads)

    async def run(self, held: Held) -> None:
        """Take a job with a finished file to its end."""
        record = held.record
        file = record.file
        assert file is not None
        steps = self._steps(held, file.title)
        steps.on_progress(Progress(Stage.UPLOAD, 0, file.size_bytes))
        async with self._slot(record), self._sent_or_not(held):
            sent = await self._was_sent(record, file)
            sent = sent or await self._kit.chat.send(record.job, file, steps)
        await self._delivered(held, sent)
        log.info("delivered %d bytes as message %s", file.size_bytes, sent.message_id)

    async def resend(self, held: Held, known: KnownFile) -> None:
        """Take a job to its end with what Telegram has. Raises FileRefusedError when that is old.

        It is done in a moment, so it takes no upload slot and shows no progress.
        """
        held.learn(known=known)
        job, steps = held.record.job, self._steps(held, known.title)
        async with self._sent_or_not(held):
            sent = await self._was_sent(held.record, known)
            sent = sent or await self._kit.chat.send_known(job, known, steps)
        await self._delivered(held, sent)
        log.info("delivered as message %s what was there already", sent.message_id)

    async def found(self, held: Held, within_s: float | None = None) -> bool:
        """End a job whose message was sent, and nobody lived to note it; False: it is not there.

        Raises TimeoutError when the chat does not tell within_s.
        """
        record = held.record
        file = record.known or record.file
        if file is None:
            return False
        async with asyncio.timeout(within_s):
            sent = await self._was_sent(record, file)
        if sent is None:
            return False
        await self._delivered(held, sent)
        return True

    @asynccontextmanager
    async def _sent_or_not(self, held: Held) -> AsyncIterator[None]:
        """Count the time of the block; what Telegram refused was never about to be sent."""
        before = held.record
        try:
            async with held.working(self._limits.job_timeout_s, Stage.UPLOAD):
                yield
        except ChatBusyError as error:
            if before.send_random_id is None and error.is_unsent:
                held.learn(state=before.state, send_random_id=None)
            raise

    def _steps(self, held: Held, title: str) -> SendSteps:
        job = held.record.job

        def moved(progress: Progress) -> None:
            self._kit.shared.show(job, Working(title, progress))

        async def about_to_send() -> int:
            """Keep the number before the first try."""
            if held.record.send_random_id is None:
                await held.save(state=JobState.SENDING, send_random_id=self._random_id())
            assert held.record.send_random_id is not None
            return held.record.send_random_id

        return SendSteps(moved, about_to_send, held.note_upload, held.record.upload_note)

    @asynccontextmanager
    async def _slot(self, record: JobRecord) -> AsyncIterator[None]:
        """Hold an upload slot; what is done in a moment does not stand behind what takes long."""
        if record.is_quick:
            yield
            return
        async with self._slots:
            yield

    async def _was_sent(self, record: JobRecord, file: MediaFile | KnownFile) -> Sent | None:
        """Look whether the message that a crash interrupted is there, before all is done again."""
        if record.send_random_id is None:
            return None
        return await self._kit.chat.find_sent(record.job, file)

    async def _delivered(self, held: Held, sent: Sent) -> None:
        """Keep that a job was delivered; the record knows it, whatever the store does."""
        held.learn(
            state=JobState.DELIVERED, sent_message_id=sent.message_id, file_ids=sent.file_ids
        )
        await held.release()
