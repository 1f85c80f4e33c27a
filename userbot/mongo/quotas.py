"""What people took, day by day, in MongoDB."""

from datetime import UTC, date, datetime, time

from userbot.domain.people import Quota, Usage
from userbot.durable.values import day_number
from userbot.mongo.client import Database, Document, upsert
from userbot.mongo.schema import USAGE
from userbot.mongo.whole import whole


class MongoQuotas:
    """`ports.durable.Quotas`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._usage = database[USAGE]

    async def usage(self, user_id: int, day: date) -> Usage:
        """Return what a person took on a day."""
        found = await whole(self._find({"_id": _id(user_id, day)}))
        return Usage(int(found["count"]), int(found["size_bytes"])) if found else Usage()

    async def charge(self, user_id: int, day: date, cost: Usage, quota: Quota) -> bool:
        """Add cost to a person's day, if it then is within the quota."""
        if not quota.allows(cost):
            return False
        return await whole(self._charge(user_id, day, cost, quota))

    async def forget_before(self, day: date) -> int:
        """Delete the days before a day."""
        return await whole(self._delete({"day": {"$lt": day_number(day)}}))

    async def _charge(self, user_id: int, day: date, cost: Usage, quota: Quota) -> bool:
        """Make the day if it is the first charge, then change it where there is room."""
        first = {
            "user_id": user_id,
            "day": day_number(day),
            "date": datetime.combine(day, time(), UTC),  # for the TTL index
            "count": 0,
            "size_bytes": 0,
        }
        query = {"_id": _id(user_id, day)}
        await upsert(self._usage, query, {"$setOnInsert": first})
        more = {"$inc": {"count": cost.count, "size_bytes": cost.size_bytes}}
        charged = await self._usage.update_one({**query, **_room(cost, quota)}, more)
        return bool(charged.matched_count)

    async def _find(self, query: Document) -> Document | None:
        return await self._usage.find_one(query)

    async def _delete(self, query: Document) -> int:
        return int((await self._usage.delete_many(query)).deleted_count)


def _id(user_id: int, day: date) -> str:
    return f"{user_id}:{day_number(day)}"


def _room(cost: Usage, quota: Quota) -> Document:
    """Return the part of a query that finds a day to which cost may be added."""
    room: Document = {}
    if quota.count is not None:
        room["count"] = {"$lte": quota.count - cost.count}
    if quota.size_bytes is not None:
        room["size_bytes"] = {"$lte": quota.size_bytes - cost.size_bytes}
    return room
