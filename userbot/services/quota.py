"""How much one person may take on a day. What is accepted counts at once, also after a restart."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from userbot.domain.jobs import JobId
from userbot.domain.limits import Allowances, day_of, next_day
from userbot.domain.people import Quota, Role, Usage
from userbot.errors import InfrastructureError, QuotaSpentError, StoreAwayError
from userbot.ports.durable import Quotas
from userbot.services.access import Access

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
    """Knows what people took today, and how much that may be. Owners take what they like.

    What is accepted is reserved; when it has ended, `services/history.py` settles what it brought,
    or releases it.
    """

    def __init__(
        self,
        quotas: Quotas,
        allowances: Allowances,
        access: Access,
        now: Callable[[], datetime],
    ) -> None:
        self._quotas = quotas
        self._allowances = allowances
        self._access = access
        self._now = now

    async def spent(self, user_id: int, links: int) -> Spent | None:
        """Return why somebody can have no more links today; None: they can, if nobody is quicker.

        What is under way counts, and is finished. With links 0 only the bytes are asked about.
        """
        quota = self.of(user_id)
        if quota == NO_LIMIT:
            return None
        try:
            used = await self._quotas.usage(user_id, day_of(self._now()))
        except InfrastructureError as error:
            log.warning("what somebody took today is not known: %r", error)
            return None
        return self._spent(quota, used, links)

    async def reserve(self, user_id: int, job_id: JobId, size_bytes: int = 0) -> None:
        """Count something as one of somebody's videos of today, of which that many bytes are known.

        Raises QuotaSpentError when they have had enough, and StoreAwayError. A store that fails
        otherwise refuses nobody.
        """
        quota, today = self.of(user_id), day_of(self._now())
        spent: Spent | None = None
        try:
            while spent is None:  # else something of theirs has just come to nothing
                if await self._quotas.reserve(user_id, job_id, today, quota, size_bytes):
                    return
                spent = self._spent(quota, await self._quotas.usage(user_id, today), 1)
        except StoreAwayError:
            raise  # the job cannot be kept either
        except InfrastructureError as error:
            log.warning("what somebody takes is not counted yet: %r", error)
            return
        raise QuotaSpentError(spent.wait_s, spent.limit, spent.limit_bytes)

    async def release(self, user_id: int, job_id: JobId) -> None:
        """Count no more what came to nothing; a store that fails does not until the next day."""
        try:
            await self._quotas.release(user_id, job_id)
        except InfrastructureError as error:
            log.warning("what somebody did not get is counted: %r", error)

    def of(self, user_id: int) -> Quota:
        """Return what a person may have on a day: their own quota, or that of their role."""
        role = self._access.role_of(user_id)
        if role is None:
            return NO_LIMIT
        own = self._access.quota_of(user_id)
        of_role = (
            self._allowances.trusted_quota if role is Role.TRUSTED else self._allowances.user_quota
        )
        return of_role if own is None else own

    def _spent(self, quota: Quota, used: Usage, links: int) -> Spent | None:
        now = self._now()
        wait_s = (next_day(now) - now).total_seconds()
        if quota.size_bytes is not None and used.size_bytes >= quota.size_bytes:
            return Spent(wait_s, limit_bytes=quota.size_bytes)
        if not links or quota.count is None or used.count + links <= quota.count:
            return None
        return Spent(wait_s, quota.count, max(quota.count - used.count, 0))
