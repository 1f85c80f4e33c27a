"""How much the bot did lately, for its owner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from userbot.domain.history import ErrorEntry, Tally
from userbot.ports.durable import Errors, Statistics

WEEK = timedelta(days=6)  # and today
LISTED = 5
LAST_ERRORS = 3


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Today, the last seven days, and of those each day and the first few sites, people, errors.

    `last_errors` are the newest ones, however old.
    """

    today: Tally
    week: Tally
    days: Sequence[tuple[date, Tally]]
    sites: Sequence[tuple[str, Tally]]
    users: Sequence[tuple[int, Tally]]
    errors: Sequence[tuple[str, int]]
    last_errors: Sequence[ErrorEntry]


class UsageReports:
    """Makes them. `now` is aware UTC; days begin at its midnight."""

    def __init__(self, statistics: Statistics, errors: Errors, now: Callable[[], datetime]) -> None:
        self._statistics = statistics
        self._errors = errors
        self._now = now

    async def latest(self) -> UsageReport:
        """Return the report of this moment."""
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - WEEK
        return UsageReport(
            today=await self._statistics.total(today),
            week=await self._statistics.total(since),
            days=await self._statistics.by_day(since),
            sites=await self._statistics.by_site(since, LISTED),
            users=await self._statistics.by_user(since, LISTED),
            errors=(await self._errors.counts(since))[:LISTED],
            last_errors=await self._errors.recent(LAST_ERRORS),
        )
