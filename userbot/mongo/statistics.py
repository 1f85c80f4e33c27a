"""What is counted of the history, in MongoDB.

The server counts. `command()` is the same in every driver, where the cursors of `aggregate()` are
not; one batch holds all there is, since days are few and the others limited.
"""

from datetime import date, datetime
from typing import Any

from userbot.domain.history import Tally
from userbot.domain.records import JobState
from userbot.durable.values import day_of, moment
from userbot.mongo.client import Database, Document
from userbot.mongo.schema import HISTORY
from userbot.mongo.whole import whole

BATCH_SIZE = 100_000
MOST_JOBS = {"$sort": {"jobs": -1, "_id": 1}}


class MongoStatistics:
    """`ports.durable.Statistics`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def total(self, since: datetime) -> Tally:
        """Return the numbers of everything."""
        groups = await whole(self._groups(since, None, []))
        return _tally(groups[0]) if groups else Tally()

    async def by_day(self, since: datetime) -> list[tuple[date, Tally]]:
        """Return the numbers of each day."""
        groups = await whole(self._groups(since, "$day", [{"$sort": {"_id": 1}}]))
        return [(day_of(int(group["_id"])), _tally(group)) for group in groups]

    async def by_site(self, since: datetime, limit: int) -> list[tuple[str, Tally]]:
        """Return the sites with the most jobs."""
        return [
            (str(group["_id"]), _tally(group)) for group in await self._most(since, "$site", limit)
        ]

    async def by_user(self, since: datetime, limit: int) -> list[tuple[int, Tally]]:
        """Return the people with the most jobs."""
        groups = await self._most(since, "$user_id", limit)
        return [(int(group["_id"]), _tally(group)) for group in groups]

    async def _most(self, since: datetime, key: str, limit: int) -> list[Document]:
        if limit < 1:
            return []  # the server takes no such limit
        return await whole(self._groups(since, key, [MOST_JOBS, {"$limit": limit}]))

    async def _groups(
        self, since: datetime, key: str | None, then: list[dict[str, Any]]
    ) -> list[Document]:
        group = {
            "_id": key,
            "jobs": {"$sum": 1},
            "delivered": _number_of(JobState.DELIVERED),
            "failed": _number_of(JobState.FAILED),
            "size_bytes": {"$sum": "$size_bytes"},
        }
        pipeline = [{"$match": {"ended_at": {"$gte": moment(since)}}}, {"$group": group}, *then]
        command = {"aggregate": HISTORY, "pipeline": pipeline, "cursor": {"batchSize": BATCH_SIZE}}
        answer = await self._database.command(command)
        return list(answer["cursor"]["firstBatch"])


def _number_of(state: JobState) -> Document:
    return {"$sum": {"$cond": [{"$eq": ["$result", state.value]}, 1, 0]}}


def _tally(group: Document) -> Tally:
    return Tally(
        int(group["jobs"]),
        int(group["delivered"]),
        int(group["failed"]),
        int(group["size_bytes"]),
    )
