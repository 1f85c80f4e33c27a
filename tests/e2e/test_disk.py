"""A disk with little room: jobs wait for each other, or say that they are too large for it."""

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.e2e import stage as stages
from tests.small_disk import mounted

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

MB = 1_000_000


@pytest.fixture
def home():
    """A folder on a disk that nothing else fills meanwhile, where this machine has one."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 300 * MB
    with tempfile.TemporaryDirectory(dir=memory if has_room else None) as folder:
        yield Path(folder)


def keeping(room_bytes, home):
    """The setting that leaves this much room on the disk of home."""
    home.mkdir(parents=True)
    return max((shutil.disk_usage(home).free - room_bytes) // MB, 0)


async def test_a_job_waits_until_another_gives_back_the_room_it_holds(site, home):
    reserve = keeping(110 * MB, home / "bot")  # one of two that need 62 MB each
    async with stages.alone(site, home, DISK_RESERVE_MB=reserve) as stage:
        first = await stage.send_link("stalled", n=1, hold="room")
        await stage.pick(first, "MB")
        await stage.status(first, "of 31 MB")
        second = await stage.send_link("medium", n=2)
        await stage.pick(second, "MB")
        waiting = await stage.status(second, "disk space")
        assert waiting.button("Cancel")
        await stage.cancel(first)
        file = await stage.file(second)
        assert file.media
        assert file.media.size == site.file_of("medium").stat().st_size


async def test_a_job_that_waits_for_room_can_be_cancelled(site, home):
    reserve = keeping(110 * MB, home / "bot")
    async with stages.alone(site, home, DISK_RESERVE_MB=reserve) as stage:
        first = await stage.send_link("stalled", n=3, hold="room")
        await stage.pick(first, "MB")
        await stage.status(first, "of 31 MB")
        second = await stage.send_link("medium", n=4)
        await stage.pick(second, "MB")
        await stage.status(second, "disk space")
        await stage.cancel(second)
        await stage.status(second, "Cancelled")
        await stage.cancel(first)
        await stages.until(lambda: not stage.jobs, "no folder is left")


async def test_a_video_that_never_fits_says_so_at_once_and_smaller_ones_go_on(site, home):
    reserve = keeping(40 * MB, home / "bot")
    async with stages.alone(site, home, DISK_RESERVE_MB=reserve) as stage:
        to = await stage.send_link("medium", n=5)
        await stage.pick(to, "MB")
        failed = await stage.status(to, "disk")
        assert [button.text for row in failed.buttons for button in row] == [
            "Other quality",
            "Audio only",
        ]
        await stages.until(lambda: not stage.jobs, "no folder is left")
        await stage.deliver("progressive", "MB", n=6)


def grow(stage, status, size_bytes):
    """Let the files of a job take so much more room, as a download that nobody knew the size of."""
    folder = stage.home / "data/jobs" / stages.job_of(status)
    with (folder / "more").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    return folder


async def test_of_two_that_fill_the_disk_together_one_is_ended(site, home):
    reserve = keeping(280 * MB, home / "bot")
    async with stages.alone(site, home, DISK_RESERVE_MB=reserve) as stage:
        links = [await stage.send_link("stalled", n=f"beyond-{n}", hold="beyond") for n in (1, 2)]
        statuses = []
        for to in links:  # both are let in before one of them takes more than it asked for
            await stage.pick(to, "MB")
            statuses.append(await stage.status(to, "of 31 MB"))
        sizes = (190 * MB, 130 * MB)  # each within its own bounds
        folders = [grow(stage, *grown) for grown in zip(statuses, sizes, strict=True)]
        larger, smaller = links
        assert "disk" in (await stage.status(larger, "full")).text
        await stages.until(lambda: stage.jobs == folders[1:], "its files are gone", timeout_s=30)
        assert "bytes too many" in stage.log()
        await site.release("beyond")
        await stage.file(smaller)


async def test_on_a_disk_of_200_mb_all_that_fits_is_delivered(site, tmp_path):
    with mounted(tmp_path / "bot/data", 200 * MB):
        async with stages.alone(site, tmp_path) as stage:
            ann, bob = (dataclasses.replace(stage, user=user) for user in stages.FRIENDS[:2])
            large = await ann.send_link("big", size=300)
            await ann.pick(large, "MB")
            assert "disk" in (await ann.status(large, "needs about")).text
            together = []
            for someone in (ann, bob):  # nobody knows their size: each may take all there is
                together.append(await someone.send_link("medium", no_length=1, n=someone.user))
                await someone.pick(together[-1], "Video")
            for someone, to in zip((ann, bob), together, strict=True):
                file = await someone.file(to)
                assert file.media
                assert file.media.size == site.file_of("medium").stat().st_size
            await stages.until(lambda: not stage.jobs, "no folder is left")
            assert not stage.workers()
