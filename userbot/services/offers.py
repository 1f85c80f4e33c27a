"""Menus that wait for a tap."""

import asyncio
from collections.abc import Sequence

from userbot.domain.choices import Choice
from userbot.domain.jobs import JobId


class Offers:
    """The open menus. A menu lives as long as somebody waits for its answer."""

    def __init__(self) -> None:
        self._open: dict[JobId, tuple[Sequence[Choice], asyncio.Future[Choice]]] = {}

    async def choice(
        self, job_id: JobId, choices: Sequence[Choice], timeout_s: float
    ) -> Choice | None:
        """Return what was picked, None when nobody picked in time."""
        picked: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()
        self._open[job_id] = (choices, picked)
        try:
            async with asyncio.timeout(timeout_s):
                return await picked
        except TimeoutError:
            return None
        finally:
            del self._open[job_id]

    def pick(self, job_id: JobId, index: int) -> bool:
        """Answer a menu; False when it is not open or has no such choice."""
        choices, picked = self._open.get(job_id, ((), None))
        if picked is None or picked.done() or not 0 <= index < len(choices):
            return False
        picked.set_result(choices[index])
        return True
