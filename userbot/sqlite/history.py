"""The jobs that have ended, in SQLite."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from userbot.domain.history import HistoryItem, Mark, MediaKey, SentFile
from userbot.domain.jobs import JobId
from userbot.durable.history import ITEM_FIELDS, Fields, Reader, item_of, item_values, sent_file_of
from userbot.durable.values import clean, moment
from userbot.sqlite.database import Database, Values
from userbot.sqlite.rows import columns

T = TypeVar("T")

COLUMNS = (*ITEM_FIELDS, "day")
# The same end told again keeps its file ids as they are: they may have been dropped meanwhile.
ADD = f"""
INSERT INTO history {columns(COLUMNS)}
ON CONFLICT (job_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "file_ids")},
    file_ids = iif(
        (ended_at, result) = (excluded.ended_at, excluded.result), file_ids, excluded.file_ids
    )
"""
PAGE = """
SELECT * FROM history
WHERE user_id = :user_id AND (ended_at, job_id) < (:ended_at, :job_id)
ORDER BY ended_at DESC, job_id DESC LIMIT :limit OFFSET :seen
"""
FIND = "SELECT * FROM history WHERE job_id = ? AND user_id = ?"
SAME_FILE = """
site = :site AND media_id = :media_id AND variant = :variant AND bot_id = :bot_id
    AND file_ids <> '[]'
"""
FIND_FILES = f"""
SELECT job_id, file_ids, size_bytes FROM history
WHERE {SAME_FILE} AND is_shareable AND result = 'delivered'
ORDER BY ended_at DESC, job_id DESC LIMIT :limit OFFSET :seen
"""
DROP_FILES = f"UPDATE history SET file_ids = '[]' WHERE {SAME_FILE}"
EXPORT = "SELECT * FROM history WHERE user_id = ? ORDER BY ended_at, job_id"

LAST = {"ended_at": 2**63 - 1, "job_id": ""}  # later than every item


class SqliteHistory:
    """`ports.durable.History`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = Reader()

    async def add(self, item: HistoryItem) -> None:
        """Keep the end of a job, once."""
        await self._database.change(ADD, item_values(item))

    async def page(self, user_id: int, before: Mark | None, limit: int) -> list[HistoryItem]:
        """Return a person's items before a mark, newest first."""
        mark: dict[str, object] = LAST | {}
        if before is not None:
            mark = {"ended_at": moment(before.ended_at), "job_id": clean(before.job_id)}
        return await self._first(limit, item_of, PAGE, {"user_id": user_id, **mark})

    async def find(self, user_id: int, job_id: JobId) -> HistoryItem | None:
        """Return an item of a person."""
        found = await self._items(FIND, (clean(job_id), user_id))
        return found[0] if found else None

    async def find_files(self, media: MediaKey) -> SentFile:
        """Return what the newest delivery of a file has left."""
        found = await self._first(1, sent_file_of, FIND_FILES, _media_values(media))
        return found[0] if found else SentFile()

    async def drop_files(self, media: MediaKey) -> int:
        """Forget the file ids of a file."""
        return await self._database.change(DROP_FILES, _media_values(media))

    async def export(self, user_id: int) -> list[HistoryItem]:
        """Return everything of a person, oldest first."""
        return await self._items(EXPORT, (user_id,))

    async def forget_user(self, user_id: int) -> int:
        """Delete a person's items."""
        return await self._database.change("DELETE FROM history WHERE user_id = ?", (user_id,))

    async def forget_before(self, when: datetime) -> int:
        """Delete what ended before a moment."""
        return await self._database.change(
            "DELETE FROM history WHERE ended_at < ?", (moment(when),)
        )

    async def _items(self, query: str, values: Values) -> list[HistoryItem]:
        rows = await self._database.rows(query, values)
        return self._reader.all(item_of, map(dict, rows))

    async def _first(
        self, limit: int, read: Callable[[Fields], T], query: str, values: dict[str, object]
    ) -> list[T]:
        async def rows(limit: int, seen: int) -> list[Fields]:
            part = {**values, "limit": limit, "seen": seen}
            return [dict(row) for row in await self._database.rows(query, part)]

        return await self._reader.first(limit, read, rows)


def _media_values(media: MediaKey) -> dict[str, object]:
    return {
        "site": clean(media.site),
        "media_id": clean(media.media_id),
        "variant": clean(media.variant),
        "bot_id": media.bot_id,
    }
