"""What is kept of a job, so that it can go on after the bot was killed at any moment."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId
from userbot.domain.media import Extraction, MediaFile

Fence = NewType("Fence", int)


class JobState(StrEnum):
    """Where a job stands. The last four are ends."""

    NEW = "new"  # accepted; the page is to be read
    OFFERED = "offered"  # the menu waits for a tap
    QUEUED = "queued"  # a quality was picked; waits for its turn
    FETCHED = "fetched"  # the finished file lies in the job's folder; to be uploaded
    SENDING = "sending"  # uploaded; the message was or is about to be sent
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Lane(StrEnum):
    """Which kind of work a claim is for. Reading pages never waits behind downloads."""

    INSPECT = "inspect"  # jobs that are NEW
    DELIVER = "deliver"  # jobs that are QUEUED, FETCHED or SENDING


STATES_OF = {
    Lane.INSPECT: (JobState.NEW,),
    Lane.DELIVER: (JobState.QUEUED, JobState.FETCHED, JobState.SENDING),
}
ENDS = (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored. Times are aware UTC.

    `attempts` counts the claims that ended without a word: the process died. `retries` counts the
    tries after a passing failure of the site. `not_before` is when the next try may begin.
    Each `..._random_id` is drawn and saved before the message it belongs to is sent for the first
    time; each `..._message_id` is saved after, None meanwhile.
    """

    job: Job
    state: JobState
    created_at: datetime
    changed_at: datetime
    attempts: int = 0
    retries: int = 0
    not_before: datetime | None = None
    extraction: Extraction | None = None
    choices: tuple[Choice, ...] = ()
    choice: Choice | None = None
    file: MediaFile | None = None
    status_random_id: int | None = None
    status_message_id: int | None = None
    send_random_id: int | None = None
    sent_message_id: int | None = None
    error: str | None = None  # the class of the error that ended it


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a job until the lease ends; `fence` tells an old claim from a new."""

    record: JobRecord
    fence: Fence
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class FairLimits:
    """How many claims of a lane one person and one chat may hold at once."""

    per_user: int
    per_chat: int


@dataclass(frozen=True, slots=True)
class Place:
    """A job's place in line, counted from 1, as fair turns would have it."""

    job_id: JobId
    position: int
