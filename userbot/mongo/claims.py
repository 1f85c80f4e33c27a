"""Claiming the next job, with other processes that do the same at the same moment.

Nothing is locked. A claim is made by one change of one document, which fails when the job is not
as it was seen (`fence`, `lease_until`), and when another claim took the same seat meanwhile: who
may hold N claims has seats 0 to N-1, and no two claims can have one seat. Who fails looks again.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bson import ObjectId
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from userbot.domain.records import Claim, FairLimits, Fence, Lane
from userbot.durable.values import moment
from userbot.errors import DamagedError, InfrastructureError
from userbot.mongo.burial import bury
from userbot.mongo.client import Database, Document, translated
from userbot.mongo.documents import NEVER, NO_CLAIM, record_of, update_of
from userbot.mongo.pages import Pages
from userbot.mongo.schema import JOBS
from userbot.mongo.turns import Turn, Turns, due
from userbot.mongo.whole import OneByOne

log = logging.getLogger(__name__)

UNCLAIMED = update_of(NO_CLAIM)
SEEN = ("_id", "fence", "lease_until", "page")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The job that is to be claimed, whose turn that is, and the seats the claim would take."""

    job: Document
    turn: Turn
    user_seat: int
    chat_seat: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim as it was made, with what it takes to undo it."""

    claim: Claim
    holder: ObjectId
    served: Turn
    turn: Turn


@dataclass(frozen=True, slots=True)
class _Disowned:
    """A claim that nobody works under, and when it ends by itself."""

    lane: Lane
    lease_until: datetime


class Claims:
    """Takes jobs, and gives back what nobody asked for in the end."""

    def __init__(self, database: Database, pages: Pages, turns: Turns) -> None:
        self._jobs = database[JOBS]
        self._pages = pages
        self._turns = turns
        self._one_by_one = OneByOne()
        # Claims that were asked for and are nobody's: the answer was lost, or the caller is gone.
        self._disowned: dict[ObjectId, _Disowned] = {}

    async def take(
        self, lane: Lane, now: datetime, lease_until: datetime, limits: FairLimits
    ) -> Taken | None:
        """Claim the next job in fair turns; None when there is none."""
        async with self._one_by_one.of(lane):
            await self._give_up_disowned(now)
            while True:
                held = await self._held(lane, now)
                open_jobs = {**due(lane, moment(now)), **_within(limits, held)}
                user_ids = await self._jobs.distinct("user_id", open_jobs)
                if not user_ids:
                    return None
                turn = await self._turns.first(lane, user_ids)
                if turn is None:
                    await self._mend(lane, user_ids, now)
                    continue
                chosen = await self._choose(turn, open_jobs, held)
                if chosen and (taken := await self._try(chosen, now, lease_until)):
                    return taken

    async def undo(self, taken: Taken) -> None:
        """Make a claim as if it had never been made; later, if it cannot be done now."""
        lane = taken.turn.lane
        self._disowned[taken.holder] = _Disowned(lane, taken.claim.lease_until)
        try:
            with translated():
                await self._give_up(taken.holder, lane)
                await self._turns.give_back(taken.served, taken.turn)
        except InfrastructureError as error:
            log.warning("a cancelled claim is given back later: %s", error)

    async def _held(self, lane: Lane, now: datetime) -> list[Document]:
        """Return the jobs of a lane that somebody works on."""
        shown = {"_id": 0, "user_id": 1, "chat_id": 1, "user_seat": 1, "chat_seat": 1}
        held = {"lane": lane.value, "lease_until": {"$gt": moment(now)}}
        return await self._jobs.find(held, shown).to_list(None)

    async def _choose(
        self, turn: Turn, open_jobs: Document, held: list[Document]
    ) -> _Chosen | None:
        """Return the oldest open job of who is next; None when another process took it."""
        job = await self._jobs.find_one(
            {**open_jobs, "user_id": turn.user_id}, sort=[("number", ASCENDING)]
        )
        return _Chosen(job, turn, *_free_seats(job, held)) if job else None

    async def _mend(self, lane: Lane, user_ids: list[int], now: datetime) -> None:
        """Give people a turn who have jobs but none, as after a repair by hand."""
        log.error("nobody with jobs in the lane %s has a turn; they get new ones", lane)
        for user_id in user_ids:
            await self._turns.enter(lane, user_id, now)

    async def _try(self, chosen: _Chosen, now: datetime, lease_until: datetime) -> Taken | None:
        """Claim the chosen job; None when another process was quicker."""
        info_json = await self._pages.of(chosen.job)
        if not _can_be_claimed(chosen.job, info_json):
            await bury(self._jobs, self._pages, chosen.job)
            return None
        served = await self._turns.mark_served(chosen.turn)
        if served is None:
            return None
        holder = ObjectId()
        try:
            document = await self._change(chosen, holder, now, lease_until)
        except BaseException:  # the server may make the claim all the same, even later
            self._disowned[holder] = _Disowned(served.lane, lease_until)
            raise
        if document is None:
            await self._turns.give_back(served, chosen.turn)
            return None
        claim = Claim(record_of(document, info_json), Fence(document["fence"]), lease_until)
        return Taken(claim, holder, served, chosen.turn)

    async def _change(
        self, chosen: _Chosen, holder: ObjectId, now: datetime, lease_until: datetime
    ) -> Document | None:
        # "$eq" in words: SecantusDB finds nothing by a bare value that a partial index is about
        seen = {name: {"$eq": chosen.job.get(name)} for name in SEEN}
        is_orphan = chosen.job["lease_until"] != NEVER
        values = {
            "lease_until": moment(lease_until),
            "holder": holder,
            "user_seat": chosen.user_seat,
            "chat_seat": chosen.chat_seat,
        }
        try:
            return await self._jobs.find_one_and_update(
                {**due(chosen.turn.lane, moment(now)), **seen},
                {"$set": values, "$inc": {"fence": 1, "attempts": int(is_orphan)}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            await self._free_stale_seats(chosen.turn.lane, now)
            return None

    async def _free_stale_seats(self, lane: Lane, now: datetime) -> None:
        """Take their seats from claims whose lease ran out: they count no longer."""
        await self._jobs.update_many(
            {
                "lane": lane.value,
                "user_seat": {"$exists": True},
                "lease_until": {"$lte": moment(now)},
            },
            update_of({"user_seat": None, "chat_seat": None}),
        )

    async def _give_up_disowned(self, now: datetime) -> None:
        for holder, disowned in list(self._disowned.items()):
            await self._give_up(holder, disowned.lane)
            if disowned.lease_until <= now:
                self._disowned.pop(holder, None)

    async def _give_up(self, holder: ObjectId, lane: Lane) -> None:
        held = {"lane": lane.value, "lease_until": {"$gt": NEVER}, "holder": holder}
        found = await self._jobs.update_one(held, UNCLAIMED)
        if found.matched_count:
            self._disowned.pop(holder, None)


def _can_be_claimed(job: Document, info_json: str) -> bool:
    """Say whether a job's document can be read; else it would stay the first in line for ever."""
    try:
        record_of(job, info_json)
    except DamagedError:
        return False
    return isinstance(job.get("fence"), int)


def _within(limits: FairLimits, held: list[Document]) -> Document:
    """Return the part of a query that passes over who holds enough."""
    return {
        "user_id": {"$nin": _with_at_least(limits.per_user, (job.get("user_id") for job in held))},
        "chat_id": {"$nin": _with_at_least(limits.per_chat, (job.get("chat_id") for job in held))},
    }


def _with_at_least(limit: int, holders: Iterable[int | None]) -> list[int | None]:
    return [holder for holder, count in Counter(holders).items() if count >= limit]


def _free_seats(job: Document, held: list[Document]) -> tuple[int, int]:
    """Return the lowest seats of the job's person and chat that no claim has."""
    users = {other.get("user_seat") for other in held if _same(job, other, "user_id")}
    chats = {other.get("chat_seat") for other in held if _same(job, other, "chat_id")}
    return _lowest_free(users), _lowest_free(chats)


def _same(job: Document, other: Document, name: str) -> bool:
    return bool(job.get(name) == other.get(name))


def _lowest_free(seats: set[int | None]) -> int:
    return next(seat for seat in range(len(seats) + 1) if seat not in seats)
