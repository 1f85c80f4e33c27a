"""What is kept of a job, so that it can go on after the bot was killed at any moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from userbot import errors
from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId
from userbot.domain.media import Extraction, KnownFile, MediaFile, MediaKind
from userbot.errors import InfrastructureError, UserbotError

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
    """Which kind of work a claim is for. Each lane has workers and fair turns of its own.

    So reading pages never waits behind downloads, nor what is done in a moment behind what takes
    an hour; and nobody can starve, as no lane takes from another.
    """

    INSPECT = "inspect"  # jobs that are NEW
    QUICK = "quick"  # jobs with a quality picked that are soon done: small, or cached
    DELIVER = "deliver"  # all others with a quality picked


WAIT, EXTRACT = "wait", "extract"  # steps of a job, beside the values of Stage
ENDS = (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED)
PICKED = (JobState.QUEUED, JobState.FETCHED, JobState.SENDING)


def lane_of(state: JobState, *, is_quick: bool) -> Lane | None:
    """Return the lane of a job that waits or is worked on; None with an open menu, and ended."""
    if state is JobState.NEW:
        return Lane.INSPECT
    if state in PICKED:
        return Lane.QUICK if is_quick else Lane.DELIVER
    return None


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored. Times are aware UTC.

    `attempts` counts the claims that ended without a word: the process died. `retries` counts the
    tries after a passing failure of the site. `not_before` is when the next try may begin.
    `send_random_id` is drawn and saved before the file is sent for the first time, and
    `sent_message_id` after, None meanwhile. `status_message_id`, `upload_note` - what Telegram has
    of the file, in the uploader's own words - and `is_unwanted` - it was cancelled, and is about to
    end - are kept by `JobStore.note_status`, `note_upload` and `note_cancel` alone. The `info_json`
    of the extraction is "" once the job has ended.

    `worked_s` is the time that the job's steps took so far, waiting not counted. `waits_since` is
    when it first found no room on the disk. `wish` is what its person asked for instead of a menu.
    `error` is the class of the error that ended it, `error_args` what it was made of. `file_ids`
    are those of the sent message. `steps_s` says how long each step took, all its tries together:
    WAIT (for its turn or another try, not for its person), EXTRACT, and the values of `Stage`.
    `known` is what is sent instead of a file of the job's own: Telegram has it already.
    """

    job: Job
    state: JobState
    created_at: datetime
    changed_at: datetime
    attempts: int = 0
    retries: int = 0
    not_before: datetime | None = None
    is_quick: bool = False
    extraction: Extraction | None = None
    choices: tuple[Choice, ...] = ()
    choice: Choice | None = None
    file: MediaFile | None = None
    status_message_id: int | None = None
    send_random_id: int | None = None
    sent_message_id: int | None = None
    upload_note: str | None = None
    is_unwanted: bool = False
    worked_s: float = 0.0
    waits_since: datetime | None = None
    wish: MediaKind | None = None
    error: str | None = None
    error_args: tuple[str | int | float | None, ...] = ()
    file_ids: tuple[str, ...] = ()
    steps_s: Mapping[str, float] = field(default_factory=dict)
    known: KnownFile | None = None


def error_of(record: JobRecord) -> UserbotError:
    """Return the error that ended a job; a plain InfrastructureError where it cannot be made."""
    kind = getattr(errors, record.error or "", None)
    if not isinstance(kind, type) or not issubclass(kind, UserbotError):
        return InfrastructureError()
    try:
        return kind(*record.error_args)
    except TypeError:  # stored by another version
        return InfrastructureError()


@dataclass(frozen=True, slots=True)
class JobSummary:
    """What a list needs of a job, and nothing that is large.

    `title` is None until the page was read. `is_claimed`: somebody works on it, or did when the
    process died.
    """

    job: Job
    state: JobState
    created_at: datetime
    changed_at: datetime
    not_before: datetime | None
    is_quick: bool
    is_claimed: bool
    title: str | None
    choice: Choice | None
    status_message_id: int | None
    is_unwanted: bool = False


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
