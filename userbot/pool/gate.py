"""The way out of a call, as the pool needs it; `egress` gives it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol


class Passage(Protocol):
    """How one call reaches the internet. `url` is None for a direct way."""

    @property
    def url(self) -> str | None:
        """The address of the proxy."""

    def check(self) -> None:
        """Raise TooLargeError when the call had its bytes, WorkerDiedError when the way is gone."""


Gate = Callable[[int, int], AbstractAsyncContextManager[Passage]]
"""Opens a passage for so many bytes; the second number is the limit that TooLargeError names.

What the block raises is raised as what it was by the word of the proxy, such as LinkRefusedError.
"""


@dataclass(frozen=True, slots=True)
class _Fixed:
    url: str | None

    def check(self) -> None:
        """Find nothing wrong."""


def fixed(url: str | None) -> Gate:
    """Return a gate that sends every call the same way, and counts nothing."""

    @asynccontextmanager
    async def passage(_cap_bytes: int, _limit_bytes: int) -> AsyncIterator[Passage]:
        yield _Fixed(url)

    return passage
