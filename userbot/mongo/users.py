"""The people, in MongoDB."""

from datetime import datetime

from userbot.domain.people import Ban, Preferences, Quota, Role, User
from userbot.errors import InfrastructureError
from userbot.mongo.client import Database, Document
from userbot.mongo.documents import clean, moment, update_of
from userbot.mongo.plain import change, dump, load, when
from userbot.mongo.schema import JOBS, USERS
from userbot.mongo.whole import whole

DECISIONS = ("role", "ban", "quota")  # the owner's
UNDECIDED = {name: {"$exists": False} for name in DECISIONS}
OWN = ("name", "first_seen_at", "seen_at", "preferences")


class MongoUsers:
    """`ports.durable.Users`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._users = database[USERS]
        self._jobs = database[JOBS]

    async def find(self, user_id: int) -> User | None:
        """Return a person, None when nothing is known of them."""
        found = await whole(self._find(user_id))
        return _user(found) if found else None

    async def touch(self, user_id: int, name: str, now: datetime) -> None:
        """Keep that a person has written."""
        at = moment(now)
        update = {
            "$set": {"name": clean(name)},
            "$min": {"first_seen_at": at},
            "$max": {"seen_at": at},
        }
        await whole(change(self._users, {"_id": user_id}, update))

    async def set_preferences(self, user_id: int, preferences: Preferences) -> None:
        """Keep what a person wants."""
        is_default = preferences == Preferences()
        await self._set(user_id, "preferences", None if is_default else dump(preferences))

    async def set_role(self, user_id: int, role: Role) -> None:
        """Keep what a person is."""
        await self._set(user_id, "role", None if role is Role.USER else role.value)

    async def set_ban(self, user_id: int, ban: Ban | None) -> None:
        """Keep that a person may not use the bot."""
        await self._set(user_id, "ban", dump(ban) if ban else None)

    async def set_quota(self, user_id: int, quota: Quota | None) -> None:
        """Keep how much a person may take."""
        await self._set(user_id, "quota", dump(quota) if quota else None)

    async def forget_before(self, when: datetime) -> int:
        """Delete whoever has not written since a moment."""
        return await whole(self._forget_before({"seen_at": {"$lt": moment(when)}}))

    async def forget(self, user_id: int) -> int:
        """Delete what is a person's own; return how many jobs that were."""
        return await whole(self._forget(user_id))

    async def _find(self, user_id: int) -> Document | None:
        return await self._users.find_one({"_id": user_id})

    async def _set(self, user_id: int, field: str, value: str | None) -> None:
        """Keep one of our own fields."""
        await whole(change(self._users, {"_id": user_id}, update_of({field: value})))

    async def _forget(self, user_id: int) -> int:
        gone = await self._users.delete_one({"_id": user_id, **UNDECIDED})
        if not gone.deleted_count:
            nothing = update_of(dict.fromkeys(OWN))
            await self._users.update_one({"_id": user_id}, nothing)
        told = {"ended_at": {"$exists": True}, "owed": {"$exists": False}}
        return int((await self._jobs.delete_many({"user_id": user_id, **told})).deleted_count)

    async def _forget_before(self, old: Document) -> int:
        return int((await self._users.delete_many({**old, **UNDECIDED})).deleted_count)


def _user(document: Document) -> User:
    try:
        return User(
            id=document["_id"],
            name=document.get("name", ""),
            first_seen_at=when(document.get("first_seen_at")),
            seen_at=when(document.get("seen_at")),
            preferences=load(Preferences, document.get("preferences")) or Preferences(),
            role=Role(document.get("role", Role.USER)),
            ban=load(Ban, document.get("ban")),
            quota=load(Quota, document.get("quota")),
        )
    except ValueError as error:  # pydantic's and json's too
        raise InfrastructureError(f"MongoDB: person {document['_id']} is damaged") from error
