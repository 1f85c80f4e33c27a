"""The people, in SQLite."""

import sqlite3
from datetime import datetime

from userbot.domain.people import Ban, Preferences, Quota, Role, User
from userbot.errors import InfrastructureError
from userbot.sqlite.database import Database
from userbot.sqlite.plain import dump, load, when
from userbot.sqlite.rows import clean, moment

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
FORGET = """
UPDATE users SET name = '', first_seen_at = NULL, seen_at = NULL, preferences = NULL WHERE id = ?
"""
FORGET_EMPTY = """
DELETE FROM users WHERE id = ? AND role IS NULL AND ban IS NULL AND quota IS NULL
"""
FORGET_BEFORE = """
DELETE FROM users WHERE seen_at < ? AND role IS NULL AND ban IS NULL AND quota IS NULL
"""
FORGET_JOBS = "DELETE FROM jobs WHERE user_id = ? AND ended_at IS NOT NULL AND NOT owed"


class SqliteUsers:
    """`ports.durable.Users`, where each method is explained."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: int) -> User | None:
        """Return a person, None when nothing is known of them."""
        row = await self._database.read(
            lambda connection: connection.execute(
                "SELECT * FROM users WHERE id = ?", (user_id,)
            ).fetchone()
        )
        return _user(row) if row else None

    async def touch(self, user_id: int, name: str, now: datetime) -> None:
        """Keep that a person has written."""
        values = {"id": user_id, "name": clean(name), "now": moment(now)}
        await self._database.write(lambda connection: connection.execute(TOUCH, values))

    async def set_preferences(self, user_id: int, preferences: Preferences) -> None:
        """Keep what a person wants."""
        is_default = preferences == Preferences()
        await self._set(user_id, "preferences", None if is_default else dump(preferences))

    async def set_role(self, user_id: int, role: Role) -> None:
        """Keep what a person is."""
        await self._set(user_id, "role", None if role is Role.USER else role.value)

    async def set_ban(self, user_id: int, ban: Ban | None) -> None:
        """Keep that a person may not use the bot."""
        await self._set(user_id, "ban", dump(ban) if ban else None)

    async def set_quota(self, user_id: int, quota: Quota | None) -> None:
        """Keep how much a person may take."""
        await self._set(user_id, "quota", dump(quota) if quota else None)

    async def forget_before(self, when: datetime) -> int:
        """Delete whoever has not written since a moment."""
        values = (moment(when),)
        return await self._database.write(
            lambda connection: connection.execute(FORGET_BEFORE, values).rowcount
        )

    async def forget(self, user_id: int) -> int:
        """Delete what is a person's own; return how many jobs that were."""
        return await self._database.write(lambda connection: _forget(connection, user_id))

    async def _set(self, user_id: int, column: str, value: str | None) -> None:
        """Keep one of our own columns."""
        query = SET.format(column=column)
        await self._database.write(lambda connection: connection.execute(query, (user_id, value)))


def _forget(connection: sqlite3.Connection, user_id: int) -> int:
    connection.execute(FORGET, (user_id,))
    connection.execute(FORGET_EMPTY, (user_id,))
    return connection.execute(FORGET_JOBS, (user_id,)).rowcount


def _user(row: sqlite3.Row) -> User:
    try:
        return User(
            id=row["id"],
            name=row["name"],
            first_seen_at=when(row["first_seen_at"]),
            seen_at=when(row["seen_at"]),
            preferences=load(Preferences, row["preferences"]) or Preferences(),
            role=Role(row["role"] or Role.USER),
            ban=load(Ban, row["ban"]),
            quota=load(Quota, row["quota"]),
        )
    except ValueError as error:  # pydantic's and json's too
        raise InfrastructureError(f"what is kept of person {row['id']} is damaged") from error
