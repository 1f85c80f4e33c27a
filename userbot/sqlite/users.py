"""The people, in SQLite."""

import sqlite3
from datetime import datetime

from userbot.domain.people import User
from userbot.durable.users import UserFields, user_of, users_of
from userbot.durable.values import clean, moment
from userbot.sqlite.database import Database

FIND = "SELECT * FROM users WHERE id = ?"
TOUCH = """
INSERT INTO users (id, name, first_seen_at, seen_at) VALUES (:id, :name, :now, :now)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    first_seen_at = min(ifnull(first_seen_at, excluded.first_seen_at), excluded.first_seen_at),
    seen_at = max(ifnull(seen_at, excluded.seen_at), excluded.seen_at)
"""
SET = """
INSERT INTO users (id, {column}) VALUES (?, ?)
ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}
"""
UNDECIDED = "role IS NULL AND ban IS NULL AND quota IS NULL"
DECIDED = f"SELECT * FROM users WHERE NOT ({UNDECIDED}) ORDER BY id"
FORGET = """
UPDATE users SET name = '', first_seen_at = NULL, seen_at = NULL, preferences = NULL WHERE id = ?
"""
FORGET_EMPTY = f"DELETE FROM users WHERE id = ? AND {UNDECIDED}"
FORGET_BEFORE = f"DELETE FROM users WHERE seen_at < ? AND {UNDECIDED}"
FORGET_JOBS = "DELETE FROM jobs WHERE user_id = ? AND ended_at IS NOT NULL AND NOT owed"


class SqliteUsers(UserFields):
    """`ports.durable.Users`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: int) -> User | None:
        """Return a person, None when nothing is known of them."""
        found = await self._database.rows(FIND, (user_id,))
        return user_of(user_id, dict(found[0])) if found else None

    async def decided(self) -> list[User]:
        """Return everybody about whom something is decided."""
        rows = await self._database.rows(DECIDED, ())
        return users_of((row["id"], dict(row)) for row in rows)

    async def touch(self, user_id: int, name: str, now: datetime) -> None:
        """Keep that a person has written."""
        values = {"id": user_id, "name": clean(name), "now": moment(now)}
        await self._database.change(TOUCH, values)

    async def forget_before(self, when: datetime) -> int:
        """Delete whoever has not written since a moment."""
        return await self._database.change(FORGET_BEFORE, (moment(when),))

    async def forget(self, user_id: int) -> int:
        """Delete what is a person's own; return how many jobs that were."""
        return await self._database.write(lambda connection: _forget(connection, user_id))

    async def _set(self, user_id: int, field: str, value: str | None) -> None:
        await self._database.change(SET.format(column=field), (user_id, value))


def _forget(connection: sqlite3.Connection, user_id: int) -> int:
    connection.execute(FORGET, (user_id,))
    connection.execute(FORGET_EMPTY, (user_id,))
    return connection.execute(FORGET_JOBS, (user_id,)).rowcount
