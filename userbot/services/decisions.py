"""What an owner decides about people: kept in the store, and in force at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from userbot.domain.people import Ban, Quota, Role
from userbot.ports.durable import Users
from userbot.services.access import Access
from userbot.services.jobs import Jobs


class Decisions:
    """Bans, lets in, and limits. `now` is aware UTC.

    Every method raises InfrastructureError when that could not be kept; then nothing has changed.
    """

    def __init__(
        self, users: Users, access: Access, jobs: Jobs, now: Callable[[], datetime]
    ) -> None:
        self._users = users
        self._access = access
        self._jobs = jobs
        self._now = now

    async def load(self) -> None:
        """Hold to what was decided before; call it before anybody is served."""
        for user in await self._users.decided():
            self._access.decide(user)

    async def ban(self, user_id: int, reason: str = "") -> int:
        """Serve somebody no more and cancel their open jobs; return how many those were."""
        ban = Ban(self._now(), reason)
        await self._users.set_ban(user_id, ban)
        self._access.decide(replace(self._access.decided(user_id), ban=ban))
        open_jobs = await self._jobs.open_of(user_id)
        return sum([await self._jobs.cancel(summary.job.id) for summary in open_jobs])

    async def unban(self, user_id: int) -> None:
        """Serve somebody again."""
        await self._users.set_ban(user_id, None)
        self._access.decide(replace(self._access.decided(user_id), ban=None))

    async def set_role(self, user_id: int, role: Role) -> None:
        """Make somebody what they are from now on."""
        await self._users.set_role(user_id, role)
        self._access.decide(replace(self._access.decided(user_id), role=role))

    async def set_quota(self, user_id: int, quota: Quota | None) -> None:
        """Give somebody a quota of their own; None: that of everybody."""
        await self._users.set_quota(user_id, quota)
        self._access.decide(replace(self._access.decided(user_id), quota=quota))
