"""Fair turns between people: whose turn it is, and where each job stands in line.

A person's turn in a lane is a number; the lowest goes next. Who is served gets a new number above
all others, who never was has one below them. Numbers come from one counter, so that no two are
equal.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from userbot.domain.jobs import JobId
from userbot.domain.records import Lane, Place
from userbot.durable.values import moment
from userbot.mongo.client import Database, Document
from userbot.mongo.documents import number_of
from userbot.mongo.schema import COUNTERS, JOBS, TURN_NUMBERS, TURNS, hasty

NEWCOMERS = -(2**62)  # below every turn of somebody who was served


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's place among the people of a lane."""

    lane: Lane
    user_id: int
    number: int


def due(lane: Lane, now: int) -> Document:
    """Return the query for the jobs of a lane that a claim may take."""
    return {"lane": lane.value, "lease_until": {"$lte": now}, "not_before": {"$lte": now}}


class Turns:
    """The turns of all lanes."""

    def __init__(self, database: Database) -> None:
        self._jobs = database[JOBS]
        self._turns = hasty(database[TURNS])
        self._counters = hasty(database[COUNTERS])

    async def enter(self, lane: Lane, user_id: int, now: datetime) -> None:
        """Give a person a turn in a lane, if they have none; before a job of theirs enters it."""
        seen = {"$max": {"entered_at": moment(now)}}
        touched = await self._turns.update_one({"_id": _id(lane, user_id)}, seen)
        if touched.matched_count:
            return
        turn = NEWCOMERS + await self.next_number(TURN_NUMBERS)
        first = {"lane": lane.value, "user_id": user_id, "turn": turn}
        try:
            await self._turns.update_one(
                {"_id": _id(lane, user_id)}, {"$setOnInsert": first, **seen}, upsert=True
            )
        except DuplicateKeyError:
            return  # another job of theirs entered at the same moment

    async def first(self, lane: Lane, user_ids: list[int]) -> Turn | None:
        """Return who of these people goes next; None when none of them has a turn."""
        found = await self._turns.find_one(
            {"lane": lane.value, "user_id": {"$in": user_ids}}, sort=[("turn", ASCENDING)]
        )
        return Turn(lane, found["user_id"], found["turn"]) if found else None

    async def mark_served(self, turn: Turn) -> Turn | None:
        """Put a person behind everybody; None when their turn is not what it was."""
        return await self._move(turn, await self.next_number(TURN_NUMBERS))

    async def give_back(self, served: Turn, turn: Turn) -> None:
        """Undo mark_served; but not what came after it."""
        await self._move(served, turn.number)

    async def next_number(self, name: str) -> int:
        """Return a number that was never returned before, above all that were."""
        counter = await self._counters.find_one_and_update(
            {"_id": name},
            {"$inc": {"last": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return int(counter["last"])

    async def places(self, lane: Lane, now: datetime, limit: int) -> list[Place]:
        """Return the first places of a lane."""
        if limit < 1:
            return []  # to the server, 0 is no limit
        waiting = due(lane, moment(now))
        user_ids = await self._in_order(lane, await self._jobs.distinct("user_id", waiting))
        waiting["user_id"] = {"$in": user_ids[:limit]}
        line = islice(_rounds(user_ids, await self._by_number(waiting)), limit)
        numbers = [job.get("number") for job in line]
        found = await self._jobs.find(
            {**waiting, "number": {"$in": numbers}}, {"number": 1}
        ).to_list(None)
        ids = {job.get("number"): JobId(job["_id"]) for job in found}
        known = (ids[number] for number in numbers if number in ids)
        return [Place(job_id, at) for at, job_id in enumerate(known, start=1)]

    async def position(self, query: Document, now: datetime) -> int | None:
        """Return the place of a job in its lane, counted from 1; None when it does not wait."""
        job = await self._jobs.find_one(query, {"lane": 1, "user_id": 1, "number": 1})
        if job is None or "lane" not in job or "user_id" not in job:
            return None
        lane, owner = Lane(job["lane"]), job["user_id"]
        waiting = await self._by_number(due(lane, moment(now)))
        own = [number_of(other) for other in waiting if other["user_id"] == owner]
        if number_of(job) not in own:
            return None
        counts = Counter(int(other["user_id"]) for other in waiting)
        people = await self._in_order(lane, list(counts))
        not_later = people[: people.index(owner) + 1]
        return _before(counts, own.index(number_of(job)) + 1, not_later)

    async def forget(self, before: datetime) -> None:
        """Drop the turns of people without a job.

        Those who entered a lane lately keep theirs: the job may be on its way into the store.
        """
        old = {"entered_at": {"$lt": moment(before)}}
        users = await self._turns.distinct("user_id", old)
        gone = set(users) - set(await self._jobs.distinct("user_id", {"user_id": {"$in": users}}))
        if gone:
            await self._turns.delete_many({**old, "user_id": {"$in": list(gone)}})

    async def _move(self, turn: Turn, number: int) -> Turn | None:
        moved = await self._turns.update_one(
            {"_id": _id(turn.lane, turn.user_id), "turn": turn.number}, {"$set": {"turn": number}}
        )
        return Turn(turn.lane, turn.user_id, number) if moved.matched_count else None

    async def _in_order(self, lane: Lane, user_ids: list[int]) -> list[int]:
        """Return these people in the order of their turns."""
        found = await self._turns.find(
            {"lane": lane.value, "user_id": {"$in": user_ids}}, {"user_id": 1, "turn": 1}
        ).to_list(None)
        turns = {turn["user_id"]: turn["turn"] for turn in found}
        return sorted(user_ids, key=lambda user_id: turns.get(user_id, NEWCOMERS))

    async def _by_number(self, query: Document) -> list[Document]:
        """Return jobs in the order of coming, with no more than an index has of them."""
        shown = {"_id": 0, "user_id": 1, "number": 1}
        found = await self._jobs.find(query, shown).to_list(None)
        return sorted((job for job in found if "user_id" in job), key=number_of)


def _id(lane: Lane, user_id: int) -> str:
    return f"{lane}:{user_id}"


def _rounds(user_ids: Iterable[int], jobs: Iterable[Document]) -> Iterator[Document]:
    """Yield everybody's first job before anybody's second, in the order of people."""
    own: dict[int, list[Document]] = defaultdict(list)
    for job in jobs:
        own[job["user_id"]].append(job)
    lines = [own[user_id] for user_id in user_ids if user_id in own]
    for number in range(max(map(len, lines), default=0)):
        yield from (line[number] for line in lines if number < len(line))


def _before(counts: Counter[int], number: int, not_later: list[int]) -> int:
    """Return how many jobs are not after somebody's job of this number, itself included.

    Of each person those of earlier rounds, and one of the same if their turn is not later.
    """
    earlier = sum(min(count, number - 1) for count in counts.values())
    return earlier + sum(counts[user_id] >= number for user_id in not_later)
