"""Tells people whose job waits for its turn how far they are, whenever that is news."""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from userbot.domain.jobs import Job, JobId, View, Waiting
from userbot.domain.records import Lane
from userbot.ports import JobStore

log = logging.getLogger(__name__)

SETTLE_S = 0.5  # a job that is claimed at once never stood in line
MOMENT = timedelta(seconds=2)  # most links are looked at by then: a place would only flicker
TOLD_EACH = 3  # links of one person that wait to be looked at: a hundred are no hundred messages
TOLD = 50  # people further back hear of their place when they come nearer
FIRST_GUESS_S = 60.0
SMOOTHING = 0.2  # share of the newest job in the average


Show = Callable[[Job, View], None]


@dataclass(slots=True)
class _Waiter:
    """A job that waits. `title` is "" until the page was read.

    `is_owed`: its message says what is not true any more, so it hears of its place at least once,
    however far back it is.
    """

    job: Job
    title: str
    since: datetime
    has_message: bool
    is_owed: bool


class Line:
    """Knows who waits in this chat and shows places and an estimate."""

    def __init__(
        self, store: JobStore, show: Show, now: Callable[[], datetime], slots: dict[Lane, int]
    ) -> None:
        self._store = store
        self._show = show
        self._now = now
        self._slots = slots
        self._waiting: dict[JobId, _Waiter] = {}
        self._changed = asyncio.Event()
        self._look_at: list[datetime] = []  # when somebody has waited for a moment, soonest first
        self._average_s = FIRST_GUESS_S

    def joined(
        self,
        job: Job,
        title: str = "",
        *,
        since: datetime | None = None,
        says_other: bool = False,
    ) -> None:
        """Count a job that waits for its turn; `since` may lie ahead, None is now.

        says_other: its message says what will not be true any more while it waits.
        """
        now = self._now()
        waiter = _Waiter(job, title, max(since or now, now), says_other, says_other)
        self._waiting[job.id] = waiter
        heapq.heappush(self._look_at, waiter.since + MOMENT)
        self._changed.set()

    def left(self, job_id: JobId) -> None:
        """Forget a job that has its turn, or has ended."""
        if self._waiting.pop(job_id, None) is not None:
            self._changed.set()

    def took(self, seconds: float) -> None:
        """Learn from a job that was delivered how long one takes."""
        self._average_s += SMOOTHING * (seconds - self._average_s)

    async def places(self) -> dict[JobId, int]:
        """Return the first TOLD places of every lane."""
        now = self._now()
        found = [place for lane in Lane for place in await self._store.places(lane, now, TOLD)]
        return {place.job_id: place.position for place in found}

    async def serve(self) -> None:
        """Show places until cancelled."""
        while True:
            await self._news()
            await asyncio.sleep(SETTLE_S)
            self._changed.clear()
            if self._waiting:
                await self._tell_all()

    async def _news(self) -> None:
        """Wait until somebody came or went, or has waited for a moment."""
        left_s = None
        if self._look_at:
            left_s = max((self._look_at[0] - self._now()).total_seconds(), 0)
        try:
            async with asyncio.timeout(left_s):
                await self._changed.wait()
        except TimeoutError:
            pass  # somebody has waited for a moment
        now = self._now()
        while self._look_at and self._look_at[0] <= now:
            heapq.heappop(self._look_at)

    async def _tell_all(self) -> None:
        try:
            await self._tell_new()
            for lane in (Lane.QUICK, Lane.DELIVER):
                await self._tell(lane)
            await self._tell_owed()
        except Exception:  # the bot goes on
            log.exception("the places in line are not known")

    async def _tell_new(self) -> None:
        """Tell people whose links wait to be looked at; how long that takes, nobody knows."""
        now = self._now()
        told: Counter[int] = Counter()
        for place in await self._store.places(Lane.INSPECT, now, TOLD):
            waiter = self._waiting.get(place.job_id)
            if waiter is None:
                continue
            user_id = waiter.job.request.user_id
            told[user_id] += 1
            is_one_of_few = waiter.has_message or told[user_id] <= TOLD_EACH
            if is_one_of_few and now - waiter.since >= MOMENT:
                self._tell_place(waiter, place.position, None)

    async def _tell(self, lane: Lane) -> None:
        for place in await self._store.places(lane, self._now(), TOLD):
            waiter = self._waiting.get(place.job_id)
            if waiter is not None:
                turns = -(-place.position // self._slots[lane])
                self._tell_place(waiter, place.position, turns * self._average_s)

    async def _tell_owed(self) -> None:
        """Tell those further back whose message would be wrong for as long as they wait."""
        now = self._now()
        for waiter in list(self._waiting.values()):
            if not waiter.is_owed or now - waiter.since < MOMENT:
                continue
            position = await self._store.position(waiter.job.id, now)
            if position is not None and self._waiting.get(waiter.job.id) is waiter:
                self._tell_place(waiter, position, None)

    def _tell_place(self, waiter: _Waiter, position: int, left_s: float | None) -> None:
        waiter.is_owed = False
        self._show(waiter.job, Waiting(waiter.title, position, left_s))
