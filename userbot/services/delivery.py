"""What happens to a job: look, offer, download, send - or one plain sentence."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from userbot.domain.choices import Choice, choices_for
from userbot.domain.jobs import (
    Expired,
    Failed,
    Job,
    Looking,
    Menu,
    Progress,
    Stage,
    Waiting,
    Working,
)
from userbot.domain.media import Extraction, Growth, MediaFile
from userbot.errors import DeadlineError, InfrastructureError, UserbotError
from userbot.ports import Chat, Sent, Workers
from userbot.services.folders import Folders
from userbot.services.offers import Offers

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long, per job."""

    size_bytes: int
    menu_timeout_s: float
    upload_timeout_s: float
    uploads: int


class Delivery:
    """Carries jobs from their link to their video. Holds no state of any of them."""

    def __init__(
        self, workers: Workers, chat: Chat, offers: Offers, folders: Folders, limits: Limits
    ) -> None:
        self._workers = workers
        self._chat = chat
        self._offers = offers
        self._folders = folders
        self._limits = limits
        self._upload_slots = asyncio.Semaphore(limits.uploads)

    async def run(self, job: Job) -> None:
        """Deliver a job, or show why not. Raises nothing but CancelledError.

        Cancellation ends every process and removes every file of the job before it goes on.
        """
        try:
            async with self._folders.folder(job.id) as folder:
                await self._deliver(job, folder)
        except UserbotError as error:
            log.info("job ended: %r", error, exc_info=isinstance(error, InfrastructureError))
            self._chat.show(job, Failed(error, job.id, job.url))
        except Exception:  # where a job ends
            log.exception("job ended in a way nobody expected")
            self._chat.show(job, Failed(InfrastructureError(), job.id, job.url))

    async def _deliver(self, job: Job, folder: Path) -> None:
        self._chat.show(job, Looking())
        extraction = await self._workers.extract(job.url, folder)
        choice = await self._offer(job, extraction)
        if choice is None:
            self._chat.show(job, Expired(extraction.title))
            return
        file = await self._download(job, extraction, choice, folder)
        sent = await self._upload(job, file)
        log.info("delivered %d bytes as message %s", file.size_bytes, sent.message_id)
        await self._chat.clear(job)

    async def _offer(self, job: Job, extraction: Extraction) -> Choice | None:
        limits = self._limits
        choices = choices_for(extraction.formats, extraction.duration_s, limits.size_bytes)
        self._chat.show(job, Menu(extraction, choices))
        return await self._offers.choice(job.id, choices, limits.menu_timeout_s)

    async def _download(
        self, job: Job, extraction: Extraction, choice: Choice, folder: Path
    ) -> MediaFile:
        def waiting(position: int) -> None:
            self._chat.show(job, Waiting(extraction.title, position))

        def moved(progress: Progress) -> None:
            self._chat.show(job, Working(extraction.title, progress))

        def grew(growth: Growth) -> None:
            self._chat.upload_early(job, growth)

        moved(Progress(Stage.DOWNLOAD))  # the menu is over, also when the site takes its time
        return await self._workers.download(
            extraction, choice, folder, on_progress=moved, on_growth=grew, on_waiting=waiting
        )

    async def _upload(self, job: Job, file: MediaFile) -> Sent:
        def moved(progress: Progress) -> None:
            self._chat.show(job, Working(file.title, progress))

        moved(Progress(Stage.UPLOAD, 0, file.size_bytes))
        try:
            async with self._upload_slots, asyncio.timeout(self._limits.upload_timeout_s):
                return await self._chat.send(job, file, moved)
        except TimeoutError as error:
            raise DeadlineError(self._limits.upload_timeout_s) from error
