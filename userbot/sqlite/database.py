"""The one SQLite file: opened, brought up to date, and used one transaction at a time.

All work runs in the one thread that aiosqlite keeps for its connection, a whole transaction per
turn of it. So no transaction is ever left open by a cancelled caller, and none sees another's half.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from userbot.errors import DiskFullError, InfrastructureError, StoreAwayError
from userbot.sqlite.schema import MIGRATIONS, Migration

BUSY_TIMEOUT_MS = 5000  # another process holds the file: a backup, a shell
ANSWER_TIMEOUT_S = 30.0  # above it the disk hangs
PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    # FULL syncs the log at each commit (0.4 ms where NORMAL takes 0.01 ms): after a power cut a
    # message that was sent must not look as if it had not been.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
Values = Sequence[Any] | Mapping[str, Any]


class _Connection(aiosqlite.Connection):
    async def open(self) -> None:
        """Start the thread and connect; when that fails, return after the thread has ended."""
        try:
            await self
        except BaseException:
            await asyncio.to_thread(self._thread.join)
            raise

    async def run(self, work: Work[T]) -> T:
        """Run work in the connection's thread, after what was asked before.

        Cancelling leaves the work in its place: it runs all the same.
        """
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite has no types there
        return result


class Database:
    """An open file. Every method raises InfrastructureError for everything that SQLite refuses."""

    def __init__(self, connection: _Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    async def read(self, work: Work[T]) -> T:
        """Return what work finds; all its queries see the same moment."""
        return await self._transaction("BEGIN", work)

    async def write(self, work: Work[T]) -> T:
        """Return what work answers, after a commit; when it raises, nothing has changed."""
        return await self._transaction("BEGIN IMMEDIATE", work)

    async def rows(self, query: str, values: Values = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        return await self.read(lambda connection: connection.execute(query, values).fetchall())

    async def change(self, statement: str, values: Values = ()) -> int:
        """Carry out one statement; return how many rows it changed."""
        return await self.write(lambda connection: connection.execute(statement, values).rowcount)

    async def _transaction(self, begin: str, work: Work[T]) -> T:
        with _translated(self._path):
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return await self._connection.run(
                        lambda connection: _in_transaction(connection, begin, work)
                    )
            except TimeoutError as error:
                raise StoreAwayError(f"{self._path}: no answer from the disk") from error


@asynccontextmanager
async def open_database(
    path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> AsyncIterator[Database]:
    """Open the file, made if missing (mode 0600), with its tables up to date.

    Raises InfrastructureError for a damaged file, one of a newer version of the program, and one
    that cannot be written; the file is left as it was.
    """
    connection = _Connection(lambda: _connect(path, migrations), iter_chunk_size=1)
    with _translated(path):
        await connection.open()
    try:
        yield Database(connection, path)
    finally:
        await connection.close()  # else its thread keeps the interpreter from ending


def _connect(path: Path, migrations: Sequence[Migration]) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)  # -wal and -shm take the mode of the file
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(pragma)
        _migrate(connection, migrations)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    def steps(connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(migrations):
            raise InfrastructureError(
                f"the database has version {version}; this program knows {len(migrations)}"
            )
        for migration in migrations[version:]:
            for statement in migration:
                connection.execute(statement)
        if version < len(migrations):
            connection.execute(f"PRAGMA user_version = {len(migrations)}")

    _in_transaction(connection, "BEGIN IMMEDIATE", steps)


def _in_transaction(connection: sqlite3.Connection, begin: str, work: Work[T]) -> T:
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite ends it by itself when the disk is full
            connection.execute("ROLLBACK")
        raise
    return result


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _meaning(error, path) from error


def _meaning(error: sqlite3.Error | OSError, path: Path) -> InfrastructureError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of an extended code
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError()
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return InfrastructureError(f"{path} is damaged; nothing was changed: {error}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreAwayError(f"{path} is in use by another process")
    return InfrastructureError(f"{path}: {error}")
