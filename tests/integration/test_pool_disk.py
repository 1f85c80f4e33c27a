"""A full disk, wherever it shows, ends one call with one error."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import video_site
from tests.integration.trouble import MIB, Troubled, troubled
from tests.small_disk import mounted
from tests.video_site import VideoSite
from userbot import errors
from userbot.domain.media import MediaKind

pytestmark = pytest.mark.asyncio(loop_scope="module")

DISK_BYTES = 12 * MIB


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site(request: pytest.FixtureRequest) -> AsyncIterator[VideoSite]:
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bot(site: VideoSite, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Troubled]:
    patience = {"stall_s": 20.0, "extract_deadline_s": 50.0, "download_deadline_s": 50.0}
    root = tmp_path_factory.mktemp("disk")
    async with troubled(site, root, limit_bytes=100 * MIB, **patience) as bot:
        yield bot


async def test_a_file_that_cannot_be_written(bot, tmp_path):
    (tmp_path / "stream-1.bin.part").symlink_to("/dev/full")
    assert isinstance(await bot.end_of("medium", folder=tmp_path), errors.DiskFullError)


async def test_a_segment_that_cannot_be_written(bot, tmp_path):
    (tmp_path / "stream-1.bin.part-Frag1").symlink_to("/dev/full")
    assert isinstance(await bot.end_of("hls_muxed", folder=tmp_path), errors.DiskFullError)


@pytest.mark.parametrize(
    ("name", "kind", "output"),
    [
        ("dash", MediaKind.VIDEO, "media.mp4"),
        ("moov_at_end", MediaKind.VIDEO, "media.mp4"),
        ("webm", MediaKind.VIDEO, "media.mp4"),
        ("webm", MediaKind.AUDIO, "media.m4a"),
        ("mp3", MediaKind.AUDIO, "media.mp3"),
    ],
)
async def test_an_ffmpeg_that_cannot_write(bot, tmp_path, name, kind, output):
    (tmp_path / output).symlink_to("/dev/full")
    error = await bot.end_of(name, kind=kind, folder=tmp_path)
    assert isinstance(error, errors.DiskFullError)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", DISK_BYTES) as disk:
        yield disk


@pytest.mark.parametrize("name", ["medium", "dash", "hls", "big", "repeating"])
async def test_a_small_disk_ends_the_call_that_fills_it(bot, small_disk, name):
    """The merge of DASH and HLS needs twice the 8 MB of its streams."""
    error = await bot.end_of(name, folder=small_disk)
    assert isinstance(error, errors.DiskFullError)


async def test_what_fits_a_small_disk_is_made_on_it(bot, small_disk):
    made = await bot.get("moov_at_end", folder=small_disk)
    assert made.is_streamable


async def test_a_disk_that_another_fills_during_a_download(bot, small_disk):
    def fill(_progress):
        # What a write could not place is tried again when the file is closed: both may raise.
        with pytest.raises(OSError), (small_disk / "other").open("ab") as file:
            file.write(os.urandom(DISK_BYTES + MIB))

    error = await bot.end_of("dash", folder=small_disk, on_progress=fill, rate=2_000_000)
    assert isinstance(error, errors.DiskFullError)


@pytest.mark.parametrize("name", ["medium", "repeating"])
async def test_a_share_of_the_disk_that_is_used_up_ends_the_call(bot, name):
    error = await bot.end_of(name, cap_bytes=10 * MIB, rate=20_000_000)
    assert isinstance(error, errors.DiskFullError)


async def test_a_share_that_is_enough_is_not_noticed(bot):
    made = await bot.get("dash", cap_bytes=20 * MIB)
    assert made.size_bytes > 8 * 1_000_000
