"""Who a person is to the bot, and what they may."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from userbot.domain.media import MediaKind


class Role(StrEnum):
    """What somebody is to the bot. Owners stand in the settings, not here."""

    USER = "user"
    TRUSTED = "trusted"  # with an allowance of their own


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person wants without being asked; None: to be asked."""

    kind: MediaKind | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody may not use the bot; `until` is None for good. `reason` is the owner's own words."""

    since: datetime
    until: datetime | None = None
    reason: str = ""

    def holds(self, now: datetime) -> bool:
        """Say whether it is in force."""
        return self.until is None or now < self.until


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

    def allows(self, usage: Usage) -> bool:
        """Say whether a day's usage is within it."""
        return (self.count is None or usage.count <= self.count) and (
            self.size_bytes is None or usage.size_bytes <= self.size_bytes
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
