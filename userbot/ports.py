"""What the services need from outside, in words of the domain."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, Progress, View
from userbot.domain.media import Extraction, MediaFile

OnProgress = Callable[[Progress], None]
OnWaiting = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivered message. `file_ids` are Telegram's, one per file, in order."""

    message_id: int
    file_ids: tuple[str, ...]


class Workers(Protocol):
    """Processes that talk to sites and touch media.

    Both calls wait for a free slot. Cancelling either ends every process of the call, whatever it
    does, before the cancellation goes on. Both raise RequestError, SourceError or
    InfrastructureError.
    """

    async def extract(self, url: str, folder: Path) -> Extraction:
        """Return what the page at url has."""

    async def download(
        self,
        extraction: Extraction,
        choice: Choice,
        folder: Path,
        *,
        on_progress: OnProgress,
        on_waiting: OnWaiting,
    ) -> MediaFile:
        """Return the finished file, which lies in folder.

        on_waiting gets the place in line, counted from 1, whenever it changes.
        """


class Chat(Protocol):
    """The conversation around a job."""

    def show(self, job: Job, view: View) -> None:
        """Make view what the job's status message says, soon. Never waits; the latest view wins."""

    async def settle(self, job: Job) -> None:
        """Return when the last view shown is in the chat, and forget the job."""

    async def send(self, job: Job, file: MediaFile, on_progress: OnProgress) -> Sent:
        """Upload file and send it as the reply to the job's request. Raises DeliveryError."""

    async def clear(self, job: Job) -> None:
        """Remove the job's status message, and forget the job."""
