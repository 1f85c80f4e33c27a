"""What people took, day by day, in SQLite."""

import sqlite3
from datetime import date

from userbot.domain.people import Quota, Usage
from userbot.durable.values import day_number
from userbot.sqlite.database import Database

FIND = "SELECT count, size_bytes FROM usage WHERE user_id = ? AND day = ?"
ADD = """
INSERT INTO usage (user_id, day, count, size_bytes) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id, day) DO UPDATE
SET count = count + excluded.count, size_bytes = size_bytes + excluded.size_bytes
"""


class SqliteQuotas:
    """`ports.durable.Quotas`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def usage(self, user_id: int, day: date) -> Usage:
        """Return what a person took on a day."""
        return await self._database.read(
            lambda connection: _usage(connection, user_id, day_number(day))
        )

    async def charge(self, user_id: int, day: date, cost: Usage, quota: Quota) -> bool:
        """Add cost to a person's day, if it then is within the quota."""
        number = day_number(day)

        def charge(connection: sqlite3.Connection) -> bool:
            used = _usage(connection, user_id, number)
            after = Usage(used.count + cost.count, used.size_bytes + cost.size_bytes)
            if not quota.allows(after):
                return False
            connection.execute(ADD, (user_id, number, cost.count, cost.size_bytes))
            return True

        return await self._database.write(charge)

    async def forget_before(self, day: date) -> int:
        """Delete the days before a day."""
        return await self._database.change("DELETE FROM usage WHERE day < ?", (day_number(day),))


def _usage(connection: sqlite3.Connection, user_id: int, day: int) -> Usage:
    row = connection.execute(FIND, (user_id, day)).fetchone()
    return Usage(row["count"], row["size_bytes"]) if row else Usage()
