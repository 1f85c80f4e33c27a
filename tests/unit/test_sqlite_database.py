"""The file: how it is opened, and what becomes of a bad one."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from userbot.errors import DiskFullError, InfrastructureError
from userbot.sqlite import database
from userbot.sqlite.database import open_database
from userbot.sqlite.schema import MIGRATIONS

ROOT = Path(__file__).parents[2]
NEXT_VERSION = (
    "ALTER TABLE jobs ADD COLUMN colour TEXT",
    "UPDATE jobs SET colour = 'red'",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data/userbot.db"


async def version_of(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def count(connection):
    return connection.execute("SELECT count(*) FROM turns").fetchone()[0]


def insert(connection, user_id=1):
    connection.execute("INSERT INTO turns VALUES ('x', ?, ?, 0)", (user_id, user_id))


async def test_the_file_is_the_owners_alone(path):
    path.parent.mkdir()
    path.touch(0o644)
    async with open_database(path) as opened:
        await opened.write(insert)
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["userbot.db", "userbot.db-shm", "userbot.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = await opened.read(
            lambda connection: [
                connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in pragmas
            ]
        )
        assert found == ["wal", 2, 1, 5000]
    assert list(path.parent.iterdir()) == [path]


async def test_a_missing_migration_is_made_and_kept(path):
    async with open_database(path) as opened:
        await opened.write(insert_job)
    for _ in range(2):
        async with open_database(path, [*MIGRATIONS, NEXT_VERSION]) as opened:
            rows = await opened.read(
                lambda connection: connection.execute("SELECT id, colour FROM jobs").fetchall()
            )
            assert [tuple(row) for row in rows] == [("a", "red")]
    assert await version_of(path) == len(MIGRATIONS) + 1


def insert_job(connection):
    connection.execute(
        "INSERT INTO jobs (id, chat_id, message_id, user_id, is_group, url, state, created_at,"
        " changed_at) VALUES ('a', 1, 1, 1, 0, 'u', 'new', 0, 0)"
    )


async def test_a_migration_that_fails_leaves_everything_as_it_was(path):
    async with open_database(path) as opened:
        await opened.write(insert_job)
    with pytest.raises(InfrastructureError, match="no such table"):
        async with open_database(path, [*MIGRATIONS, NEXT_VERSION, ("DELETE FROM missing",)]):
            pytest.fail("it was opened")
    assert await version_of(path) == len(MIGRATIONS)
    async with open_database(path, [*MIGRATIONS, NEXT_VERSION]) as opened:
        assert len(await opened.read(colours)) == 1


def colours(connection):
    return connection.execute("SELECT colour FROM jobs").fetchall()


async def test_a_file_of_a_newer_program_is_refused(path):
    newer = len(MIGRATIONS) + 1
    async with open_database(path, [*MIGRATIONS, NEXT_VERSION]):
        pass
    with pytest.raises(
        InfrastructureError, match=f"version {newer}; this program knows {newer - 1}"
    ):
        async with open_database(path):
            pytest.fail("it was opened")
    assert await version_of(path) == newer


async def test_a_file_that_is_no_database_is_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(b"my thesis " * 1000)
    with pytest.raises(InfrastructureError, match="damaged"):
        async with open_database(path):
            pytest.fail("it was opened")
    assert path.read_bytes() == b"my thesis " * 1000
    assert list(path.parent.iterdir()) == [path]


async def test_damage_inside_the_file_is_told(path):
    async with open_database(path) as opened:
        await opened.write(lambda connection: [insert(connection, user) for user in range(2000)])
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * (size - 4096 * 4))
    with pytest.raises(InfrastructureError, match="damaged"):
        async with open_database(path) as opened:
            await opened.write(lambda connection: connection.execute("DELETE FROM turns"))
    assert path.stat().st_size == size


async def test_a_path_that_cannot_be_a_file_is_told(path):
    path.mkdir(parents=True)
    with pytest.raises(InfrastructureError, match="directory"):
        async with open_database(path):
            pytest.fail("it was opened")


def connection_threads():
    return [thread for thread in threading.enumerate() if "_connection_" in thread.name]


async def test_no_thread_is_left(path):
    with pytest.raises(ZeroDivisionError):
        async with open_database(path):
            assert len(connection_threads()) == 1
            1 / 0  # noqa: B018
    path.write_bytes(b"x" * 5000)
    with pytest.raises(InfrastructureError):
        async with open_database(path):
            pytest.fail("it was opened")
    async with asyncio.timeout(5):
        while connection_threads():
            await asyncio.sleep(0.01)


def test_a_program_that_fails_with_an_open_file_ends(path):
    code = f"""
import asyncio
from pathlib import Path
from userbot.sqlite.database import open_database

async def main():
    async with open_database(Path({str(path)!r})):
        raise SystemExit(7)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=20, check=False)
    assert done.returncode == 7


async def test_what_raises_changes_nothing_and_the_next_goes_on(path):
    def fail(connection):
        insert(connection)
        raise ZeroDivisionError

    async with open_database(path) as opened:
        with pytest.raises(ZeroDivisionError):
            await opened.write(fail)
        assert await opened.read(count) == 0
        with pytest.raises(InfrastructureError, match="no such table"):
            await opened.write(lambda connection: connection.execute("DELETE FROM missing"))
        await opened.write(insert)
        assert await opened.read(count) == 1


async def test_cancelling_a_write_in_the_middle_leaves_no_transaction(path):
    started, go_on = threading.Event(), threading.Event()

    def slow(connection):
        started.set()
        assert go_on.wait(5)
        insert(connection)

    async with open_database(path) as opened:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(opened.write(slow))
            assert await asyncio.to_thread(started.wait, 5)
            writing.cancel()
            await asyncio.sleep(0)
            go_on.set()
        assert writing.cancelled()
        assert await opened.read(count) == 1, "it happened, as a whole"
        await opened.write(lambda connection: insert(connection, 2))
        assert await opened.read(count) == 2


async def test_another_process_is_waited_for(path):
    async with open_database(path) as opened:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(opened.write(insert))
                await asyncio.sleep(0.1)
                assert not writing.done()
                other.execute("COMMIT")
        assert await opened.read(count) == 1


async def test_another_process_that_stays_is_an_error(path, monkeypatch):
    pragmas = ("PRAGMA busy_timeout = 50", *database.PRAGMAS[1:])
    monkeypatch.setattr(database, "PRAGMAS", pragmas)
    async with open_database(path) as opened:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(InfrastructureError, match="in use"):
                await opened.write(insert)
            assert await opened.read(count) == 0, "reading goes on"
        await opened.write(insert)


async def test_a_disk_that_does_not_answer_is_an_error(path, monkeypatch):
    go_on = threading.Event()
    async with open_database(path) as opened:
        monkeypatch.setattr(database, "ANSWER_TIMEOUT_S", 0.05)
        with pytest.raises(InfrastructureError, match="no answer"):
            await opened.write(lambda connection: go_on.wait(5))
        go_on.set()
        monkeypatch.undo()
        await opened.write(insert)


async def test_a_full_disk_is_told_and_survived(path):
    async with open_database(path) as opened:
        used = await opened.read(
            lambda connection: connection.execute("PRAGMA page_count").fetchone()[0]
        )
        await opened.read(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {used + 2}").fetchone()
        )
        with pytest.raises(DiskFullError):
            await opened.write(
                lambda connection: connection.execute(
                    "CREATE TABLE big AS SELECT zeroblob(100000) AS zeros"
                )
            )
        await opened.write(insert)
        assert await opened.read(count) == 1
