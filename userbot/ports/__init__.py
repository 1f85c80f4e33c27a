"""What the services need from outside, in words of the domain."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Progress, View
from userbot.domain.media import Extraction, Growth, KnownFile, MediaFile, MediaKind
from userbot.domain.records import (
    Claim,
    FairLimits,
    JobRecord,
    JobState,
    JobSummary,
    Lane,
    Place,
)
from userbot.errors import UserbotError

OnProgress = Callable[[Progress], None]
OnGrowth = Callable[[Growth], None]
Note = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sent:
    """What was delivered. `file_ids` are Telegram's, one per message, in order.

    `message_id` is the first one's, None when Telegram has the message but its answer was lost.
    """

    message_id: int | None
    file_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendSteps:
    """What `Chat.send` tells on its way, and what an earlier run knew.

    `about_to_send` is awaited before the message is sent for the first time, and gives the
    random_id by which Telegram knows a repeat. `note` is awaited now and then with what Telegram
    has of the file so far; `noted` is the last such note of an earlier run, None without one.
    """

    on_progress: OnProgress
    about_to_send: Callable[[], Awaitable[int]]
    note: Note
    noted: str | None = None


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
        on_growth: OnGrowth,
        cap_bytes: int | None = None,
    ) -> MediaFile:
        """Return the finished file, which lies in folder.

        on_growth hears of a file that will be it while it is being written. Raises DiskFullError
        when the folder grows beyond cap_bytes.
        """


class Chat(Protocol):
    """The conversation around a job."""

    def show(self, job: Job, view: View) -> None:
        """Make view what the job's status message says, soon. Never waits; the latest view wins."""

    async def settle(self, job: Job) -> bool:
        """Wait until the last view shown is in the chat, and forget the job.

        True when it is there or can never be: the chat is gone. False when it may be tried later.
        """

    def upload_early(self, job: Job, growth: Growth, note: Note, noted: str | None) -> None:
        """Begin, or go on, to upload a file that is still being written. Never waits.

        A later `send` of the same file goes on from there; `settle` and `clear` give it up.
        `note` and `noted` as in `SendSteps`.
        """

    def adopt(self, job: Job, message_id: int | None) -> None:
        """Go on in the status message that an earlier run left; None: look for it."""

    async def send(self, job: Job, file: MediaFile, steps: SendSteps) -> Sent:
        """Upload file and send it as the reply to the job's request. Raises DeliveryError."""

    async def send_known(self, job: Job, known: KnownFile, steps: SendSteps) -> Sent:
        """Send what Telegram has already, all of it, as `send` otherwise, at once.

        Raises FileRefusedError when Telegram does not take its ids any more.
        """

    async def find_sent(self, job: Job, file: MediaFile | KnownFile) -> Sent | None:
        """Return the message that an earlier run has sent, None when it is not found."""

    async def clear(self, job: Job) -> bool:
        """Remove the job's status message, and forget the job. As `settle` otherwise."""


class JobStore(Protocol):
    """The durable queue: a job record is its place in line.

    Every method is one transaction, durable when it returns. Times come from the caller. A method
    that takes a Claim changes nothing and returns False when the claim is not the job's last one,
    its lease was given up, or the job has ended: a late finisher finds that out. A lease that ran
    out is good as long as nobody else has claimed the job.

    Cancelling a call does not undo it: it happens as a whole or not at all, and before any later
    call. A cancelled claim() leaves nothing claimed. What UTF-8 cannot say is kept as "?".
    Every method raises InfrastructureError when the store does not answer or is damaged. A job
    whose record cannot be read is ended as FAILED by `claim`, `find`, `unfinished` and `untold`,
    whichever comes upon it first, and stands in nobody's way.
    """

    async def add(self, job: Job, now: datetime, *, max_unfinished: int | None = None) -> bool:
        """Keep a new job; False when chat, message and link are known already.

        Raises TooManyJobsError when it is new and its sender has max_unfinished jobs open, and
        RuntimeError when another job has its id.
        """

    async def find(self, job_id: JobId) -> JobRecord | None:
        """Return a job, also one that has ended; None when it is unknown."""

    async def claim(
        self, lane: Lane, now: datetime, lease_until: datetime, limits: FairLimits
    ) -> Claim | None:
        """Take the next job of a lane that is due, in fair turns; None when there is none.

        The person who was served longest ago is next, with their oldest job; who was never served
        in this lane goes first, in the order of coming. Who holds per_user claims of the lane, and
        chats that hold per_chat, are passed over. A job whose lease ran out counts one more
        attempt and is claimable again.
        """

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolong a lease: the holder lives."""

    async def save(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed of a claimed job, its state included; the claim goes on.

        The job itself and when it was created never change; `changed_at` becomes now.
        """

    async def release(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed and give the claim back: the job waits, is offered, or has ended."""

    async def hasten(self, job_ids: Collection[JobId]) -> None:
        """Let jobs be claimed at once that wait until later; nothing else of them changes.

        Jobs that somebody has claimed, or that have ended, stay as they are.
        """

    async def pick(
        self, job_id: JobId, choice: Choice, now: datetime, *, is_quick: bool = False
    ) -> bool:
        """Answer the menu of an OFFERED job, once: it is QUEUED. False when it is not offered."""

    async def note_status(self, job_id: JobId, message_id: int) -> None:
        """Keep where a job's status message is. Needs no claim: the chat goes its own pace."""

    async def note_upload(self, job_id: JobId, note: str) -> None:
        """Keep what Telegram has of a job's file. Needs no claim, as `note_status`."""

    async def note_cancel(self, job_id: JobId) -> None:
        """Keep that an open job is not wanted any more. Needs no claim, as `note_status`."""

    async def end(
        self,
        job_id: JobId,
        state: JobState,
        error: UserbotError | None,
        now: datetime,
        *,
        only: JobState | None = None,
    ) -> bool:
        """End a job from outside, whoever holds it; False when it had ended or is unknown.

        only: and False when it is in another state than this.
        """

    async def reopen(
        self,
        job_id: JobId,
        now: datetime,
        *,
        wish: MediaKind | None = None,
        max_unfinished: int | None = None,
    ) -> bool:
        """Make a job that ended without being delivered NEW once more; False for any other.

        Nothing of its tries is left but the choices and the status message. Raises
        TooManyJobsError as `add` does.
        """

    async def note_told(self, job_id: JobId) -> None:
        """Keep that the chat shows how a job has ended."""

    async def untold(self) -> list[JobRecord]:
        """Return the jobs that have ended and whose chat does not show it yet, oldest first."""

    async def give_up_claims(self, *, is_crash: bool = True) -> int:
        """Take every lease away: after a restart nobody holds one. A crash counts for each."""

    async def unfinished(self, user_id: int | None = None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first; of everybody when user_id is None."""

    async def count_unfinished(self, user_id: int) -> int:
        """Return how many jobs of a person have not ended."""

    async def places(self, lane: Lane, now: datetime, limit: int) -> list[Place]:
        """Return the first places in line of a lane: the order in which claims would take them.

        Jobs that are claimed or not yet due have no place. That somebody holds as many claims as
        the limits allow is left out: who will have finished by then, nobody knows.
        """

    async def position(self, job_id: JobId, now: datetime) -> int | None:
        """Return the place of one job in the line of its lane, None when it has none."""

    async def forget_ended(self, before: datetime) -> int:
        """Delete the jobs that ended before a moment; return how many."""
