"""What names stand for: asked once, remembered for a moment, and so many at a time per call.

A question to a name server cannot be taken back: it holds a thread until it is answered. So it goes
on when nobody waits for it any more, and the place that a call has for it is free only then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from userbot.domain.hosts import Address
from userbot.egress.refusals import no_site

KEPT_S = 30.0  # how long an answer is used again; it was judged, so nothing can rebind it
FAILURE_KEPT_S = 5.0
MAX_KEPT = 512

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Lookups:
    """Answers of one resolver. Nothing is remembered of a name beyond KEPT_S."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._kept: dict[str, tuple[float, list[Address]]] = {}  # until when; empty: a failure
        self._asked: dict[str, asyncio.Task[list[Address]]] = {}

    async def addresses(
        self, host: str, port: int, places: asyncio.Semaphore | None = None
    ) -> list[Address]:
        """Return all addresses of host. places: of the call that asks. Raises Refusal, OSError."""
        until_s, answers = self._kept.get(host, (0.0, []))
        if time.monotonic() >= until_s:
            answers = await self._ask(host, port, places)
        if not answers:
            raise no_site()
        return answers

    async def _ask(self, host: str, port: int, places: asyncio.Semaphore | None) -> list[Address]:
        if host not in self._asked and places is not None:
            await places.acquire()
            if host in self._asked:  # somebody else was faster
                places.release()
                places = None
        if host not in self._asked:
            question = asyncio.create_task(self._answer(host, port, places))  # noqa: TID251 - above
            self._asked[host] = question
            question.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._asked[host])

    async def _answer(
        self, host: str, port: int, places: asyncio.Semaphore | None
    ) -> list[Address]:
        answers: list[Address] = []
        try:
            answers = await self._resolve(host, port)
        finally:
            del self._asked[host]
            if places is not None:
                places.release()
            self._keep(host, answers)
        return answers

    def _keep(self, host: str, answers: list[Address]) -> None:
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        kept_s = KEPT_S if answers else FAILURE_KEPT_S
        self._kept[host] = time.monotonic() + kept_s, answers
