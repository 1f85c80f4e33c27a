"""How jobs come in, for the first time or once more, and no more of a person than may be."""

from collections.abc import Mapping
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from userbot.domain.jobs import Job, JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import JobState, Lane
from userbot.errors import TooManyJobsError
from userbot.mongo.changes import Changes, one
from userbot.mongo.client import Collection
from userbot.mongo.documents import fresh_values, new_document, url_hash
from userbot.mongo.schema import JOB_NUMBERS
from userbot.mongo.turns import Turns
from userbot.mongo.whole import OneByOne

NO_TRIES: Mapping[str, object] = {
    "ended_at": None,
    "owed": None,
    "choice": None,
    "error": None,
    "error_args": None,
    "upload_note": None,
    "is_unwanted": None,
    "details": None,
}


class Entries:
    """Lets jobs in."""

    def __init__(self, jobs: Collection, changes: Changes, turns: Turns) -> None:
        self._jobs = jobs
        self._changes = changes
        self._turns = turns
        self._one_by_one = OneByOne()

    async def add(self, job: Job, now: datetime, max_unfinished: int | None) -> bool:
        """Keep a new job; False when its link is known. Raises TooManyJobsError."""
        async with self._one_by_one.of(job.request.user_id):
            return await self._add(job, now, max_unfinished)

    async def reopen(
        self,
        job_id: JobId,
        wish: MediaKind | None,
        now: datetime,
        max_unfinished: int | None,
    ) -> bool:
        """Make a job that ended undelivered NEW; False for any other. Raises TooManyJobsError."""
        values = {**NO_TRIES, **fresh_values(now), "wish": wish}
        undelivered = {
            **one(job_id),
            "ended_at": {"$exists": True},
            "state": {"$ne": JobState.DELIVERED.value},
        }
        while job := await self._jobs.find_one(one(job_id), {"user_id": 1}):
            slot = await self._free_slot(job["user_id"], max_unfinished)
            try:
                return await self._changes.enter(
                    undelivered, Lane.INSPECT, {**values, "slot": slot}, now
                )
            except DuplicateKeyError:
                continue  # another job of theirs took the slot at the same moment
        return False

    async def count(self, user_id: int) -> int:
        """Return how many jobs of a person are open."""
        return len(await self._slots(user_id))

    async def _add(self, job: Job, now: datetime, max_unfinished: int | None) -> bool:
        request = job.request
        same_id = one(job.id)
        same_link = {
            "chat_id": request.chat_id,
            "message_id": request.message_id,
            "url_hash": url_hash(job),
        }
        while await self._jobs.find_one(same_link, {"_id": 1}) is None:
            slot = await self._free_slot(request.user_id, max_unfinished)
            if await self._jobs.find_one(same_id, {"_id": 1}):
                raise RuntimeError(f"two jobs with the id {job.id}")
            await self._turns.enter(Lane.INSPECT, request.user_id, now)
            number = await self._turns.next_number(JOB_NUMBERS)
            try:
                await self._jobs.insert_one(new_document(job, number, slot, now))
            except DuplicateKeyError:
                continue  # the same link, or one for the same slot, came at the same moment
            return True
        return False

    async def _slots(self, user_id: int) -> list[int | None]:
        """Return the slots of a person's open jobs; None for one that was not limited."""
        query = {"is_open": True, "user_id": user_id}
        found = await self._jobs.find(query, {"_id": 0, "slot": 1}).to_list(None)
        return [document.get("slot") for document in found]

    async def _free_slot(self, user_id: int, max_unfinished: int | None) -> int | None:
        """Return the lowest slot without a job, None when there is no limit.

        Slots are below max_unfinished and no two jobs have the same: so however many come at
        once, no more are kept than may be. Raises TooManyJobsError.
        """
        if max_unfinished is None:
            return None
        slots = await self._slots(user_id)
        if len(slots) >= max_unfinished:
            raise TooManyJobsError(max_unfinished)
        return next(slot for slot in range(max_unfinished) if slot not in slots)
