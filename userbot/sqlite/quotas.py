"""What people took, day by day, in SQLite."""

import sqlite3
from datetime import date

from userbot.domain.jobs import JobId
from userbot.domain.people import Quota, Usage
from userbot.durable.values import clean, day_number
from userbot.sqlite.database import Database
from userbot.sqlite.rows import columns

FIND = """
SELECT ifnull(sum(count), 0) AS count, ifnull(sum(size_bytes), 0) AS size_bytes
FROM charges WHERE user_id = ? AND day = ?
"""
KNOWN = "SELECT 1 FROM charges WHERE user_id = ? AND job_id = ?"
COLUMNS = ("user_id", "job_id", "day", "count", "size_bytes", "is_settled")
ADD = f"INSERT INTO charges {columns(COLUMNS)}"
SETTLE = f"""
{ADD} ON CONFLICT (user_id, job_id) DO UPDATE
SET size_bytes = excluded.size_bytes, is_settled = 1 WHERE NOT is_settled
"""
RELEASE = "DELETE FROM charges WHERE user_id = ? AND job_id = ? AND NOT is_settled"


class SqliteQuotas:
    """`ports.durable.Quotas`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, user_id: int, day: date) -> Usage:
        """Return what a person took on a day."""
        return await self._database.read(
            lambda connection: _usage(connection, user_id, day_number(day))
        )

    async def reserve(
        self, user_id: int, job_id: JobId, day: date, quota: Quota, size_bytes: int = 0
    ) -> bool:
        """Count a job, if there is room."""
        row = _row(user_id, job_id, day, size_bytes, is_settled=False)

        def reserve(connection: sqlite3.Connection) -> bool:
            if connection.execute(KNOWN, (user_id, row["job_id"])).fetchone():
                return True
            if not quota.has_room(_usage(connection, user_id, day_number(day))):
                return False
            connection.execute(ADD, row)
            return True

        return await self._database.write(reserve)

    async def settle(self, user_id: int, job_id: JobId, day: date, size_bytes: int) -> None:
        """Keep what a job has brought."""
        row = _row(user_id, job_id, day, size_bytes, is_settled=True)
        await self._database.change(SETTLE, row)

    async def release(self, user_id: int, job_id: JobId) -> None:
        """Count a job no more."""
        await self._database.change(RELEASE, (user_id, clean(job_id)))

    async def forget_before(self, day: date) -> int:
        """Delete the days before a day."""
        return await self._database.change("DELETE FROM charges WHERE day < ?", (day_number(day),))


def _row(
    user_id: int, job_id: JobId, day: date, size_bytes: int, *, is_settled: bool
) -> dict[str, object]:
    values = (user_id, clean(job_id), day_number(day), 1, size_bytes, is_settled)
    return dict(zip(COLUMNS, values, strict=True))


def _usage(connection: sqlite3.Connection, user_id: int, day: int) -> Usage:
    row = connection.execute(FIND, (user_id, day)).fetchone()
    return Usage(row["count"], row["size_bytes"])
