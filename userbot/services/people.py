"""Who somebody is to the bot, as its owner has decided; asked for with everything they do."""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from weakref import WeakValueDictionary

from userbot.domain.people import Quota, Role, User
from userbot.errors import InfrastructureError
from userbot.ports.durable import Users
from userbot.services.access import Access

log = logging.getLogger(__name__)

KNOWN_S = 30.0  # what the owner decides holds within that time
PATIENCE_S = 0.3  # a person waits; a store that is away makes everybody a plain user
REST_S = 5.0  # how long a store that did not answer is not asked
MAX_KNOWN = 10_000


class People:
    """Knows people's roles and quotas without asking the store each time.

    Its tasks live in the TaskGroup that it is given: a store may hear of a cancellation only when
    it has answered, so nobody waits for a question to end.
    """

    def __init__(
        self,
        access: Access,
        users: Users,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
    ) -> None:
        self._access = access
        self._users = users
        self._tasks = tasks
        self._rest_until = -math.inf
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._clock = clock
        self._known: OrderedDict[int, tuple[float, User | None]] = OrderedDict()

    async def role_of(self, user_id: int) -> Role | None:
        """Return a person's role, None for an owner, who has no limits."""
        if self._access.is_owner(user_id):
            return None
        if self._access.is_trusted(user_id):
            return Role.TRUSTED
        user = await self._find(user_id)
        return user.role if user else Role.USER

    async def quota_of(self, user_id: int) -> Quota | None:
        """Return the quota that is this person's alone, None when they have none."""
        user = await self._find(user_id)
        return user.quota if user else None

    async def _find(self, user_id: int) -> User | None:
        """Return a person as they are known. Who asks first about somebody is answered first."""
        async with self._turns.setdefault(user_id, asyncio.Lock()):  # for PATIENCE_S at most
            return await self._look_up(user_id)

    async def _look_up(self, user_id: int) -> User | None:
        now = self._clock()
        until, user = self._known.get(user_id, (now, None))
        if until > now:
            return user
        if now < self._rest_until:
            return user
        asking = self._tasks.create_task(self._ask(user_id, user), name=f"who is {user_id}")
        await asyncio.wait([asking], timeout=PATIENCE_S)
        if asking.done():
            return asking.result()
        self._rest("no answer in time")
        return user

    async def _ask(self, user_id: int, before: User | None) -> User | None:
        """Return a person as the store knows them, or as they were when it fails."""
        try:
            user = await self._users.find(user_id)
        except InfrastructureError as error:
            self._rest(repr(error))
            return before
        self._remember(user_id, self._clock() + KNOWN_S, user)
        return user

    def _rest(self, why: str) -> None:
        log.warning("who somebody is cannot be looked up: %s", why)
        self._rest_until = self._clock() + REST_S

    def _remember(self, user_id: int, until: float, user: User | None) -> None:
        self._known.pop(user_id, None)
        self._known[user_id] = (until, user)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
