"""The people, in MongoDB."""

from datetime import datetime

from pymongo import ASCENDING

from userbot.domain.people import User
from userbot.durable.users import UserFields, user_of, users_of
from userbot.durable.values import clean, moment
from userbot.mongo.client import Database, Document, upsert
from userbot.mongo.documents import update_of
from userbot.mongo.schema import JOBS, USERS
from userbot.mongo.whole import whole

DECISIONS = ("role", "ban", "quota")  # the owner's
UNDECIDED = {name: {"$exists": False} for name in DECISIONS}
DECIDED = {"$or": [{name: {"$exists": True}} for name in DECISIONS]}
OWN = ("name", "first_seen_at", "seen_at", "preferences")


class MongoUsers(UserFields):
    """`ports.durable.Users`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]
        self._jobs = database[JOBS]

    async def find(self, user_id: int) -> User | None:
        """Return a person, None when nothing is known of them."""
        found = await whole(self._find(user_id))
        return user_of(user_id, found) if found else None

    async def decided(self) -> list[User]:
        """Return everybody about whom something is decided."""
        return users_of((found["_id"], found) for found in await whole(self._decided()))

    async def touch(self, user_id: int, name: str, now: datetime) -> None:
        """Keep that a person has written."""
        at = moment(now)
        update = {
            "$set": {"name": clean(name)},
            "$min": {"first_seen_at": at},
            "$max": {"seen_at": at},
        }
        await whole(upsert(self._users, {"_id": user_id}, update))

    async def forget_before(self, when: datetime) -> int:
        """Delete whoever has not written since a moment."""
        return await whole(self._forget_before({"seen_at": {"$lt": moment(when)}}))

    async def forget(self, user_id: int) -> int:
        """Delete what is a person's own; return how many jobs that were."""
        return await whole(self._forget(user_id))

    async def _find(self, user_id: int) -> Document | None:
        return await self._users.find_one({"_id": user_id})

    async def _decided(self) -> list[Document]:
        return await self._users.find(DECIDED).sort("_id", ASCENDING).to_list(None)

    async def _set(self, user_id: int, field: str, value: str | None) -> None:
        await whole(upsert(self._users, {"_id": user_id}, update_of({field: value})))

    async def _forget(self, user_id: int) -> int:
        gone = await self._users.delete_one({"_id": user_id, **UNDECIDED})
        if not gone.deleted_count:
            nothing = update_of(dict.fromkeys(OWN))
            await self._users.update_one({"_id": user_id}, nothing)
        told = {"ended_at": {"$exists": True}, "owed": {"$exists": False}}
        return int((await self._jobs.delete_many({"user_id": user_id, **told})).deleted_count)

    async def _forget_before(self, old: Document) -> int:
        return int((await self._users.delete_many({**old, **UNDECIDED})).deleted_count)
