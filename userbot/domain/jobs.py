"""A job - one link of one person, from the message to the video - and what is shown of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from userbot.domain.choices import Choice
from userbot.domain.media import Extraction, Growth
from userbot.errors import UserbotError

JobId = NewType("JobId", str)


@dataclass(frozen=True, slots=True)
class Request:
    """Where a link came from. Ids are Telegram's, chats as the Bot API writes them.

    `user_id` is the sender; for an anonymous group admin it is the group's own id.
    """

    chat_id: int
    message_id: int
    user_id: int
    is_group: bool
    topic_id: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted link."""

    id: JobId
    request: Request
    url: str


class Stage(StrEnum):
    """What a job is doing while bytes or time pass."""

    DOWNLOAD = "download"
    MERGE = "merge"
    CONVERT = "convert"
    FINISH = "finish"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. `total_bytes` is None when unknown, and an estimate when `is_estimate`.

    `speed_bytes_s` is None until it was measured; the time left follows from the three.
    """

    stage: Stage
    done_bytes: int = 0
    total_bytes: int | None = None
    speed_bytes_s: float | None = None
    is_estimate: bool = False

    @property
    def fraction(self) -> float | None:
        """0.0 to 1.0, or None when the total is unknown."""
        if not self.total_bytes:
            return None
        return min(self.done_bytes / self.total_bytes, 1.0)

    @property
    def left_s(self) -> float | None:
        """Seconds to the end at the present speed, or None when that cannot be said."""
        if not self.total_bytes or not self.speed_bytes_s:
            return None
        return max(self.total_bytes - self.done_bytes, 0) / self.speed_bytes_s


Event = Progress | Growth
"""What a call tells on its way."""


class Remedy(StrEnum):
    """What a person can do about a job that has ended with an error."""

    TRY_AGAIN = "try again"
    OTHER_QUALITY = "other quality"
    AUDIO_ONLY = "audio only"
    TELL_OWNER = "tell the owner"


# What the one status message of a job can say. `telegram/texts.py` finds the words.


@dataclass(frozen=True, slots=True)
class Looking:
    """The page is being read."""


@dataclass(frozen=True, slots=True)
class Menu:
    """The qualities are offered; those at the numbers in `instant` can be sent at once.

    `is_fresh`: the next pick is to use nothing that is there from before.
    """

    extraction: Extraction
    choices: tuple[Choice, ...]
    instant: frozenset[int] = frozenset()
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """Nobody was asked: what their person always takes was taken."""

    title: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class Waiting:
    """All slots are taken. `position` counts from 1; the turn comes in about `left_s` seconds.

    `title` is "" while the page was not read, and `left_s` None where nobody can say.
    """

    title: str
    position: int
    left_s: float | None


@dataclass(frozen=True, slots=True)
class WaitingForDisk:
    """The disk has no room for `need_bytes` more until other jobs are done."""

    title: str
    need_bytes: int


@dataclass(frozen=True, slots=True)
class Working:
    """A stage runs."""

    title: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended with an error; `remedies` are what its person can do about it, best first."""

    error: UserbotError
    job_id: JobId
    url: str
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Someone who may has cancelled the job."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody tapped the menu in time."""

    title: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """Something failed that may pass; the next try begins in `pause_s` seconds."""

    error: UserbotError
    pause_s: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The bot is being stopped; the job goes on by itself after its next start."""


View = (
    Looking
    | Menu
    | Chosen
    | Waiting
    | WaitingForDisk
    | Working
    | Retrying
    | Paused
    | Failed
    | Cancelled
    | Expired
)
FINAL_VIEWS = (Failed, Cancelled, Expired)
