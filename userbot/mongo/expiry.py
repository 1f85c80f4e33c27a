"""What the server forgets by itself: one TTL index per collection, with the time of the settings.

A TTL index wants BSON's own dates, which know milliseconds only; so such a collection has its
times twice.
"""

from datetime import timedelta

from pymongo import ASCENDING, IndexModel

from userbot.mongo.client import Collection, Database

INDEX = "expiry"


async def expire(database: Database, name: str, field: str, after: timedelta | None) -> None:
    """Have the documents of a collection forgotten `after` the date in field; None: never."""
    collection: Collection = database[name]
    known = (await collection.index_information()).get(INDEX)
    if after is None:
        if known is not None:
            await collection.drop_index(INDEX)
        return
    seconds = int(after.total_seconds())
    if known is None:
        keys = [(field, ASCENDING)]
        index = IndexModel(keys, name=INDEX, expireAfterSeconds=seconds)
        await collection.create_indexes([index])
    elif int(known.get("expireAfterSeconds", -1)) != seconds:
        change = {"name": INDEX, "expireAfterSeconds": seconds}
        await database.command({"collMod": name, "index": change})
