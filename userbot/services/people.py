"""Who somebody is to the bot, as its owner has decided; asked for with everything they do."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from userbot.domain.people import Quota, Role, User
from userbot.errors import InfrastructureError
from userbot.ports.durable import Users
from userbot.services.access import Access

log = logging.getLogger(__name__)

KNOWN_S = 30.0  # what the owner decides holds within that time
PATIENCE_S = 0.3  # a person waits; a store that is away makes everybody a plain user
MAX_KNOWN = 10_000


class People:
    """Knows people's roles and quotas without asking the store each time."""

    def __init__(self, access: Access, users: Users, clock: Callable[[], float]) -> None:
        self._access = access
        self._users = users
        self._clock = clock
        self._known: OrderedDict[int, tuple[float, User | None]] = OrderedDict()

    async def role_of(self, user_id: int) -> Role | None:
        """Return a person's role, None for an owner, who has no limits."""
        if self._access.is_owner(user_id):
            return None
        user = await self._find(user_id)
        return user.role if user else Role.USER

    async def quota_of(self, user_id: int) -> Quota | None:
        """Return the quota that is this person's alone, None when they have none."""
        user = await self._find(user_id)
        return user.quota if user else None

    async def _find(self, user_id: int) -> User | None:
        now = self._clock()
        until, user = self._known.get(user_id, (now, None))
        if until > now:
            return user
        try:
            async with asyncio.timeout(PATIENCE_S):
                user = await self._users.find(user_id)
        except (InfrastructureError, TimeoutError) as error:
            log.warning("who somebody is cannot be looked up: %r", error)
        self._remember(user_id, now + KNOWN_S, user)
        return user

    def _remember(self, user_id: int, until: float, user: User | None) -> None:
        self._known.pop(user_id, None)
        self._known[user_id] = (until, user)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
