"""What is counted of the history, in SQLite."""

import sqlite3
from datetime import date, datetime

from userbot.domain.history import Tally
from userbot.durable.values import day_of, moment
from userbot.sqlite.database import Database

TALLY = """
count(*) AS jobs, ifnull(sum(result = 'delivered'), 0) AS delivered,
    ifnull(sum(result = 'failed'), 0) AS failed, ifnull(sum(size_bytes), 0) AS size_bytes
FROM history WHERE ended_at >= :since
"""
TOTAL = f"SELECT {TALLY}"
BY_DAY = f"SELECT day AS name, {TALLY} GROUP BY day ORDER BY day"
BY_SITE = f"SELECT site AS name, {TALLY} GROUP BY site ORDER BY jobs DESC, site LIMIT :limit"
BY_USER = f"SELECT user_id AS name, {TALLY} GROUP BY user_id ORDER BY jobs DESC, name LIMIT :limit"


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

    async def _rows(self, query: str, since: datetime, limit: int) -> list[sqlite3.Row]:
        values = {"since": moment(since), "limit": max(limit, 0)}
        return await self._database.rows(query, values)


def _tally(row: sqlite3.Row) -> Tally:
    return Tally(row["jobs"], row["delivered"], row["failed"], row["size_bytes"])
