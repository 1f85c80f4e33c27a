"""Changes of one job, together with the page and the turn that belong to it.

A page is written before a job points at it and deleted after, a turn is given before a job enters
a lane: what counts is the one change of the job's own document.
"""

from collections.abc import Mapping
from datetime import datetime

from pymongo import ReturnDocument

from userbot.domain.jobs import JobId
from userbot.domain.records import Claim, JobRecord, Lane, lane_of
from userbot.durable.values import clean
from userbot.mongo.client import Collection, Document
from userbot.mongo.documents import NEVER, info_of, record_values, update_of
from userbot.mongo.pages import Pages, digest_of
from userbot.mongo.turns import Turns


def one(job_id: JobId) -> Document:
    """Return the query for a job. "$eq": whatever an id is, it is no operator."""
    return {"_id": {"$eq": clean(job_id)}}


def held_under(claim: Claim) -> Document:
    """Return the query for a job under a claim that is good."""
    return {**one(claim.record.job.id), "fence": claim.fence, "lease_until": {"$gt": NEVER}}


class Changes:
    """Makes changes that happen as a whole."""

    def __init__(self, jobs: Collection, pages: Pages, turns: Turns) -> None:
        self._jobs = jobs
        self._pages = pages
        self._turns = turns

    async def keep(
        self, claim: Claim, record: JobRecord, now: datetime, and_so: Mapping[str, object]
    ) -> bool:
        """Keep what changed of a claimed job, and so its page; False when the claim is not good."""
        held = held_under(claim)
        values = {**record_values(record, now), **and_so}
        before = claim.record
        lane = lane_of(record.state, is_quick=record.is_quick)
        if lane != lane_of(before.state, is_quick=before.is_quick):
            values |= {"user_seat": None, "chat_seat": None}  # they belong to the lane that it left
            if lane and not await self._enter_if(held, lane, now):
                return False
        info_json = info_of(record)
        digest = digest_of(info_json)
        if await self.make({**held, "page_digest": digest}, values):
            return True
        page = await self._pages.put(info_json, now)
        values |= {"page": page, "page_digest": digest}
        if await self.replace_page(held, values):
            return True
        await self._pages.drop(page)
        return False

    async def make(self, query: Document, values: Mapping[str, object]) -> bool:
        """Change the job that the query finds; False when it finds none."""
        changed = await self._jobs.update_one(query, update_of(values))
        return bool(changed.matched_count)

    async def replace_page(self, query: Document, values: Mapping[str, object]) -> bool:
        """Do as `make`, and drop the page that the job pointed at before."""
        before = await self._jobs.find_one_and_update(
            query,
            update_of(values),
            projection={"page": 1},
            return_document=ReturnDocument.BEFORE,
        )
        if before is None:
            return False
        await self._pages.drop(before.get("page"))
        return True

    async def enter(
        self, query: Document, lane: Lane, values: Mapping[str, object], now: datetime
    ) -> bool:
        """Change a job so that it enters a lane; False when it is not as the query says."""
        return await self._enter_if(query, lane, now) and await self.make(query, values)

    async def _enter_if(self, query: Document, lane: Lane, now: datetime) -> bool:
        job = await self._jobs.find_one(query, {"user_id": 1})
        if job is None:
            return False
        await self._turns.enter(lane, job["user_id"], now)
        return True
