"""The conversation around a job, as the services know it: `ports.Chat` on Telegram."""

import logging
import time
from typing import Any

from userbot.domain.jobs import Job, Progress, Stage, View
from userbot.domain.media import Growth, KnownFile, MediaFile
from userbot.errors import DeliveryError, FileRefusedError, InfrastructureError
from userbot.ports import Note, OnProgress, SendSteps, Sent
from userbot.telegram import failures, media, texts
from userbot.telegram.api import Api, Caption
from userbot.telegram.early import EarlyUploads
from userbot.telegram.find import has_file
from userbot.telegram.messages import target_of
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)


class TelegramChat:
    """Shows the state of jobs and delivers their files."""

    def __init__(self, api: Api, reporter: Reporter, uploads: Uploads, early: EarlyUploads) -> None:
        self._api = api
        self._reporter = reporter
        self._uploads = uploads
        self._early = early

    def show(self, job: Job, view: View) -> None:
        """See `ports.Chat`."""
        self._reporter.show(job, view)

    async def settle(self, job: Job) -> bool:
        """See `ports.Chat`."""
        self._early.drop(job.id)
        return await self._reporter.settle(job)

    async def clear(self, job: Job) -> bool:
        """See `ports.Chat`."""
        self._early.drop(job.id)
        return await self._reporter.clear(job)

    def adopt(self, job: Job, message_id: int | None) -> None:
        """See `ports.Chat`."""
        self._reporter.adopt(job, message_id)

    def upload_early(self, job: Job, growth: Growth, note: Note, noted: str | None) -> None:
        """See `ports.Chat`."""
        self._early.grew(job.id, growth, note, noted)

    async def send(self, job: Job, file: MediaFile, steps: SendSteps) -> Sent:
        """See `ports.Chat`. A file of which Telegram lacks parts is uploaded anew, once."""
        meter = _Meter(steps.on_progress)
        preview = await self._preview(file)
        handle = await self._early.take(job.id, file, meter.moved)
        is_fresh = handle is None and steps.noted is None
        if handle is None:
            handle = await self._uploads.upload_kept(
                file.path, meter.moved, steps.note, steps.noted
            )
        try:
            return await self._send(job, file, handle, preview, steps)
        except FileRefusedError as error:
            if is_fresh and not error.is_incomplete:
                raise
            log.warning("a file is uploaded again after %s", error.code)
        preview = await self._preview(file)
        handle = await self._uploads.upload_kept(file.path, meter.moved, steps.note, noted=None)
        return await self._send(job, file, handle, preview, steps)

    async def send_known(self, job: Job, known: KnownFile, steps: SendSteps) -> Sent:
        """See `ports.Chat`. Each part has its own random_id: a repeat sends what is missing."""
        documents = [media.known(file_id) for file_id in known.file_ids]
        messages = [
            await self._message(job, known, document, steps, number)
            for number, document in enumerate(documents)
        ]
        if None in messages:
            before = await self._sent_before(job, known)
            return Sent(before.message_id, before.file_ids or known.file_ids)
        sent = [_sent(message, part) for message, part in zip(messages, known.parts, strict=True)]
        return Sent(sent[0].message_id, tuple(file_id for one in sent for file_id in one.file_ids))

    async def _send(
        self, job: Job, file: MediaFile, handle: Any, preview: Any, steps: SendSteps
    ) -> Sent:
        message = await self._message(job, file, media.uploaded(file, handle, preview), steps)
        return _sent(message, file) if message else await self._sent_before(job, file)

    async def _message(
        self,
        job: Job,
        file: MediaFile | KnownFile,
        document: Any,
        steps: SendSteps,
        number: int = 0,
    ) -> Any:
        """Send one message; None: it was sent before. Of several the first has the caption."""
        return await self._api.send_media(
            target_of(job.request),
            document,
            Caption("" if number else texts.caption(file, job.url)),
            await steps.about_to_send() ^ number,
        )

    async def _sent_before(self, job: Job, file: MediaFile | KnownFile) -> Sent:
        """Return what was sent by a call whose answer got lost: where it is, if it is found."""
        try:
            return await self.find_sent(job, file) or Sent(None, ())
        except DeliveryError as error:
            if error.code not in failures.PASSING:
                raise
            return Sent(None, ())

    async def find_sent(self, job: Job, file: MediaFile | KnownFile) -> Sent | None:
        """See `ports.Chat`. One message does not tell whether all of several are there."""
        if isinstance(file, KnownFile) and len(file.file_ids) > 1:
            return None
        message = await self._api.find_answer(
            target_of(job.request), has_file(file.size_bytes, texts.link_in_caption(job.url))
        )
        return _sent(message, file) if message else None

    async def _preview(self, file: MediaFile) -> Any:
        """Upload the thumbnail; a video goes without one rather than not at all."""
        if file.thumbnail is None:
            return None
        try:
            return await self._uploads.upload(file.thumbnail.path)
        except InfrastructureError as error:
            log.info("a file goes without a thumbnail: %r", error)
            return None


def _sent(message: Any, file: MediaFile | KnownFile) -> Sent:
    """Check what Telegram has against what was to be sent."""
    document = media.document_of(message)
    if document is None or file.size_bytes not in (None, document.size):
        raise DeliveryError("SIZE_DIFFERS")
    return Sent(message.id, (media.file_id(document, file.kind),))


class _Meter:
    """Turns bytes into progress with a smoothed speed."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._began: tuple[float, int] | None = None

    def moved(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = (now, done)  # what went up early says nothing of the speed from here on
        began_at, began_with = self._began
        elapsed_s = now - began_at
        speed = (done - began_with) / elapsed_s if elapsed_s > 0.5 else None
        self._on_progress(Progress(Stage.UPLOAD, done, total or None, speed))
