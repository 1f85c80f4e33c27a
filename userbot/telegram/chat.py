"""The conversation around a job, as the services know it: `ports.Chat` on Telegram."""

import logging
import secrets
import time
from typing import Any

from userbot.domain.jobs import Job, Progress, Stage, View
from userbot.domain.media import Growth, MediaFile
from userbot.errors import DeliveryError, InfrastructureError
from userbot.ports import OnProgress, Sent
from userbot.telegram import media, texts
from userbot.telegram.api import Api, Caption, Target
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)


class TelegramChat:
    """Shows the state of jobs and delivers their files."""

    def __init__(self, api: Api, reporter: Reporter, uploads: Uploads) -> None:
        self._api = api
        self._reporter = reporter
        self._uploads = uploads

    def show(self, job: Job, view: View) -> None:
        """See `ports.Chat`."""
        self._reporter.show(job, view)

    async def settle(self, job: Job) -> None:
        """See `ports.Chat`."""
        await self._reporter.settle(job)

    async def clear(self, job: Job) -> None:
        """See `ports.Chat`."""
        await self._reporter.clear(job)

    def upload_early(self, job: Job, growth: Growth) -> None:
        """See `ports.Chat`."""

    async def send(self, job: Job, file: MediaFile, on_progress: OnProgress) -> Sent:
        """See `ports.Chat`. The picture goes first: it is small, and the video needs it."""
        preview = await self._preview(file)
        handle = await self._uploads.upload(file.path, _Meter(on_progress).moved)
        request = job.request
        to = Target(request.chat_id, request.message_id, request.topic_id)
        message = await self._api.send_media(
            to,
            media.uploaded(file, handle, preview),
            Caption(texts.caption(file, job.url)),
            random_id=secrets.randbits(63),
        )
        message = message or await self._api.find_sent(to, file.size_bytes)
        if message is None:
            return Sent(None, ())
        document = media.document_of(message)
        if document is None or document.size != file.size_bytes:
            raise DeliveryError("SIZE_DIFFERS")
        return Sent(message.id, (media.file_id(document, file.kind),))

    async def _preview(self, file: MediaFile) -> Any:
        """Upload the thumbnail; a video goes without one rather than not at all."""
        if file.thumbnail is None:
            return None
        try:
            return await self._uploads.upload(file.thumbnail.path)
        except InfrastructureError as error:
            log.info("a file goes without a thumbnail: %r", error)
            return None


class _Meter:
    """Turns bytes into progress with a smoothed speed."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._started_at = time.monotonic()

    def moved(self, done: int, total: int) -> None:
        elapsed_s = time.monotonic() - self._started_at
        self._on_progress(
            Progress(Stage.UPLOAD, done, total, done / elapsed_s if elapsed_s > 0.5 else None)
        )
