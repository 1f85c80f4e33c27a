"""A word to the owner about a job that failed: the only place where raw errors are shown."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable

from userbot.domain.records import JobRecord
from userbot.errors import DeliveryError
from userbot.services.access import Access
from userbot.telegram import texts
from userbot.telegram.api import Api, Caption, Target
from userbot.telegram.governor import Priority
from userbot.telegram.messages import Presser, Seen
from userbot.telegram.owner_words import report

log = logging.getLogger(__name__)

PER_HOUR = 5  # of one person: the owner is to be helped, not buried
HOUR_S = 3600.0
REACH_TIMEOUT_S = 8.0  # whoever pressed the button waits for the answer


class Reports:
    """Tells owners, in private. Time is `clock()`, in seconds, monotonic."""

    def __init__(self, api: Api, access: Access, clock: Callable[[], float]) -> None:
        self._api = api
        self._access = access
        self._clock = clock
        self._told = Seen()
        self._times: dict[int, deque[float]] = {}

    async def tell(self, record: JobRecord, presser: Presser) -> str:
        """Tell every owner once about the end of a job; return the words for whoever asked.

        An owner who asks gets the details again, and nobody else does.
        """
        text = report(record, presser)
        if self._access.is_owner(presser.user_id):
            is_sent = await self._send(presser.user_id, text)
            return texts.DETAILS_SENT if is_sent else texts.OWNER_UNREACHABLE
        end = (record.job.id, record.changed_at)
        if self._told.again(end):
            return texts.OWNER_KNOWS
        if not self._may_tell(presser.user_id):
            self._told.forget(end)
            return texts.OWNER_TOLD_ENOUGH
        if await self._reached(text):
            return texts.OWNER_TOLD
        self._told.forget(end)
        return texts.OWNER_UNREACHABLE

    async def _reached(self, text: str) -> bool:
        """Write to all owners at once; say whether one of them was reached."""
        async with asyncio.TaskGroup() as tasks:
            sends = [tasks.create_task(self._send(owner, text)) for owner in self._access.owners]
        return any(send.result() for send in sends)

    def _may_tell(self, user_id: int) -> bool:
        """Count one more word of a person; False when there were too many in the last hour."""
        since = self._clock() - HOUR_S
        self._times = {user: times for user, times in self._times.items() if times[-1] > since}
        times = self._times.setdefault(user_id, deque(maxlen=PER_HOUR))
        if len(times) == PER_HOUR and times[0] > since:
            return False
        times.append(self._clock())
        return True

    async def _send(self, owner_id: int, text: str) -> bool:
        """Write to an owner; False when that was not possible soon."""
        if owner_id < 0:
            return False  # a group: there everybody would read it
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                await self._api.governor.permit(owner_id, Priority.SEND, is_new=True)
                caption = Caption(text, is_silent=False)
                await self._api.send_text(Target(owner_id), caption, secrets.randbits(63))
        except (DeliveryError, TimeoutError) as error:
            log.warning("owner %s was not told about a failed job: %r", owner_id, error)
            return False
        return True
