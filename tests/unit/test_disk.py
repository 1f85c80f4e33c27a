"""Who may begin when the disk has little room."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from userbot.domain.jobs import JobId
from userbot.errors import DiskFullError, TooLargeForDiskError
from userbot.services.disk import RESERVE_BYTES, Disk, NoRoomYetError

MB = 1_000_000
A, B, C = JobId("a"), JobId("b"), JobId("c")


@dataclass
class Usage:
    total: int
    free: int


@pytest.fixture
def usage():
    return Usage(total=1000 * MB, free=500 * MB)


@pytest.fixture
def disk(tmp_path, usage):
    return Disk(tmp_path, 100 * MB, lambda _folder: usage)


def fill(tmp_path, usage, job, size):
    (tmp_path / job).mkdir(exist_ok=True)
    (tmp_path / job / "file").write_bytes(b"x" * size)
    usage.free -= size


async def test_a_job_begins_when_it_fits_beside_what_the_others_may_still_take(disk):
    assert await disk.reserve(A, 300 * MB) == 400 * MB
    with pytest.raises(NoRoomYetError):
        await disk.reserve(B, 101 * MB)
    assert await disk.reserve(C, 100 * MB) == 100 * MB
    disk.release(A)
    assert await disk.reserve(B, 101 * MB) == 300 * MB
    disk.release(JobId("never held"))


async def test_what_a_job_has_written_is_not_counted_twice(disk, usage, tmp_path):
    await disk.reserve(A, 300 * MB)
    fill(tmp_path, usage, "a", 2 * MB)
    assert await disk.reserve(B, 100 * MB) == pytest.approx(100 * MB, abs=8192)
    assert await disk.reserve(A, 300 * MB) == pytest.approx(300 * MB, abs=8192), "asked again"


async def test_a_job_that_never_fits_is_told_at_once(disk, usage, tmp_path):
    fill(tmp_path, usage, "waits for its upload", 2 * MB)
    with pytest.raises(TooLargeForDiskError) as raised:
        await disk.reserve(B, 401 * MB)
    assert raised.value.need_bytes == 401 * MB
    assert raised.value.room_bytes == pytest.approx(400 * MB, abs=8192)
    with pytest.raises(NoRoomYetError):
        await disk.reserve(B, 399 * MB)


async def test_a_full_disk_has_no_room_rather_than_less_than_none(disk, usage):
    usage.free = 0
    with pytest.raises(TooLargeForDiskError) as raised:
        await disk.reserve(A, 1)
    assert raised.value.room_bytes == 0


async def test_of_what_nobody_knows_the_size_a_small_disk_gives_all_it_has(disk, usage, tmp_path):
    assert await disk.reserve(A, 700 * MB, is_guess=True) == 400 * MB
    with pytest.raises(NoRoomYetError):
        await disk.reserve(B, 700 * MB, is_guess=True)
    disk.release(A)
    usage.free = 0
    with pytest.raises(TooLargeForDiskError):
        await disk.reserve(B, 700 * MB, is_guess=True)


@pytest.mark.parametrize(
    ("total", "kept"), [(200 * MB, 10 * MB), (10**12, RESERVE_BYTES)], ids=["small", "large"]
)
async def test_without_a_setting_a_share_of_the_disk_stays_free(tmp_path, total, kept):
    disk = Disk(tmp_path, None, lambda _folder: Usage(total, total))
    assert await disk.reserve(A, 1) == total - kept


@asynccontextmanager
async def serving(disk):
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(disk.serve())
        yield tasks
        watch.cancel()


async def downloads(disk, job, need, begun):
    """Hold room and go on for ever, as a download of unknown size; return how that ended."""
    await disk.reserve(job, need)
    try:
        async with disk.watched(job):
            await begun.wait()
            await asyncio.Event().wait()
    except DiskFullError:
        return "full"
    finally:
        disk.release(job)


async def end_of(download):
    async with asyncio.timeout(30):
        return await download


async def test_of_two_that_fill_the_disk_who_took_most_beyond_what_was_held_is_ended(
    disk, usage, tmp_path
):
    begun = asyncio.Barrier(4)
    async with serving(disk) as tasks:
        first, second, third = [
            tasks.create_task(downloads(disk, job, need, begun))
            for job, need in ((A, 1 * MB), (B, 1 * MB), (C, 300 * MB))
        ]
        await begun.wait()
        fill(tmp_path, usage, "a", 3 * MB)
        fill(tmp_path, usage, "b", 2 * MB)
        fill(tmp_path, usage, "c", 9 * MB)
        usage.free = 99 * MB
        assert await end_of(first) == "full"
        assert not second.done()
        assert not third.done(), "it is the largest, within what was held for it"
        (tmp_path / "a" / "file").unlink()
        assert await end_of(second) == "full", "there is still too little"
        third.cancel()


async def test_nobody_is_ended_for_a_disk_that_somebody_else_fills(disk, usage, tmp_path):
    begun = asyncio.Barrier(3)
    async with serving(disk) as tasks:
        download = tasks.create_task(downloads(disk, A, 5 * MB, begun))
        other = tasks.create_task(downloads(disk, B, 1 * MB, begun))
        await begun.wait()
        fill(tmp_path, usage, "a", 3 * MB)
        fill(tmp_path, usage, "b", 2 * MB)
        usage.free = 0
        assert await end_of(other) == "full"
        (tmp_path / "b" / "file").unlink()
        assert not download.done()
        download.cancel()


async def test_a_deadline_within_a_watched_block_is_not_the_disks(disk):
    with pytest.raises(TimeoutError):
        async with disk.watched(A), asyncio.timeout(0):
            await asyncio.sleep(10)


async def test_a_disk_that_cannot_be_asked_for_a_moment_is_watched_on(tmp_path, usage, caplog):
    answers = iter([usage, OSError("stale file handle")])

    def ask(_folder):
        answer = next(answers, usage)
        if isinstance(answer, OSError):
            raise answer
        return answer

    disk, begun = Disk(tmp_path, 100 * MB, ask), asyncio.Barrier(2)
    async with serving(disk) as tasks:
        download = tasks.create_task(downloads(disk, A, 1 * MB, begun))
        await begun.wait()
        fill(tmp_path, usage, "a", 2 * MB)
        usage.free = 0
        assert await end_of(download) == "full"
    assert "stale file handle" in caplog.text
