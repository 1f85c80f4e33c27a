"""The errors that jobs ended with, in SQLite."""

from datetime import datetime

from userbot.domain.history import ErrorEntry
from userbot.durable.history import ERROR_FIELDS, Reader, error_of, error_values
from userbot.durable.values import moment
from userbot.sqlite.database import Database
from userbot.sqlite.rows import columns

ADD = f"INSERT OR IGNORE INTO errors {columns(ERROR_FIELDS)}"
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
        self._reader = Reader()

    async def add(self, entry: ErrorEntry) -> None:
        """Keep an error, once."""
        await self._database.change(ADD, error_values(entry))

    async def recent(self, limit: int) -> list[ErrorEntry]:
        """Return the last errors, newest first."""
        return await self._entries(RECENT, max(limit, 0))

    async def export(self, user_id: int) -> list[ErrorEntry]:
        """Return the errors of a person's jobs, oldest first."""
        return await self._entries(EXPORT, user_id)

    async def counts(self, since: datetime) -> list[tuple[str, int]]:
        """Return how often each label came."""
        rows = await self._database.rows(COUNTS, (moment(since),))
        return [(row["label"], row["times"]) for row in rows]

    async def forget_user(self, user_id: int) -> int:
        """Delete the errors of a person's jobs."""
        return await self._database.change("DELETE FROM errors WHERE user_id = ?", (user_id,))

    async def forget_before(self, when: datetime) -> int:
        """Delete what happened before a moment."""
        old = (moment(when),)
        return await self._database.change("DELETE FROM errors WHERE happened_at < ?", old)

    async def _entries(self, query: str, value: int) -> list[ErrorEntry]:
        rows = await self._database.rows(query, (value,))
        return self._reader.all(error_of, map(dict, rows))
