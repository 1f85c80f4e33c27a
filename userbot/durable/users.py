"""What both databases keep of a person, and how it is read again."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from userbot.domain.people import Ban, Preferences, Quota, Role, User
from userbot.durable.values import dump, load, when
from userbot.errors import InfrastructureError

log = logging.getLogger(__name__)


class UserFields(ABC):
    """The part of `ports.durable.Users` that sets one field; what everybody has is not kept."""

    @abstractmethod
    async def _set(self, user_id: int, field: str, value: str | None) -> None:
        """Keep one field of a person; None: nothing of it."""

    async def set_preferences(self, user_id: int, preferences: Preferences) -> None:
        """Keep what a person wants."""
        is_default = preferences == Preferences()
        await self._set(user_id, "preferences", None if is_default else dump(preferences))

    async def set_role(self, user_id: int, role: Role) -> None:
        """Keep what a person is."""
        await self._set(user_id, "role", None if role is Role.USER else role.value)

    async def set_ban(self, user_id: int, ban: Ban | None) -> None:
        """Keep that a person may not use the bot."""
        await self._set(user_id, "ban", dump(ban) if ban else None)

    async def set_quota(self, user_id: int, quota: Quota | None) -> None:
        """Keep how much a person may take."""
        await self._set(user_id, "quota", dump(quota) if quota else None)


def users_of(found: Iterable[tuple[int, Mapping[str, Any]]]) -> list[User]:
    """Return people from their ids and what is kept; who cannot be read is left out, and logged."""
    users = []
    for user_id, fields in found:
        try:
            users.append(user_of(user_id, fields))
        except InfrastructureError as error:
            log.error("%s", error)  # noqa: TRY400  the traceback says no more
    return users


def user_of(user_id: int, fields: Mapping[str, Any]) -> User:
    """Return a person from what is kept; a field may be None or missing.

    Raises InfrastructureError for what this program has not written.
    """
    first_seen_at, seen_at = fields.get("first_seen_at"), fields.get("seen_at")
    try:
        return User(
            id=user_id,
            name=fields.get("name", ""),
            first_seen_at=None if first_seen_at is None else when(first_seen_at),
            seen_at=None if seen_at is None else when(seen_at),
            preferences=load(Preferences, fields.get("preferences")) or Preferences(),
            role=Role(fields.get("role") or Role.USER),
            ban=load(Ban, fields.get("ban")),
            quota=load(Quota, fields.get("quota")),
        )
    except ValueError as error:  # pydantic's and json's too
        raise InfrastructureError(f"what is kept of person {user_id} is damaged") from error
