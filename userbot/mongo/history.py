"""The jobs that have ended, in MongoDB. What a site said is the value of a field, never its name.

`media` stands for site, media id, variant and bot: they can be too long for an index.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import DuplicateKeyError

from userbot.domain.history import HistoryItem, Mark, MediaKey, SentFile
from userbot.domain.jobs import JobId
from userbot.domain.records import JobState
from userbot.durable.history import Fields, Reader, item_of, item_values, sent_file_of
from userbot.durable.values import clean, json_text, moment
from userbot.mongo.client import Database, Document
from userbot.mongo.schema import HISTORY
from userbot.mongo.whole import whole

T = TypeVar("T")

NEWEST = (("ended_at", DESCENDING), ("_id", DESCENDING))
OLDEST = (("ended_at", ASCENDING), ("_id", ASCENDING))


class MongoHistory:
    """`ports.durable.History`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._history = database[HISTORY]
        self._reader = Reader()

    async def add(self, item: HistoryItem) -> None:
        """Keep the end of a job, once."""
        await whole(self._put(_document(item)))

    async def page(self, user_id: int, before: Mark | None, limit: int) -> list[HistoryItem]:
        """Return a person's items before a mark, newest first."""
        query: Document = {"user_id": user_id}
        if before is not None:
            at = moment(before.ended_at)
            earlier = {"ended_at": {"$lt": at}}
            same = {"ended_at": at, "_id": {"$lt": clean(before.job_id)}}
            query["$or"] = [earlier, same]
        return await self._first(limit, item_of, query)

    async def find(self, user_id: int, job_id: JobId) -> HistoryItem | None:
        """Return an item of a person."""
        query = {"_id": {"$eq": clean(job_id)}, "user_id": user_id}
        found = await self._first(1, item_of, query)
        return found[0] if found else None

    async def find_files(self, media: MediaKey) -> SentFile:
        """Return what the newest delivery of a file has left."""
        query = {
            "media": _hash(media),
            "has_files": True,
            "is_shareable": True,
            "result": JobState.DELIVERED.value,
        }
        found = await self._first(1, sent_file_of, query)
        return found[0] if found else SentFile()

    async def drop_files(self, media: MediaKey) -> int:
        """Forget the file ids of a file."""
        return await whole(self._drop({"media": _hash(media), "has_files": True}))

    async def export(self, user_id: int) -> list[HistoryItem]:
        """Return everything of a person, oldest first."""
        rows = await whole(self._list({"user_id": user_id}, OLDEST, 0, 0))
        return self._reader.all(item_of, rows)

    async def forget_user(self, user_id: int) -> int:
        """Delete a person's items."""
        return await whole(self._delete({"user_id": user_id}))

    async def forget_before(self, when: datetime) -> int:
        """Delete what ended before a moment."""
        return await whole(self._delete({"ended_at": {"$lt": moment(when)}}))

    async def _put(self, document: Document) -> None:
        query = {"_id": {"$eq": document["_id"]}}
        same = {name: document[name] for name in ("ended_at", "result")}
        before = await self._history.find_one({**query, **same}, {"file_ids": 1, "has_files": 1})
        if before is not None:  # the same end: its file ids may have been dropped meanwhile
            document |= before
        try:
            await self._history.replace_one(query, document, upsert=True)
        except DuplicateKeyError:  # it was told twice at the same moment
            await self._history.replace_one(query, document)

    async def _first(self, limit: int, read: Callable[[Fields], T], query: Document) -> list[T]:
        async def rows(limit: int, seen: int) -> list[Document]:
            return await whole(self._list(query, NEWEST, limit, seen))

        return await self._reader.first(limit, read, rows)

    async def _list(
        self, query: Document, order: Sequence[tuple[str, int]], limit: int, seen: int
    ) -> list[Document]:
        """Return documents after so many; limit 0 is none."""
        cursor = self._history.find(query).sort(list(order)).skip(seen).limit(limit)
        documents = await cursor.to_list(None)
        return [{**document, "job_id": document["_id"]} for document in documents]

    async def _drop(self, query: Document) -> int:
        change = {"$set": {"file_ids": json_text([]), "has_files": False}}
        return int((await self._history.update_many(query, change)).modified_count)

    async def _delete(self, query: Document) -> int:
        return int((await self._history.delete_many(query)).deleted_count)


def _document(item: HistoryItem) -> Document:
    values = item_values(item)
    return values | {
        "_id": values.pop("job_id"),
        "ended_date": item.ended_at,  # for the TTL index
        "has_files": bool(item.file_ids),
        "media": _hash(item.media),
    }


def _hash(media: MediaKey) -> bytes:
    key = [clean(media.site), clean(media.media_id), clean(media.variant), media.bot_id]
    return hashlib.sha256(json_text(key).encode()).digest()
