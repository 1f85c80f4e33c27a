"""How much one person may take on a day. What was delivered counts, also after a restart."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from userbot.domain.limits import Allowances, day_of, next_day
from userbot.domain.people import Quota, Role, Usage
from userbot.domain.records import JobRecord
from userbot.errors import InfrastructureError
from userbot.ports import JobStore
from userbot.ports.durable import Quotas
from userbot.services.people import People

log = logging.getLogger(__name__)

NO_LIMIT = Quota()


@dataclass(frozen=True, slots=True)
class Spent:
    """Somebody has what is theirs for today; the next day begins in `wait_s`.

    `limit` is how many videos they may have, and `left` how many more they can get, fewer than they
    asked for; or else `limit_bytes` is what they had.
    """

    wait_s: float
    limit: int = 0
    left: int = 0
    limit_bytes: int | None = None


class DailyQuota:
    """Knows what people took today, and how much that may be. Owners take what they like."""

    def __init__(
        self,
        quotas: Quotas,
        jobs: JobStore,
        allowances: Allowances,
        people: People,
        now: Callable[[], datetime],
    ) -> None:
        self._quotas = quotas
        self._jobs = jobs
        self._allowances = allowances
        self._people = people
        self._now = now

    async def spent(self, user_id: int, links: int) -> Spent | None:
        """Return why somebody can have no more links today; None: they can.

        Links that are open count as taken, so that many at once are no way around it. What is under
        way is finished. With links 0 only the bytes are asked about.
        """
        quota = await self._quota_of(user_id)
        if quota == NO_LIMIT:
            return None
        now = self._now()
        try:
            used = await self._quotas.usage(user_id, day_of(now))
            open_jobs = await self._jobs.count_unfinished(user_id) if links else 0
        except InfrastructureError as error:
            log.warning("what somebody took today is not known: %r", error)
            return None
        wait_s = (next_day(now) - now).total_seconds()
        if quota.size_bytes is not None and used.size_bytes >= quota.size_bytes:
            return Spent(wait_s, limit_bytes=quota.size_bytes)
        if not links or quota.count is None or used.count + open_jobs + links <= quota.count:
            return None
        left = max(quota.count - used.count - open_jobs, 0)
        return Spent(wait_s, quota.count, left)

    async def took(self, record: JobRecord) -> None:
        """Count a job that was delivered."""
        file = record.known or record.file
        cost = Usage(1, (file.size_bytes if file else 0) or 0)
        try:
            await self._quotas.charge(
                record.job.request.user_id, day_of(self._now()), cost, NO_LIMIT
            )
        except InfrastructureError as error:
            log.warning("what somebody took is not counted: %r", error)

    async def _quota_of(self, user_id: int) -> Quota:
        """Return what a person may have: their own quota, or that of their role."""
        role = await self._people.role_of(user_id)
        if role is None:
            return NO_LIMIT
        own = await self._people.quota_of(user_id)
        of_role = (
            self._allowances.trusted_quota if role is Role.TRUSTED else self._allowances.user_quota
        )
        return of_role if own is None else own
