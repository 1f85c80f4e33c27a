"""Who a person is to the bot, what they may, and what they want without being asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from userbot.domain.choices import Choice
from userbot.domain.media import MediaKind


class Role(StrEnum):
    """What somebody is to the bot. Owners stand in the settings, not here."""

    USER = "user"  # may use it where the settings say so
    ALLOWED = "allowed"  # in private too
    TRUSTED = "trusted"  # in private too, with an allowance of their own


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person wants without being asked: no `kind`, to be asked each time.

    `height` is the most that a video may have, None the best there is.
    """

    kind: MediaKind | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody may not use the bot, until the owner says otherwise. `reason` is the owner's."""

    since: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """How much a person took on one day: files, and their bytes."""

    count: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a person may take on one day; None: as much as they like."""

    count: int | None = None
    size_bytes: int | None = None

    def has_room(self, used: Usage) -> bool:
        """Say whether one more may begin; how large it will be, nobody knows yet."""
        return (self.count is None or used.count < self.count) and (
            self.size_bytes is None or used.size_bytes < self.size_bytes
        )


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has written to the bot, or about whom its owner has decided something.

    `name` is theirs, and hostile; "" and the times None when they never wrote. `quota` is one of
    their own, None for what everybody has.
    """

    id: int
    name: str = ""
    first_seen_at: datetime | None = None
    seen_at: datetime | None = None
    preferences: Preferences = field(default_factory=Preferences)
    role: Role = Role.USER
    ban: Ban | None = None
    quota: Quota | None = None


def preferred(choices: Sequence[Choice], wanted: Preferences) -> Choice | None:
    """Return what a person wants of what there is, best first; None: they are to be asked.

    That is so too where a site has nothing of the kind, or nothing that is small enough.
    """
    return next((choice for choice in choices if _is_wanted(choice, wanted)), None)


def _is_wanted(choice: Choice, wanted: Preferences) -> bool:
    """Say whether a choice is wanted; a video whose height nobody tells is the only one."""
    is_small = wanted.height is None or (choice.height or 0) <= wanted.height
    return choice.kind is wanted.kind and is_small
