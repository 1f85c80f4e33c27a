"""Looking at jobs: what cannot be read is ended and left out."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from userbot.domain.records import JobRecord, JobSummary
from userbot.errors import DamagedError
from userbot.sqlite.burial import bury
from userbot.sqlite.database import Database
from userbot.sqlite.pages import record_in
from userbot.sqlite.rows import summary_of

T = TypeVar("T")

FIND = "SELECT * FROM jobs WHERE id = ?"
UNTOLD = "SELECT * FROM jobs WHERE owed ORDER BY number"
# Columns by name: a row's `details` are not for lists.
SUMMARY = """
SELECT id, chat_id, message_id, user_id, is_group, topic_id, url, state, is_quick, created_at,
    changed_at, not_before, lease_until, title, choice, status_message_id, is_unwanted
FROM jobs WHERE ended_at IS NULL
"""


class Records:
    """Reads the records of jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: str) -> JobRecord | None:
        """Return a job, None when it is unknown."""
        try:
            return await self._database.read(lambda connection: _find(connection, job_id))
        except DamagedError as error:
            await self._bury([error])
        return await self._database.read(lambda connection: _find(connection, job_id))

    async def untold(self) -> list[JobRecord]:
        """Return the ended jobs whose chat does not show it yet."""
        return await self._legible(UNTOLD, (), record_in)

    async def unfinished(self, user_id: int | None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first."""
        if user_id is None:
            return await self._legible(f"{SUMMARY} ORDER BY number", (), _summary)
        own = f"{SUMMARY} AND user_id = ? ORDER BY number"
        return await self._legible(own, (user_id,), _summary)

    async def _legible(
        self,
        query: str,
        values: tuple[object, ...],
        read: Callable[[sqlite3.Connection, sqlite3.Row], T],
    ) -> list[T]:
        """Return what rows say; those that cannot be read are ended and left out."""
        damaged: list[DamagedError] = []

        def legible(connection: sqlite3.Connection) -> list[T]:
            found = []
            for row in connection.execute(query, values).fetchall():
                try:
                    found.append(read(connection, row))
                except DamagedError as error:
                    damaged.append(error)
            return found

        found = await self._database.read(legible)
        await self._bury(damaged)
        return found

    async def _bury(self, damaged: Sequence[DamagedError]) -> None:
        def bury_all(connection: sqlite3.Connection) -> None:
            for error in damaged:
                bury(connection, error)

        if damaged:
            await self._database.write(bury_all)


def _find(connection: sqlite3.Connection, job_id: str) -> JobRecord | None:
    row = connection.execute(FIND, (job_id,)).fetchone()
    return record_in(connection, row) if row else None


def _summary(_connection: sqlite3.Connection, row: sqlite3.Row) -> JobSummary:
    return summary_of(row)
