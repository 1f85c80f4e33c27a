"""Tells people whose job waits for its turn how far they are, whenever that is news."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from userbot.domain.jobs import Job, JobId, Waiting
from userbot.domain.records import Lane
from userbot.errors import InfrastructureError
from userbot.ports import Chat, JobStore

log = logging.getLogger(__name__)

SETTLE_S = 0.5  # a job that is claimed at once never stood in line
TOLD = 50  # people further back hear of their place when they come nearer
FIRST_GUESS_S = 60.0
SMOOTHING = 0.2  # share of the newest job in the average


class Line:
    """Knows who waits in this chat and shows places and an estimate."""

    def __init__(
        self, store: JobStore, chat: Chat, now: Callable[[], datetime], slots: dict[Lane, int]
    ) -> None:
        self._store = store
        self._chat = chat
        self._now = now
        self._slots = slots
        self._waiting: dict[JobId, tuple[Job, str]] = {}
        self._changed = asyncio.Event()
        self._average_s = FIRST_GUESS_S

    def joined(self, job: Job, title: str) -> None:
        """Count a job whose quality was picked."""
        self._waiting[job.id] = (job, title)
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
            await self._changed.wait()
            await asyncio.sleep(SETTLE_S)
            self._changed.clear()
            if self._waiting:
                await self._tell_all()

    async def _tell_all(self) -> None:
        try:
            for lane in (Lane.QUICK, Lane.DELIVER):
                await self._tell(lane)
        except InfrastructureError:
            log.exception("the places in line are not known")

    async def _tell(self, lane: Lane) -> None:
        for place in await self._store.places(lane, self._now(), TOLD):
            job, title = self._waiting.get(place.job_id, (None, ""))
            if job is not None:
                turns = -(-place.position // self._slots[lane])
                self._chat.show(job, Waiting(title, place.position, turns * self._average_s))
