"""What the site remembers for its control interface: requests, connections, held answers."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.video_site.wire import Request

MAX_ENTRIES = 50_000


@dataclass(slots=True)
class Entry:
    """One request. Times are seconds since the epoch; `bytes_sent` counts the body alone.

    `ending`: "" while under way, "complete", "cut" (by the site) or "client left".
    """

    number: int
    method: str
    target: str
    path: str
    headers: dict[str, str]
    connection: int
    started_at: float
    ended_at: float | None = None
    status: int | None = None
    bytes_sent: int = 0
    ending: str = ""


@dataclass(slots=True)
class Hold:
    """Answers that wait under one name."""

    waiting: int = 0
    is_released: bool = False
    arrival: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Journal:
    """The site's memory; everything is of this process and lost with it."""

    now: Callable[[], float]
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MAX_ENTRIES))
    holds: dict[str, Hold] = field(default_factory=dict)
    open_connections: int = 0
    total_connections: int = 0
    active_requests: int = 0
    total_requests: int = 0
    total_bytes: int = 0

    def begin(self, request: Request, connection: int) -> Entry:
        """Write down a request that has just arrived."""
        self.active_requests += 1
        self.total_requests += 1
        entry = Entry(
            number=self.total_requests,
            method=request.method,
            target=request.target,
            path=request.path,
            headers=dict(request.headers),
            connection=connection,
            started_at=self.now(),
        )
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry) -> None:
        """Write down that nothing more will be sent for `entry`."""
        entry.ended_at = self.now()
        entry.ending = entry.ending or "client left"
        self.active_requests -= 1

    def hold(self, name: str) -> Hold:
        """Return the hold of this name, made when it is new."""
        return self.holds.setdefault(name, Hold())

    def release(self, name: str) -> int:
        """Let all answers held under `name` go on, later ones too; returns how many waited."""
        hold = self.hold(name)
        hold.is_released = True
        hold.release.set()
        return hold.waiting

    def clear(self) -> None:
        """Forget what has ended, and let what is held go on."""
        for hold in self.holds.values():
            hold.release.set()
        self.holds.clear()
        running = [entry for entry in self.entries if entry.ended_at is None]
        self.entries.clear()
        self.entries.extend(running)
        self.total_connections = self.open_connections
        self.total_requests = len(running)
        self.total_bytes = 0

    def stats(self) -> dict[str, Any]:
        """Return the counters and how many answers wait under each name."""
        return {
            "open_connections": self.open_connections,
            "total_connections": self.total_connections,
            "active_requests": self.active_requests,
            "total_requests": self.total_requests,
            "total_bytes": self.total_bytes,
            "held": {name: hold.waiting for name, hold in self.holds.items() if hold.waiting},
        }

    def requests(self) -> list[dict[str, Any]]:
        """Return all entries, oldest first, ready for JSON."""
        return [asdict(entry) for entry in self.entries]
