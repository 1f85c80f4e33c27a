"""What may be forgotten at any moment: counters and caches. Nothing here is the only copy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from userbot.domain.jobs import JobId, Progress


class Cache(Protocol):
    """Texts by key, for a while.

    No method raises for a store that is away: it is then as if nothing had been kept. A value that
    comes back is untrusted: somebody else may have written it.
    """

    async def get(self, key: str) -> str | None:
        """Return what is kept, None when nothing is or it is too old."""

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Keep value for ttl_s; what was kept before is replaced."""

    async def drop(self, key: str) -> None:
        """Forget what is kept."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one action costs at one level: `cost` of `limit` per `window_s`, counted under `key`.

    What costs more than the limit costs as much as the limit: it must be possible at times.
    """

    key: str
    limit: int
    window_s: float
    cost: int = 1


class RateLimiter(Protocol):
    """Counters of what was done lately, shared by everything that runs with the same store."""

    async def charge(self, charges: Sequence[Charge]) -> float:
        """Charge all levels or none, in one step.

        Return 0 when charged, else in how many seconds it is worth another try. Never raises: with
        the store away the counters of this process alone count.
        """


@dataclass(frozen=True, slots=True)
class LiveJob:
    """How far a job is that is worked on right now. `title` is the site's, and hostile."""

    job_id: JobId
    user_id: int
    title: str
    progress: Progress


class Live(Protocol):
    """What is worked on right now, for lists and for other processes that use the same store.

    What nobody puts again is forgotten within a minute: whoever worked on it may have died. No
    method raises for a store that is away.
    """

    async def put(self, job: LiveJob) -> None:
        """Keep how far a job is; what was kept before is replaced."""

    async def get(self, job_id: JobId) -> LiveJob | None:
        """Return how far a job is, None when nobody works on it."""

    async def drop(self, job: LiveJob) -> None:
        """Forget a job: nobody works on it any more."""


class Wakeups(Protocol):
    """Tells every process with the same store that there may be work.

    One that gets lost only delays: whoever waits looks by themselves now and then.
    """

    async def wake(self) -> None:
        """Tell everybody, oneself too. Never raises."""

    async def serve(self, on_wake: Callable[[], None]) -> None:
        """Call on_wake each time, until cancelled. on_wake must not wait."""


@dataclass(frozen=True, slots=True)
class Volatile:
    """Everything that may be forgotten, together: it lives in one place."""

    cache: Cache
    limiter: RateLimiter
    live: Live
    wakeups: Wakeups
