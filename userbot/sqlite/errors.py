"""The errors that jobs ended with, in SQLite."""

import sqlite3
from datetime import datetime
from typing import Any

from userbot.domain.history import ErrorEntry
from userbot.domain.jobs import JobId
from userbot.sqlite.database import Database
from userbot.sqlite.plain import columns
from userbot.sqlite.rows import EPOCH, TICK, clean, moment

COLUMNS = ("job_id", "happened_at", "user_id", "label", "site", "detail")
ADD = f"INSERT OR IGNORE INTO errors {columns(COLUMNS)}"
RECENT = "SELECT * FROM errors ORDER BY happened_at DESC, job_id LIMIT ?"
EXPORT = "SELECT * FROM errors WHERE user_id = ? ORDER BY happened_at, job_id"
COUNTS = """
SELECT label, count(*) AS times FROM errors WHERE happened_at >= ?
GROUP BY label ORDER BY times DESC, label
"""


class SqliteErrors:
    """`ports.durable.Errors`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: ErrorEntry) -> None:
        """Keep an error, once."""
        values = {
            "job_id": clean(entry.job_id),
            "happened_at": moment(entry.happened_at),
            "user_id": entry.user_id,
            "label": clean(entry.label),
            "site": clean(entry.site),
            "detail": clean(entry.detail),
        }
        await self._database.write(lambda connection: connection.execute(ADD, values))

    async def recent(self, limit: int) -> list[ErrorEntry]:
        """Return the last errors, newest first."""
        return await self._entries(RECENT, max(limit, 0))

    async def export(self, user_id: int) -> list[ErrorEntry]:
        """Return the errors of a person's jobs, oldest first."""
        return await self._entries(EXPORT, user_id)

    async def counts(self, since: datetime) -> list[tuple[str, int]]:
        """Return how often each label came."""
        rows = await self._database.read(
            lambda connection: connection.execute(COUNTS, (moment(since),)).fetchall()
        )
        return [(row["label"], row["times"]) for row in rows]

    async def forget_user(self, user_id: int) -> int:
        """Delete the errors of a person's jobs."""
        return await self._delete("DELETE FROM errors WHERE user_id = ?", user_id)

    async def forget_before(self, when: datetime) -> int:
        """Delete what happened before a moment."""
        return await self._delete("DELETE FROM errors WHERE happened_at < ?", moment(when))

    async def _entries(self, query: str, value: int) -> list[ErrorEntry]:
        rows = await self._database.read(
            lambda connection: connection.execute(query, (value,)).fetchall()
        )
        return [_entry(row) for row in rows]

    async def _delete(self, query: str, value: Any) -> int:
        return await self._database.write(
            lambda connection: connection.execute(query, (value,)).rowcount
        )


def _entry(row: sqlite3.Row) -> ErrorEntry:
    return ErrorEntry(
        job_id=JobId(row["job_id"]),
        user_id=row["user_id"],
        happened_at=EPOCH + row["happened_at"] * TICK,
        label=row["label"],
        site=row["site"],
        detail=row["detail"],
    )
