"""Response bodies as values: a beginning, and a filler that is repeated up to a size or for ever.

So three gibibytes of video or fifty mebibytes of page cost no memory, and any range can be read.
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Protocol

MIB = 1024 * 1024
NOISE_BYTES = 1_000_003  # prime: no two parts of a padded file are alike


class Body(Protocol):
    """What can be sent: bytes by position."""

    @property
    def size_bytes(self) -> int | None:
        """None: without end."""

    def read(self, start: int, count: int) -> memoryview:
        """Return up to `count` bytes from `start`, at least one before the end, empty at it."""


@dataclass(frozen=True, slots=True)
class Filled:
    """`head`, then `filler` over and over until `size_bytes` are there (None: without end)."""

    head: memoryview
    filler: memoryview
    size_bytes: int | None

    def read(self, start: int, count: int) -> memoryview:
        """Return bytes as `Body` says."""
        if self.size_bytes is not None:
            count = max(0, min(count, self.size_bytes - start))
        if start < len(self.head):
            return self.head[start : start + count]
        if not self.filler:
            return self.filler
        offset = (start - len(self.head)) % len(self.filler)
        return self.filler[offset : offset + count]


@dataclass(frozen=True, slots=True)
class Chain:
    """Pieces one after the other; `starts` are their positions, and the end as the last one."""

    pieces: Sequence[Filled]
    starts: Sequence[int]

    @classmethod
    def of(cls, pieces: Sequence[Filled]) -> "Chain":
        """Join `pieces`, each of which has an end."""
        sizes = [piece.size_bytes or 0 for piece in pieces]
        return cls(pieces, list(accumulate(sizes, initial=0)))

    @property
    def size_bytes(self) -> int:
        """The sum of all pieces."""
        return self.starts[-1]

    def read(self, start: int, count: int) -> memoryview:
        """Return bytes as `Body` says, of one piece at most."""
        index = bisect_right(self.starts, start) - 1
        if index >= len(self.pieces):
            return memoryview(b"")
        return self.pieces[index].read(start - self.starts[index], count)


def plain(data: bytes | memoryview) -> Filled:
    """Return a body that is just `data`."""
    return Filled(memoryview(data), memoryview(b""), len(data))


def endless(head: bytes | memoryview) -> Filled:
    """Return a body that begins with `head` and never ends."""
    return Filled(memoryview(head), memoryview(noise()), None)


def long_page(head: bytes, paragraph: bytes, size_bytes: int | None) -> Filled:
    """Return a text of `size_bytes` (None: without end) that repeats `paragraph` after `head`."""
    return Filled(memoryview(head), memoryview(paragraph * (MIB // len(paragraph))), size_bytes)


@cache
def noise() -> bytes:
    """Return the bytes used for padding: the same ones in every run."""
    return random.Random(1).randbytes(NOISE_BYTES)
