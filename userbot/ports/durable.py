"""What must outlive the process beside the queue: people, history, numbers, errors, quotas.

Every method is durable when it returns, happens as a whole or not at all, also when its caller is
cancelled, and raises InfrastructureError when the store does not answer. Times come from the
caller. What UTF-8 cannot say is kept as "?". Texts are kept as they are: none is ever a query.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from userbot.domain.history import (
    ErrorEntry,
    HistoryItem,
    Mark,
    MediaKey,
    SentFile,
    Tally,
)
from userbot.domain.jobs import JobId
from userbot.domain.people import Ban, Preferences, Quota, Role, Usage, User
from userbot.ports import JobStore


class Users(Protocol):
    """Everybody who has written to the bot."""

    async def find(self, user_id: int) -> User | None:
        """Return a person, None when nothing is known of them."""

    async def touch(self, user_id: int, name: str, now: datetime) -> None:
        """Keep that a person of this name has written; first and last times only widen."""

    async def decided(self) -> list[User]:
        """Return everybody about whom the owner has decided something, by id."""

    async def set_preferences(self, user_id: int, preferences: Preferences) -> None:
        """Keep what a person wants without being asked."""

    async def set_role(self, user_id: int, role: Role) -> None:
        """Keep what a person is to the bot."""

    async def set_ban(self, user_id: int, ban: Ban | None) -> None:
        """Keep that a person may not use the bot; None: may again."""

    async def set_quota(self, user_id: int, quota: Quota | None) -> None:
        """Keep how much a person may take on a day; None: what everybody may."""

    async def forget_before(self, when: datetime) -> int:
        """Delete whoever has not written since a moment; return how many.

        People about whom the owner has decided something stay.
        """

    async def forget(self, user_id: int) -> int:
        """Delete a person's name, times and preferences, and the jobs of theirs that have ended.

        What the owner decided about them stays, and jobs that are open or whose end is not told
        yet. Return how many jobs were deleted.
        """


class History(Protocol):
    """The jobs that have ended, once each."""

    async def add(self, item: HistoryItem) -> None:
        """Keep the end of a job, in place of what was kept of the same job before."""

    async def page(self, user_id: int, before: Mark | None, limit: int) -> list[HistoryItem]:
        """Return a person's last items that are older than `before`, newest first."""

    async def find(self, user_id: int, job_id: JobId) -> HistoryItem | None:
        """Return an item of a person, None when it is somebody else's or unknown."""

    async def find_files(self, media: MediaKey) -> SentFile:
        """Return what the newest delivery of a file that may be shared has left at Telegram."""

    async def drop_files(self, media: MediaKey) -> int:
        """Forget file ids that Telegram does not take any more; return how many items had some."""

    async def export(self, user_id: int) -> list[HistoryItem]:
        """Return everything that is kept of a person, oldest first."""

    async def forget_user(self, user_id: int) -> int:
        """Delete a person's items; return how many."""

    async def forget_before(self, when: datetime) -> int:
        """Delete what ended before a moment; return how many."""


class Statistics(Protocol):
    """Numbers about what the history has, of jobs that ended at or after a moment."""

    async def total(self, since: datetime) -> Tally:
        """Return the numbers of everything."""

    async def by_day(self, since: datetime) -> list[tuple[date, Tally]]:
        """Return the numbers of each day (UTC) that has any, oldest first."""

    async def by_site(self, since: datetime, limit: int) -> list[tuple[str, Tally]]:
        """Return the sites with the most jobs, then by name; "" is for pages never read."""

    async def by_user(self, since: datetime, limit: int) -> list[tuple[int, Tally]]:
        """Return the people with the most jobs, then by id."""


class Errors(Protocol):
    """The errors that jobs ended with."""

    async def add(self, entry: ErrorEntry) -> None:
        """Keep an error; the same one of the same job at the same moment is kept once."""

    async def recent(self, limit: int) -> list[ErrorEntry]:
        """Return the last errors, newest first, then by job."""

    async def export(self, user_id: int) -> list[ErrorEntry]:
        """Return the errors of a person's jobs, oldest first."""

    async def counts(self, since: datetime) -> list[tuple[str, int]]:
        """Return how often each label came at or after a moment, most often first, then by name."""

    async def forget_user(self, user_id: int) -> int:
        """Delete the errors of a person's jobs; return how many."""

    async def forget_before(self, when: datetime) -> int:
        """Delete what happened before a moment; return how many."""


class Quotas(Protocol):
    """What people took, day by day (UTC): each job once, from when it is accepted."""

    async def usage(self, user_id: int, day: date) -> Usage:
        """Return what a person took on a day, and what is on its way to them."""

    async def reserve(
        self, user_id: int, job_id: JobId, day: date, quota: Quota, size_bytes: int = 0
    ) -> bool:
        """Count a job on a day if the quota has room; False: it has none, and nothing was counted.

        However many come at once, no more are counted than fit. True and nothing else for a job
        that is counted already, on whichever day.
        """

    async def settle(self, user_id: int, job_id: JobId, day: date, size_bytes: int) -> None:
        """Keep what a job has brought, once; one that was not counted is counted on `day`."""

    async def release(self, user_id: int, job_id: JobId) -> None:
        """Count a job no more: it brought nothing. One that is settled stays."""

    async def forget_before(self, day: date) -> int:
        """Delete the days before a day; return how many jobs were counted there."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything durable, on one database."""

    jobs: JobStore
    users: Users
    history: History
    statistics: Statistics
    errors: Errors
    quotas: Quotas
