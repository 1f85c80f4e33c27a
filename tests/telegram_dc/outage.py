"""Times in which nobody reaches the data centre."""

import asyncio
from collections.abc import Callable, Iterable

from tests.telegram_dc.journal import Journal
from tests.telegram_dc.transport import Link


class Outage:
    def __init__(self, links: Callable[[], Iterable[Link]], journal: Journal) -> None:
        self._links = links
        self._journal = journal
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False

    def begin(self, seconds: float, *, refused: bool) -> None:
        """Every connection becomes a black hole, or is reset. Ends by itself."""
        self.end()
        self._refused = refused
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)
        for link in tuple(self._links()):
            if refused:
                link.abort()
            else:
                link.freeze()
        self._journal.add("outage", seconds=seconds, refused=refused)

    def end(self) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        for link in tuple(self._links()):
            link.thaw()
        self._journal.add("outage_over")

    def admits(self, link: Link) -> bool:
        """Whether a new connection may stay; in a black hole it does, and nothing comes of it."""
        if self._timer is not None and not self._refused:
            link.freeze()
        return self._timer is None or not self._refused
