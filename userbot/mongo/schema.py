"""The collections and their indexes.

jobs      one document per job; `documents.py` says what is in it
pages     `info_json` of the jobs that have not ended, 1-2 MB each: no change of a job moves them
turns     whose turn it is, by lane and person
counters  the last number given out, by name
"""

import asyncio

from pymongo import ASCENDING, IndexModel, WriteConcern
from pymongo.errors import DuplicateKeyError

from userbot.mongo.client import Collection, Database, translated

JOBS, PAGES, TURNS, COUNTERS = "jobs", "pages", "turns", "counters"
JOB_NUMBERS, TURN_NUMBERS = "jobs", "turns"
INDEXES_TIMEOUT_S = 60.0  # of a large collection of an older version


def index(*keys: str, unique: bool = False, only: dict[str, object] | None = None) -> IndexModel:
    """Return an index over the documents that fit `only`; over all without it."""
    partial = {} if only is None else {"partialFilterExpression": only}
    return IndexModel([(key, ASCENDING) for key in keys], unique=unique, **partial)


# The three unique ones with a slot or seat are what decides between processes that do the same at
# once: two that see the last free one both try to take it, and one fails.
JOB_INDEXES = (
    index("chat_id", "message_id", "url_hash", unique=True),
    index("user_id", "slot", unique=True, only={"slot": {"$exists": True}}),
    index("lane", "user_id", "user_seat", unique=True, only={"user_seat": {"$exists": True}}),
    index("lane", "chat_id", "chat_seat", unique=True, only={"chat_seat": {"$exists": True}}),
    index(
        *("lane", "user_id", "number", "lease_until", "not_before", "chat_id"),
        only={"lane": {"$exists": True}},
    ),
    index("lane", "lease_until", "user_id", "chat_id", only={"lease_until": {"$gt": 0}}),
    index("is_open", "user_id", "number", only={"is_open": True}),
    index("owed", "number", only={"owed": True}),
    index("ended_at", only={"ended_at": {"$exists": True}}),
)
PAGE_INDEXES = (index("written_at"),)
TURN_INDEXES = (index("lane", "turn"),)


async def prepare(database: Database) -> None:
    """Make what is missing; what is there already costs nothing."""
    with translated():
        async with asyncio.timeout(INDEXES_TIMEOUT_S):
            await database[JOBS].create_indexes(list(JOB_INDEXES))
            await database[PAGES].create_indexes(list(PAGE_INDEXES))
            await database[TURNS].create_indexes(list(TURN_INDEXES))
            for name in (JOB_NUMBERS, TURN_NUMBERS):
                await _begin_counter(database, name)


async def _begin_counter(database: Database, name: str) -> None:
    try:
        await database[COUNTERS].update_one(
            {"_id": name}, {"$setOnInsert": {"last": 0}}, upsert=True
        )
    except DuplicateKeyError:
        return  # another process was as quick


def hasty(collection: Collection) -> Collection:
    """Return a collection whose writes do not wait for the disk.

    For what is followed by a write that does: that one takes the earlier ones along.
    """
    return collection.with_options(write_concern=WriteConcern(w=1))
