"""The collections and their indexes.

jobs      one document per job; `documents.py` says what is in it
pages     `info_json` of the jobs that have not ended, 1-2 MB each: no change of a job moves them
turns     whose turn it is, by lane and person
counters  the last number given out, by name
about     whose database it is
users     people; `history` their jobs that have ended, `errors` those with an error, `usage` days
"""

import asyncio
import contextlib
from datetime import timedelta

from pymongo import ASCENDING, IndexModel, WriteConcern
from pymongo.errors import DuplicateKeyError

from userbot.errors import InfrastructureError
from userbot.mongo.client import Collection, Database, translated
from userbot.mongo.expiry import expire

JOBS, PAGES, TURNS, COUNTERS = "jobs", "pages", "turns", "counters"
ABOUT, OWNER = "about", "owner"
USERS, HISTORY, ERRORS, USAGE = "users", "history", "errors", "usage"
JOB_NUMBERS, TURN_NUMBERS = "jobs", "turns"
USAGE_KEPT = timedelta(days=3)  # whatever the hour of the server
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
    index("user_id"),  # for forgetting somebody
)
PAGE_INDEXES = (index("written_at"),)
TURN_INDEXES = (index("lane", "turn"),)
HISTORY_INDEXES = (
    index("user_id", "ended_at", "_id"),
    index("ended_at", "user_id"),
    index("media", "ended_at"),
)
ERROR_INDEXES = (index("happened_at", "label"), index("user_id"))
USAGE_INDEXES = (index("day"), index("user_id"))


async def prepare(database: Database, retention: timedelta | None = None) -> None:
    """Make what is missing; what is there already costs nothing.

    retention: the server itself forgets history and errors that are older.
    """
    with translated():
        async with asyncio.timeout(INDEXES_TIMEOUT_S):
            await database[HISTORY].create_indexes(list(HISTORY_INDEXES))
            await database[ERRORS].create_indexes(list(ERROR_INDEXES))
            await database[USAGE].create_indexes(list(USAGE_INDEXES))
            await expire(database, HISTORY, "ended_date", retention)
            await expire(database, ERRORS, "happened_date", retention)
            await expire(database, USAGE, "date", USAGE_KEPT)
            await database[JOBS].create_indexes(list(JOB_INDEXES))
            await database[PAGES].create_indexes(list(PAGE_INDEXES))
            await database[TURNS].create_indexes(list(TURN_INDEXES))
            for name in (JOB_NUMBERS, TURN_NUMBERS):
                await _begin_counter(database, name)


async def own(database: Database, bot_id: int) -> None:
    """Keep whose database it is: two bots would take and tell each other's jobs.

    Raises InfrastructureError when it is another bot's.
    """
    with translated():
        async with asyncio.timeout(INDEXES_TIMEOUT_S):
            about = database[ABOUT]
            with contextlib.suppress(DuplicateKeyError):  # another process was as quick
                mine = {"$setOnInsert": {"bot_id": bot_id}}
                await about.update_one({"_id": OWNER}, mine, upsert=True)
            owner = await about.find_one({"_id": OWNER})
    if owner is None or owner.get("bot_id") != bot_id:
        raise InfrastructureError(
            f"MongoDB: the database {database.name!r} there is used by another bot"
            f" ({owner and owner.get('bot_id')}, and this one is {bot_id}):"
            " give each bot a database of its own, as in MONGO_URL=mongodb://host/name"
        )


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
