"""How much the bot did lately, for its owner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from userbot.domain.history import Tally
from userbot.ports.durable import Errors, Statistics

WEEK = timedelta(days=6)  # and today
LISTED = 5


@dataclass(frozen=True, slots=True)
class Numbers:
    """Today, the last seven days, and of those the first few sites, people and errors."""

    today: Tally
    week: Tally
    sites: Sequence[tuple[str, Tally]]
    users: Sequence[tuple[int, Tally]]
    errors: Sequence[tuple[str, int]]


class Overview:
    """Counts. `now` is aware UTC; days begin at its midnight."""

    def __init__(self, statistics: Statistics, errors: Errors, now: Callable[[], datetime]) -> None:
        self._statistics = statistics
        self._errors = errors
        self._now = now

    async def numbers(self) -> Numbers:
        """Return the numbers of this moment."""
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - WEEK
        return Numbers(
            today=await self._statistics.total(today),
            week=await self._statistics.total(since),
            sites=await self._statistics.by_site(since, LISTED),
            users=await self._statistics.by_user(since, LISTED),
            errors=(await self._errors.counts(since))[:LISTED],
        )
