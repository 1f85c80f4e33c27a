"""Who may use the bot, and as what: by the settings, and by what its owner has decided since."""

import hmac
import logging
from collections.abc import Callable, Iterable

from userbot.domain.jobs import Request
from userbot.domain.people import Quota, Role, User

log = logging.getLogger(__name__)


class Access:
    """The owner, the chats and people that the settings name, and those who are decided about.

    All of it is at hand: whoever asks does not wait. `services/decisions.py` keeps what is decided.
    """

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
        self._decided: dict[int, User] = {}

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
        in_private = not request.is_group and self._is_let_in(request.user_id)
        return in_private or request.chat_id in self._chats

    def role_of(self, user_id: int) -> Role | None:
        """Return what somebody is, None for an owner, who has no limits."""
        if self.is_owner(user_id):
            return None
        return Role.TRUSTED if user_id in self._trusted else self.decided(user_id).role

    def quota_of(self, user_id: int) -> Quota | None:
        """Return the quota that is this person's alone, None when they have none."""
        return self.decided(user_id).quota

    def decided(self, user_id: int) -> User:
        """Return what the owner has decided about somebody; nothing, mostly."""
        return self._decided.get(user_id) or User(user_id)

    def decide(self, user: User) -> None:
        """Hold to what the owner has decided about somebody, from now on."""
        self._decided[user.id] = user

    def is_banned(self, user_id: int) -> bool:
        """Say whether a user may do nothing here; an owner cannot be banned."""
        is_banned = self.is_banned_for_good(user_id) or self.decided(user_id).ban is not None
        return is_banned and not self.is_owner(user_id)

    def is_banned_for_good(self, user_id: int) -> bool:
        """Say whether the settings ban a user: no command changes that."""
        return user_id in self._banned

    def is_named(self, user_id: int) -> bool:
        """Say whether the settings let a user write in private: no command changes that."""
        return user_id in self._users

    def is_known_chat(self, chat_id: int) -> bool:
        """Say whether a group is one that the settings name."""
        return chat_id in self._chats

    def is_owner(self, user_id: int) -> bool:
        """Say whether a user owns the bot."""
        return user_id in self._owners

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

    def _is_let_in(self, user_id: int) -> bool:
        return self.is_named(user_id) or self.decided(user_id).role is not Role.USER


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
