"""What may be forgotten at any moment: counters and caches. Nothing here is the only copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
    """What one action costs at one level: `cost` of `limit` per `window_s`, counted under `key`."""

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
