"""The session file on a disk that is full, or in the hands of another process."""

import asyncio
import contextlib
import sqlite3

import pytest
import pytest_asyncio
from pyrogram.storage import UpdateState

from tests.small_disk import mounted
from userbot.telegram.position import Position

DISK_BYTES = 1024 * 1024
ANN, BOB = 101, 102
MANY = range(1000, 4000)  # more people than a page of the file has room for


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", DISK_BYTES) as disk:
        yield disk


@pytest_asyncio.fixture
async def position(tmp_path):
    async with opened(tmp_path) as position:
        yield position


@contextlib.asynccontextmanager
async def opened(folder):
    position = Position("bot", folder)
    await position.open()
    try:
        yield position
    finally:
        await position.close()


@contextlib.contextmanager
def locked(folder):
    """Another process writes for the length of the block."""
    with contextlib.closing(sqlite3.connect(folder / "bot.session")) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def full(disk):
    """No byte is free for the length of the block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
    yield
    filler.unlink()


async def came(position, pts, *people):
    """An update arrives as Pyrogram does it: who is in it, its position, itself."""
    async with position.updates.arriving():
        await position.update_peers([(person, 7 * person, "user", None) for person in people])
        await position.update_usernames([(person, ["name"]) for person in people])
        await position.set_update_state(UpdateState(0, pts, None, None, None))
        position.updates.put_nowait(pts)


async def handled(position, count):
    """One of Pyrogram's workers takes so many updates, and asks for the next; return them."""
    async with asyncio.TaskGroup() as tasks:
        position.updates.put_nowait(None)
        taken = tasks.create_task(_all_of(position.updates))
    assert len(taken.result()) == count
    return taken.result()


async def _all_of(updates):
    items = []
    while (item := await updates.get()) is not None:
        items.append(item)
    return items


async def in_file(folder):
    """The position and the hash of BOB that the next start finds."""
    async with opened(folder) as position:
        states = await position.get_update_states(0)
        try:
            known = (await position.get_peer_by_id(BOB)).access_hash
        except KeyError:
            known = None
        return states[0].pts if states else None, known


def refusals(caplog):
    return [record for record in caplog.records if "cannot be written" in record.message]


async def test_a_locked_file_costs_no_update_and_is_written_when_it_is_free(
    position, tmp_path, caplog
):
    await came(position, 1, ANN)
    assert await handled(position, 1) == [1]
    with locked(tmp_path):
        for pts in (2, 3, 4):
            await came(position, pts, BOB)
            assert await handled(position, 1) == [pts]
        assert (await position.get_peer_by_id(BOB)).access_hash == 7 * BOB
        assert [state.pts for state in await position.get_update_states(0)] == [4]
    assert len(refusals(caplog)) == 1, "it is told once"
    assert await in_file(tmp_path) == (1, None)
    await came(position, 5)
    assert await handled(position, 1) == [5]
    assert await in_file(tmp_path) == (5, 7 * BOB)


async def test_a_full_disk_costs_no_update_and_the_position_is_written_later(small_disk, caplog):
    async with opened(small_disk) as position:
        await came(position, 1, ANN)
        assert await handled(position, 1) == [1]
        with full(small_disk):
            for pts in (2, 3, 4):
                await came(position, pts, BOB, *MANY)
                assert await handled(position, 1) == [pts]
            assert (await position.get_peer_by_id(BOB)).access_hash == 7 * BOB
        assert len(refusals(caplog)) == 1, "it is told once"
        await came(position, 5)
        assert await handled(position, 1) == [5]
    assert await in_file(small_disk) == (5, 7 * BOB)


async def test_a_file_that_nobody_may_read_costs_a_question_alone(position, tmp_path):
    await came(position, 1, BOB)
    assert await handled(position, 1) == [1]
    position.conn.close()
    with pytest.raises(KeyError):
        await position.get_peer_by_id(BOB)


async def test_positions_are_joined_and_forgotten_as_in_the_file(position, tmp_path):
    await position.set_update_state(
        [UpdateState(0, 5, 1, 10, 2), UpdateState(-100, 3, None, 4, None)]
    )
    await position.set_update_state(UpdateState(0, None, None, 11, None))
    expected = [UpdateState(-100, 3, None, 4, None), UpdateState(0, 5, 1, 11, 2)]
    assert await position.get_update_states() == expected, "the oldest first"
    await position.save()
    await position.delete_update_state(0)
    await position.set_update_state(UpdateState(0, 6, None, None, None))
    await position.delete_update_state([-100])
    await position.save()
    async with opened(tmp_path) as again:
        assert await again.get_update_states() == [UpdateState(0, 6, None, None, None)]


async def test_a_file_that_is_set_aside_is_kept_once_and_the_next_one_is_empty(tmp_path):
    position = Position("bot", tmp_path)
    for pts in (1, 2):
        await position.open()
        await position.set_update_state(UpdateState(0, pts, None, None, None))
        await position.save()
        position.set_aside()
    await position.open()
    assert await position.get_update_states() == []
    await position.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bot.session", "bot.session.ended"]
