"""What is small on the line and huge in memory ends in one sentence, or is passed over."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest
import pytest_asyncio

from tests import video_site
from tests.integration.trouble import Troubled, troubled
from userbot import errors

MIB = 1024 * 1024
USUAL_BYTES = 350 * MIB  # an ordinary page takes 120
PERIOD_S = 0.02
CODINGS = ("gzip", "gzip_twice", "deflate", "br", "zstd")

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def bot(tmp_path_factory, request):
    cache = request.config.cache.mkdir("video_site")
    root = tmp_path_factory.mktemp("bombs")
    times = {"extract_deadline_s": 60.0, "download_deadline_s": 60.0, "stall_s": 30.0}
    async with video_site.running(cache) as site, troubled(site, root, **times) as bot:
        yield bot


@dataclass
class Peak:
    size_bytes: int = 0


@asynccontextmanager
async def peak_of(bot: Troubled) -> AsyncIterator[Peak]:
    """Watch how much the largest process of the pool's calls takes during the block."""
    peak = Peak()

    async def watch() -> None:
        while True:
            for child in psutil.Process(bot.pool.fork_server_pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it may just have ended
                    peak.size_bytes = max(peak.size_bytes, child.memory_info().rss)
            await asyncio.sleep(PERIOD_S)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch())
        try:
            yield peak
        finally:
            task.cancel()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("bomb_png", "A picture"),
        ("bomb_jpeg", "A picture"),
        ("thumbnail_huge", "Harbour at dawn"),
        ("bomb_json", "Deep"),
        ("bomb_title", "x" * 300),
    ],
)
async def test_the_film_is_delivered_without_what_explodes(bot, name, title):
    async with peak_of(bot) as peak:
        made = await bot.get(name)
    assert made.title == title
    assert made.thumbnail is not None
    assert peak.size_bytes < USUAL_BYTES


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bomb_entities", errors.NoVideoError),
        ("bomb_feed", errors.NoVideoError),
        ("bomb_gallery", errors.PlaylistError),
        ("bomb_segments", errors.TooHeavyError),
        ("bomb_timeline", errors.TooHeavyError),
        ("huge_page", errors.NoVideoError),
        *((f"{coding}_bomb", errors.NoVideoError) for coding in CODINGS),
        ("endless_page", errors.NoVideoError),
    ],
)
async def test_it_ends_in_one_sentence(bot, name, kind):
    async with peak_of(bot) as peak:
        with pytest.raises(kind):
            await bot.get(name)
    assert peak.size_bytes < 2 * USUAL_BYTES


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd"])
async def test_curl_which_unpacks_ahead_is_not_let_far_ahead(bot, coding):
    """Some extractors ask as a browser does; curl unpacks on a thread that waits for nobody."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.page_reader", bot.site.url_of(f"{coding}_bomb")),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    result, peak_bytes = said.decode().split()
    assert result == "ExtractorError"
    assert int(peak_bytes) < USUAL_BYTES
