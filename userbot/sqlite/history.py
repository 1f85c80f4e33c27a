"""The jobs that have ended, and what is counted of them, in SQLite."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from userbot.domain.history import HistoryItem, Mark, MediaKey, SentFile, Tally
from userbot.domain.jobs import JobId
from userbot.errors import DamagedError
from userbot.sqlite.database import Database
from userbot.sqlite.plain import columns, day_number, day_of, made, plain, utc_day, when
from userbot.sqlite.rows import clean, json_text, moment

TEXTS = ("job_id", "url", "site", "media_id", "title", "variant", "error")
COLUMNS = (
    *("job_id", "user_id", "chat_id", "url", "result", "ended_at", "day", "message_id", "site"),
    *("media_id", "title", "variant", "kind", "height", "size_bytes", "duration_s", "seconds"),
    *("error", "file_ids", "bot_id", "is_shareable"),
)
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
ORDER BY ended_at DESC, job_id DESC LIMIT :limit
"""
FIND = "SELECT * FROM history WHERE job_id = ? AND user_id = ?"
SAME_FILE = """
site = :site AND media_id = :media_id AND variant = :variant AND bot_id = :bot_id
    AND file_ids <> '[]'
"""
FIND_FILES = f"""
SELECT file_ids, size_bytes FROM history WHERE {SAME_FILE} AND is_shareable AND result = 'delivered'
ORDER BY ended_at DESC, job_id DESC LIMIT 1
"""
DROP_FILES = f"UPDATE history SET file_ids = '[]' WHERE {SAME_FILE}"
EXPORT = "SELECT * FROM history WHERE user_id = ? ORDER BY ended_at, job_id"
TALLY = """
count(*) AS jobs, ifnull(sum(result = 'delivered'), 0) AS delivered,
    ifnull(sum(result = 'failed'), 0) AS failed, ifnull(sum(size_bytes), 0) AS size_bytes
FROM history WHERE ended_at >= :since
"""
TOTAL = f"SELECT {TALLY}"
BY_DAY = f"SELECT day AS name, {TALLY} GROUP BY day ORDER BY day"
BY_SITE = f"SELECT site AS name, {TALLY} GROUP BY site ORDER BY jobs DESC, site LIMIT :limit"
BY_USER = f"SELECT user_id AS name, {TALLY} GROUP BY user_id ORDER BY jobs DESC, name LIMIT :limit"

LAST = {"ended_at": 2**63 - 1, "job_id": ""}  # later than every item


class SqliteHistory:
    """`ports.durable.History`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, item: HistoryItem) -> None:
        """Keep the end of a job, once."""
        values = _values(item)
        await self._database.write(lambda connection: connection.execute(ADD, values))

    async def page(self, user_id: int, before: Mark | None, limit: int) -> list[HistoryItem]:
        """Return a person's items before a mark, newest first."""
        mark: dict[str, object] = LAST | {}
        if before is not None:
            mark = {"ended_at": moment(before.ended_at), "job_id": clean(before.job_id)}
        values = {"user_id": user_id, "limit": max(limit, 0), **mark}
        return await self._items(PAGE, values)

    async def find(self, user_id: int, job_id: JobId) -> HistoryItem | None:
        """Return an item of a person."""
        found = await self._items(FIND, (clean(job_id), user_id))
        return found[0] if found else None

    async def find_files(self, media: MediaKey) -> SentFile:
        """Return what the newest delivery of a file has left."""
        rows = await self._rows(FIND_FILES, _media_values(media))
        if not rows:
            return SentFile()
        return SentFile(tuple(json.loads(rows[0]["file_ids"])), rows[0]["size_bytes"])

    async def drop_files(self, media: MediaKey) -> int:
        """Forget the file ids of a file."""
        return await self._changed(DROP_FILES, _media_values(media))

    async def export(self, user_id: int) -> list[HistoryItem]:
        """Return everything of a person, oldest first."""
        return await self._items(EXPORT, (user_id,))

    async def forget_user(self, user_id: int) -> int:
        """Delete a person's items."""
        return await self._changed("DELETE FROM history WHERE user_id = ?", (user_id,))

    async def forget_before(self, when: datetime) -> int:
        """Delete what ended before a moment."""
        return await self._changed("DELETE FROM history WHERE ended_at < ?", (moment(when),))

    async def _items(self, query: str, values: Any) -> list[HistoryItem]:
        return [_item(row) for row in await self._rows(query, values)]

    async def _rows(self, query: str, values: Any) -> list[sqlite3.Row]:
        return await self._database.read(
            lambda connection: connection.execute(query, values).fetchall()
        )

    async def _changed(self, query: str, values: Any) -> int:
        return await self._database.write(
            lambda connection: connection.execute(query, values).rowcount
        )


class SqliteStatistics:
    """`ports.durable.Statistics`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def total(self, since: datetime) -> Tally:
        """Return the numbers of everything."""
        (row,) = await self._rows(TOTAL, since, 1)
        return _tally(row)

    async def by_day(self, since: datetime) -> list[tuple[date, Tally]]:
        """Return the numbers of each day."""
        return [(day_of(row["name"]), _tally(row)) for row in await self._rows(BY_DAY, since, 1)]

    async def by_site(self, since: datetime, limit: int) -> list[tuple[str, Tally]]:
        """Return the sites with the most jobs."""
        return [(row["name"], _tally(row)) for row in await self._rows(BY_SITE, since, limit)]

    async def by_user(self, since: datetime, limit: int) -> list[tuple[int, Tally]]:
        """Return the people with the most jobs."""
        return [(row["name"], _tally(row)) for row in await self._rows(BY_USER, since, limit)]

    async def _rows(self, query: str, since: datetime, limit: int) -> Sequence[sqlite3.Row]:
        values = {"since": moment(since), "limit": max(limit, 0)}
        return await self._database.read(
            lambda connection: connection.execute(query, values).fetchall()
        )


def _values(item: HistoryItem) -> dict[str, Any]:
    values = plain(item)
    values |= {name: clean(values[name]) for name in TEXTS}
    values["ended_at"] = moment(item.ended_at)
    values["day"] = day_number(utc_day(item.ended_at))
    values["seconds"] = json_text(values["seconds"])
    values["file_ids"] = json_text(values["file_ids"])
    return values


def _item(row: sqlite3.Row) -> HistoryItem:
    try:
        fields = {name: row[name] for name in COLUMNS if name != "day"}
        fields["ended_at"] = when(row["ended_at"])
        fields["seconds"] = json.loads(row["seconds"])
        fields["file_ids"] = json.loads(row["file_ids"])
        return made(HistoryItem, fields)
    except (ValueError, TypeError) as error:  # pydantic's and json's, and other shapes
        raise DamagedError(row["job_id"]) from error


def _media_values(media: MediaKey) -> dict[str, object]:
    return {
        "site": clean(media.site),
        "media_id": clean(media.media_id),
        "variant": clean(media.variant),
        "bot_id": media.bot_id,
    }


def _tally(row: sqlite3.Row) -> Tally:
    return Tally(row["jobs"], row["delivered"], row["failed"], row["size_bytes"])
