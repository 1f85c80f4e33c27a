"""What people took, day by day, in MongoDB: a document for each day has its jobs and their sum."""

from datetime import UTC, date, datetime, time
from typing import Any

from userbot.domain.jobs import JobId
from userbot.domain.people import Quota, Usage
from userbot.durable.values import clean, day_number
from userbot.mongo.client import Database, Document, upsert
from userbot.mongo.schema import USAGE
from userbot.mongo.whole import whole


class MongoQuotas:
    """`ports.durable.Quotas`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._usage = database[USAGE]

    async def usage(self, user_id: int, day: date) -> Usage:
        """Return what a person took on a day."""
        found = await whole(self._find({"_id": _id(user_id, day)}, {"jobs": 0}))
        return Usage(int(found["count"]), int(found["size_bytes"])) if found else Usage()

    async def reserve(
        self, user_id: int, job_id: JobId, day: date, quota: Quota, size_bytes: int = 0
    ) -> bool:
        """Count a job, if there is room."""
        charge = _charge(job_id, size_bytes, is_settled=False)
        return await whole(self._reserve(user_id, day, charge, _room(quota)))

    async def settle(self, user_id: int, job_id: JobId, day: date, size_bytes: int) -> None:
        """Keep what a job has brought."""
        await whole(self._settle(user_id, day, _charge(job_id, size_bytes, is_settled=True)))

    async def release(self, user_id: int, job_id: JobId) -> None:
        """Count a job no more."""
        await whole(self._release(user_id, clean(job_id)))

    async def forget_before(self, day: date) -> int:
        """Delete the days before a day."""
        return await whole(self._delete({"day": {"$lt": day_number(day)}}))

    async def _reserve(self, user_id: int, day: date, charge: Document, room: Document) -> bool:
        if await self._charged(user_id, charge["id"]) is not None:
            return True
        return await self._add(user_id, day, charge, room)

    async def _settle(self, user_id: int, day: date, charge: Document) -> None:
        before = await self._charged(user_id, charge["id"])
        if before is None:
            await self._add(user_id, day, charge, {})
            return
        more = {"size_bytes": charge["size_bytes"] - before["size_bytes"]}
        change = {"$set": {"jobs.$": charge}, "$inc": more}
        await self._usage.update_one(_open(user_id, before), change)

    async def _release(self, user_id: int, job_id: str) -> None:
        before = await self._charged(user_id, job_id)
        if before is not None:
            less = {"count": -1, "size_bytes": -before["size_bytes"]}
            change = {"$pull": {"jobs": {"id": {"$eq": job_id}}}, "$inc": less}
            await self._usage.update_one(_open(user_id, before), change)

    async def _charged(self, user_id: int, job_id: str) -> Document | None:
        """Return what is kept of a job, None when it is not counted."""
        query = {"user_id": user_id, "jobs.id": {"$eq": job_id}}
        found = await self._find(query, {"jobs": {"$elemMatch": {"id": {"$eq": job_id}}}})
        return found["jobs"][0] if found else None

    async def _add(self, user_id: int, day: date, charge: Document, room: Document) -> bool:
        """Make the day if this is its first job, then add the job where there is room."""
        first = {
            "user_id": user_id,
            "day": day_number(day),
            "date": datetime.combine(day, time(), UTC),  # for the TTL index
            "count": 0,
            "size_bytes": 0,
        }
        day_id = {"_id": _id(user_id, day)}
        await upsert(self._usage, day_id, {"$setOnInsert": first})
        query = {**day_id, "jobs.id": {"$ne": charge["id"]}, **room}
        more = {"count": 1, "size_bytes": charge["size_bytes"]}
        change = {"$push": {"jobs": charge}, "$inc": more}
        return bool((await self._usage.update_one(query, change)).matched_count)

    async def _find(self, query: Document, fields: dict[str, Any]) -> Document | None:
        return await self._usage.find_one(query, fields)

    async def _delete(self, query: Document) -> int:
        documents = await self._usage.find(query, {"count": 1}).to_list(None)
        await self._usage.delete_many(query)
        return sum(int(document["count"]) for document in documents)


def _id(user_id: int, day: date) -> str:
    return f"{user_id}:{day_number(day)}"


def _charge(job_id: JobId, size_bytes: int, *, is_settled: bool) -> Document:
    return {"id": clean(job_id), "size_bytes": size_bytes, "is_settled": is_settled}


def _open(user_id: int, charge: Document) -> Document:
    """Return the query of the day with a charge that has not changed since, nor was settled."""
    same = {"id": {"$eq": charge["id"]}, "size_bytes": charge["size_bytes"], "is_settled": False}
    return {"user_id": user_id, "jobs": {"$elemMatch": same}}


def _room(quota: Quota) -> Document:
    """Return the part of a query that finds a day to which a job may be added."""
    limits = {"count": quota.count, "size_bytes": quota.size_bytes}
    return {name: {"$lt": limit} for name, limit in limits.items() if limit is not None}
