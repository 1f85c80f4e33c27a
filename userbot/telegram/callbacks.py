"""What a button carries: an action and ids, at most 64 bytes, and nothing that is trusted."""

import re
from dataclasses import dataclass
from enum import StrEnum

from userbot.domain.jobs import JobId, Remedy

_LETTERS = {
    Remedy.TRY_AGAIN: "a",
    Remedy.OTHER_QUALITY: "q",
    Remedy.AUDIO_ONLY: "s",
    Remedy.TELL_OWNER: "o",
}
_REMEDIES = {letter: remedy for remedy, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class CancelPress:
    """The Cancel button of a job."""

    job_id: JobId

    def pack(self) -> str:
        """Return the callback data."""
        return f"x:{self.job_id}"


@dataclass(frozen=True, slots=True)
class ChoicePress:
    """The quality button at `index` of a job's menu."""

    job_id: JobId
    index: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"q:{self.job_id}:{self.index}"


@dataclass(frozen=True, slots=True)
class FreshPress:
    """The wish for a copy that uses nothing from before: the quality at `index` of a job's menu.

    `index` is None while the quality is still to be picked.
    """

    job_id: JobId
    index: int | None = None

    def pack(self) -> str:
        """Return the callback data."""
        return f"f:{self.job_id}" if self.index is None else f"f:{self.job_id}:{self.index}"


@dataclass(frozen=True, slots=True)
class RemedyPress:
    """What a person wants to be done about a job that has ended."""

    job_id: JobId
    remedy: Remedy

    def pack(self) -> str:
        """Return the callback data."""
        return f"r:{self.job_id}:{_LETTERS[self.remedy]}"


@dataclass(frozen=True, slots=True)
class PagePress:
    """Another page, counted from 0, of the list that `asker_id` has asked for."""

    page: int
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"p:{self.page}:{self.asker_id}"


@dataclass(frozen=True, slots=True)
class ListCancelPress:
    """The Cancel button of a job on a page of the list that `asker_id` has asked for."""

    job_id: JobId
    page: int
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"c:{self.job_id}:{self.page}:{self.asker_id}"


@dataclass(frozen=True, slots=True)
class HistoryPress:
    """Another page, counted from 0, of the history of `asker_id`."""

    page: int
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"h:{self.page}:{self.asker_id}"


@dataclass(frozen=True, slots=True)
class AgainPress:
    """What a job in the history of `asker_id` brought is to be sent again."""

    job_id: JobId
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"g:{self.job_id}:{self.asker_id}"


class DataWish(StrEnum):
    """What is to become of what the bot knows about somebody."""

    DELETE = "d"  # to be asked once more
    YES = "y"
    NO = "n"


@dataclass(frozen=True, slots=True)
class DataPress:
    """What `asker_id` wants to be done with what is kept about them."""

    wish: DataWish
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"d:{self.wish}:{self.asker_id}"


class Default(StrEnum):
    """What somebody may want without being asked, as `/settings` offers it."""

    ASK = "a"
    FULL_HD = "f"
    HD = "h"
    AUDIO = "s"


@dataclass(frozen=True, slots=True)
class SettingsPress:
    """What `asker_id` wants without being asked from now on."""

    default: Default
    asker_id: int

    def pack(self) -> str:
        """Return the callback data."""
        return f"s:{self.default}:{self.asker_id}"


OwnPress = HistoryPress | AgainPress | DataPress | SettingsPress
Press = (
    CancelPress | ChoicePress | FreshPress | RemedyPress | PagePress | ListCancelPress | OwnPress
)

_JOB, _PAGE, _ASKER = rb"([0-9a-f]{8,12})", rb"([0-9]{1,4})", rb"(-?[0-9]{1,16})"
_CANCEL = re.compile(rb"x:" + _JOB)
_CHOICE = re.compile(rb"q:" + _JOB + rb":([0-9]{1,2})")
_FRESH = re.compile(rb"f:" + _JOB + rb"(?::([0-9]{1,2}))?")
_REMEDY = re.compile(rb"r:" + _JOB + rb":([aqso])")
_TURN = re.compile(rb"p:" + _PAGE + rb":" + _ASKER)
_LIST_CANCEL = re.compile(rb"c:" + _JOB + rb":" + _PAGE + rb":" + _ASKER)
_HISTORY = re.compile(rb"h:" + _PAGE + rb":" + _ASKER)
_AGAIN = re.compile(rb"g:" + _JOB + rb":" + _ASKER)
_DATA = re.compile(rb"d:([dyn]):" + _ASKER)
_SETTINGS = re.compile(rb"s:([afhs]):" + _ASKER)


def unpack(data: bytes) -> Press | None:
    """Return the press that data stands for, None for anything this program did not write."""
    if match := _CANCEL.fullmatch(data):
        return CancelPress(_job(match[1]))
    if match := _CHOICE.fullmatch(data):
        return ChoicePress(_job(match[1]), int(match[2]))
    if match := _FRESH.fullmatch(data):
        return FreshPress(_job(match[1]), int(match[2]) if match[2] else None)
    if match := _REMEDY.fullmatch(data):
        return RemedyPress(_job(match[1]), _REMEDIES[match[2].decode()])
    return _unpack_list(data)


def _unpack_list(data: bytes) -> Press | None:
    if match := _TURN.fullmatch(data):
        return PagePress(int(match[1]), int(match[2]))
    if match := _LIST_CANCEL.fullmatch(data):
        return ListCancelPress(_job(match[1]), int(match[2]), int(match[3]))
    return _unpack_own(data)


def _unpack_own(data: bytes) -> OwnPress | None:
    if match := _HISTORY.fullmatch(data):
        return HistoryPress(int(match[1]), int(match[2]))
    if match := _AGAIN.fullmatch(data):
        return AgainPress(_job(match[1]), int(match[2]))
    if match := _DATA.fullmatch(data):
        return DataPress(DataWish(match[1].decode()), int(match[2]))
    if match := _SETTINGS.fullmatch(data):
        return SettingsPress(Default(match[1].decode()), int(match[2]))
    return None


def _job(raw: bytes) -> JobId:
    return JobId(raw.decode())
