"""The durable queue in MongoDB.

Without transactions: whatever must happen as a whole is one change of one document of `jobs`.
Turns are given before a job enters a lane, pages are written before a job points at them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import (
    ENDS,
    Claim,
    FairLimits,
    JobRecord,
    JobState,
    JobSummary,
    Lane,
    Place,
    lane_of,
)
from userbot.durable.values import clean, dump, moment
from userbot.errors import UserbotError
from userbot.mongo.changes import Changes, held_under, one
from userbot.mongo.claims import Claims, Taken
from userbot.mongo.client import Database, open_database
from userbot.mongo.documents import (
    NEVER,
    NO_CLAIM,
    end_values,
    error_values,
    update_of,
)
from userbot.mongo.entries import Entries
from userbot.mongo.pages import Pages
from userbot.mongo.records import Records
from userbot.mongo.schema import JOBS, PAGES, prepare
from userbot.mongo.turns import Turns
from userbot.mongo.whole import whole

NO_PAGE: Mapping[str, object] = {"page": None, "page_digest": None}


@asynccontextmanager
async def open_jobs(url: str, name: str) -> AsyncIterator["MongoJobs"]:
    """Open the queue in a database of the server at url, with its indexes made.

    Raises InfrastructureError when the server does not answer or does not let us in.
    """
    async with open_database(url, name) as database:
        await prepare(database)
        yield MongoJobs(database)


class MongoJobs:
    """`ports.JobStore`, where each method is explained, on a server.

    A cancelled call ends first, then the cancellation goes on: after some seconds at most.
    """

    def __init__(self, database: Database) -> None:
        self._jobs = database[JOBS]
        self._pages = Pages(database[PAGES])
        self._records = Records(self._jobs, self._pages)
        self._turns = Turns(database)
        self._changes = Changes(self._jobs, self._pages, self._turns)
        self._entries = Entries(self._jobs, self._changes, self._turns)
        self._claims = Claims(database, self._pages, self._turns)

    async def add(self, job: Job, now: datetime, *, max_unfinished: int | None = None) -> bool:
        """Keep a new job; False when it is known."""
        return await whole(self._entries.add(job, now, max_unfinished))

    async def find(self, job_id: JobId) -> JobRecord | None:
        """Return a job, None when it is unknown."""
        return await whole(self._records.find(one(job_id)))

    async def claim(
        self, lane: Lane, now: datetime, lease_until: datetime, limits: FairLimits
    ) -> Claim | None:
        """Take the next job in fair turns; None when there is none."""
        taken: list[Taken] = []

        async def take() -> Claim | None:
            found = await self._claims.take(lane, now, lease_until, limits)
            taken.extend([found] if found else [])
            return found.claim if found else None

        try:
            return await whole(take())
        except asyncio.CancelledError:
            for unwanted in taken:
                await whole(self._claims.undo(unwanted))
            raise

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolong a lease."""
        return await whole(
            self._changes.make(held_under(claim), {"lease_until": moment(lease_until)})
        )

    async def save(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed; the claim goes on."""
        return await whole(self._changes.keep(claim, record, now, {}))

    async def release(self, claim: Claim, record: JobRecord, now: datetime) -> bool:
        """Keep what changed and give the claim back."""
        return await whole(self._changes.keep(claim, record, now, NO_CLAIM))

    async def hasten(self, job_ids: Collection[JobId]) -> None:
        """Let jobs be claimed at once that wait until later."""
        await whole(self._hasten([clean(job_id) for job_id in job_ids]))

    async def pick(
        self, job_id: JobId, choice: Choice, now: datetime, *, is_quick: bool = False
    ) -> bool:
        """Answer an open menu, once."""
        lane = lane_of(JobState.QUEUED, is_quick=is_quick)
        assert lane
        values = {
            "state": JobState.QUEUED.value,
            "lane": lane.value,
            "is_quick": is_quick,
            "choice": dump(choice),
            "changed_at": moment(now),
        }
        offered = {**one(job_id), "state": JobState.OFFERED.value}
        return await whole(self._changes.enter(offered, lane, values, now))

    async def note_status(self, job_id: JobId, message_id: int) -> None:
        """Keep where a job's status message is."""
        await whole(self._changes.make(one(job_id), {"status_message_id": message_id}))

    async def note_upload(self, job_id: JobId, note: str) -> None:
        """Keep what Telegram has of a job's file."""
        await whole(
            self._changes.make({**one(job_id), "is_open": True}, {"upload_note": clean(note)})
        )

    async def note_cancel(self, job_id: JobId) -> None:
        """Keep that an open job is not wanted any more."""
        await whole(self._changes.make({**one(job_id), "is_open": True}, {"is_unwanted": True}))

    async def end(
        self,
        job_id: JobId,
        state: JobState,
        error: UserbotError | None,
        now: datetime,
        *,
        only: JobState | None = None,
    ) -> bool:
        """End a job from outside; False when it had ended, or is not in the state `only`."""
        assert state in ENDS, state
        query = {**one(job_id), "is_open": True} | ({"state": only.value} if only else {})
        values = {**end_values(state, now), **error_values(error), **NO_PAGE}
        return await whole(self._changes.replace_page(query, values))

    async def reopen(
        self,
        job_id: JobId,
        now: datetime,
        *,
        wish: MediaKind | None = None,
        max_unfinished: int | None = None,
    ) -> bool:
        """Make a job that ended without being delivered NEW once more."""
        return await whole(self._entries.reopen(job_id, wish, now, max_unfinished))

    async def note_told(self, job_id: JobId) -> None:
        """Keep that the chat shows how a job has ended."""
        await whole(self._changes.make(one(job_id), {"owed": None}))

    async def untold(self) -> list[JobRecord]:
        """Return the ended jobs whose chat does not show it yet."""
        return await whole(self._records.untold())

    async def give_up_claims(self, *, is_crash: bool = True) -> int:
        """Take every lease away; a crash counts as an attempt of each."""
        return await whole(self._give_up_claims(int(is_crash)))

    async def unfinished(self, user_id: int | None = None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first."""
        return await whole(self._records.unfinished(user_id))

    async def count_unfinished(self, user_id: int) -> int:
        """Return how many jobs of a person have not ended."""
        return await whole(self._entries.count(user_id))

    async def places(self, lane: Lane, now: datetime, limit: int) -> list[Place]:
        """Return the first places in line of a lane."""
        return await whole(self._turns.places(lane, now, limit))

    async def position(self, job_id: JobId, now: datetime) -> int | None:
        """Return the place of one job, None when it has none."""
        return await whole(self._turns.position(one(job_id), now))

    async def forget_ended(self, before: datetime) -> int:
        """Delete the jobs that ended before a moment; return how many."""
        return await whole(self._forget(before))

    async def _hasten(self, ids: list[str]) -> None:
        waiting = {"_id": {"$in": ids}, "is_open": True, "lease_until": NEVER}
        await self._jobs.update_many(waiting, {"$set": {"not_before": NEVER}})

    async def _give_up_claims(self, attempts: int) -> int:
        held = {"is_open": True, "lease_until": {"$gt": NEVER}}
        given_up = {**update_of(NO_CLAIM), "$inc": {"attempts": attempts}}
        return int((await self._jobs.update_many(held, given_up)).matched_count)

    async def _forget(self, before: datetime) -> int:
        ended = await self._jobs.delete_many({"ended_at": {"$lt": moment(before)}})
        await self._turns.forget(before)
        await self._pages.sweep(before, self._jobs)
        return int(ended.deleted_count)
