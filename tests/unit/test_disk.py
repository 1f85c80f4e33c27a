"""Who may begin when the disk has little room."""

from dataclasses import dataclass

import pytest

from userbot.domain.jobs import JobId
from userbot.errors import TooLargeForDiskError
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


@pytest.mark.parametrize(
    ("total", "kept"), [(200 * MB, 10 * MB), (10**12, RESERVE_BYTES)], ids=["small", "large"]
)
async def test_without_a_setting_a_share_of_the_disk_stays_free(tmp_path, total, kept):
    disk = Disk(tmp_path, None, lambda _folder: Usage(total, total))
    assert await disk.reserve(A, 1) == total - kept
