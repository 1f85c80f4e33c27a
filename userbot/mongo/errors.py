"""The errors that jobs ended with, in MongoDB."""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from userbot.domain.history import ErrorEntry
from userbot.durable.history import Reader, error_of, error_values
from userbot.durable.values import moment
from userbot.mongo.client import Database, Document
from userbot.mongo.schema import ERRORS
from userbot.mongo.statistics import BATCH_SIZE
from userbot.mongo.whole import whole

NEWEST = [("happened_at", DESCENDING), ("job_id", ASCENDING)]
OLDEST = [("happened_at", ASCENDING), ("job_id", ASCENDING)]


class MongoErrors:
    """`ports.durable.Errors`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._errors = database[ERRORS]
        self._reader = Reader()

    async def add(self, entry: ErrorEntry) -> None:
        """Keep an error, once."""
        await whole(self._add(entry))

    async def recent(self, limit: int) -> list[ErrorEntry]:
        """Return the last errors, newest first."""
        if limit < 1:
            return []  # to the server, 0 is no limit
        return self._reader.all(error_of, await whole(self._recent(limit)))

    async def export(self, user_id: int) -> list[ErrorEntry]:
        """Return the errors of a person's jobs, oldest first."""
        return self._reader.all(error_of, await whole(self._of(user_id)))

    async def counts(self, since: datetime) -> list[tuple[str, int]]:
        """Return how often each label came."""
        groups = await whole(self._counts(since))
        return [(str(group["_id"]), int(group["times"])) for group in groups]

    async def forget_user(self, user_id: int) -> int:
        """Delete the errors of a person's jobs."""
        return await whole(self._delete({"user_id": user_id}))

    async def forget_before(self, when: datetime) -> int:
        """Delete what happened before a moment."""
        return await whole(self._delete({"happened_at": {"$lt": moment(when)}}))

    async def _add(self, entry: ErrorEntry) -> None:
        values = error_values(entry)
        key = f"{values['happened_at']}:{values['job_id']}"
        date = entry.happened_at  # for the TTL index
        try:
            await self._errors.insert_one({**values, "_id": key, "happened_date": date})
        except DuplicateKeyError:
            return  # it is known

    async def _recent(self, limit: int) -> list[Document]:
        return await self._errors.find().sort(NEWEST).limit(limit).to_list(None)

    async def _of(self, user_id: int) -> list[Document]:
        return await self._errors.find({"user_id": user_id}).sort(OLDEST).to_list(None)

    async def _counts(self, since: datetime) -> list[Document]:
        pipeline = [
            {"$match": {"happened_at": {"$gte": moment(since)}}},
            {"$group": {"_id": "$label", "times": {"$sum": 1}}},
            {"$sort": {"times": -1, "_id": 1}},
        ]
        command = {"aggregate": ERRORS, "pipeline": pipeline, "cursor": {"batchSize": BATCH_SIZE}}
        return list((await self._database.command(command))["cursor"]["firstBatch"])

    async def _delete(self, query: Document) -> int:
        return int((await self._errors.delete_many(query)).deleted_count)
