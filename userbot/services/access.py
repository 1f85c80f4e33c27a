"""Who may use the bot."""

import hmac
import logging
from collections.abc import Callable, Iterable

from userbot.domain.jobs import Request

log = logging.getLogger(__name__)


class Access:
    """The owner, and the chats and people that the settings name."""

    def __init__(
        self,
        owners: Iterable[int],
        users: Iterable[int],
        chats: Iterable[int],
        trusted: Iterable[int] = (),
        banned: Iterable[int] = (),
    ) -> None:
        self._owners = set(owners)
        self._trusted = frozenset(trusted)
        self._users = self._trusted.union(users)
        self._chats = set(chats)
        self._banned = frozenset(banned)

    @property
    def has_owner(self) -> bool:
        """False until somebody owns the bot."""
        return bool(self._owners)

    @property
    def owners(self) -> tuple[int, ...]:
        """The ids of all owners."""
        return tuple(self._owners)

    def allows(self, request: Request) -> bool:
        """Say whether a link is served: the owner's everywhere, others' where they may."""
        if request.user_id in self._owners:
            return True
        if self.is_banned(request.user_id):
            return False
        in_private = not request.is_group and request.user_id in self._users
        return in_private or request.chat_id in self._chats

    def is_banned(self, user_id: int) -> bool:
        """Say whether a user may do nothing here; an owner cannot be banned."""
        return user_id in self._banned and not self.is_owner(user_id)

    def is_known_chat(self, chat_id: int) -> bool:
        """Say whether a group is one that the settings name."""
        return chat_id in self._chats

    def is_owner(self, user_id: int) -> bool:
        """Say whether a user owns the bot."""
        return user_id in self._owners

    def is_trusted(self, user_id: int) -> bool:
        """Say whether the settings name a user as one with larger limits."""
        return user_id in self._trusted

    def moved(self, old_id: int, new_id: int) -> None:
        """Serve a group under its new id too, until the next start reads the settings."""
        if old_id not in self._chats or new_id in self._chats:
            return
        self._chats.add(new_id)
        log.warning(
            "the group %d is %d now: please change that in AUTHORIZED_CHATS", old_id, new_id
        )

    def add_owner(self, user_id: int) -> None:
        """Make a user an owner, until the next start reads the settings."""
        self._owners.add(user_id)


class OwnerCode:
    """The one-time word by which the first owner is found."""

    def __init__(self, code: str, access: Access, save: Callable[[int], None]) -> None:
        self.code = code
        self._is_used = False
        self._access = access
        self._save = save

    def redeem(self, code: str, user_id: int) -> bool:
        """Make user_id the owner if the code is right and was not used; say whether it was."""
        is_right = hmac.compare_digest(self.code.encode(), code.encode())
        if self._is_used or self._access.has_owner or not is_right:
            return False
        self._is_used = True
        self._access.add_owner(user_id)
        self._save(user_id)
        return True
