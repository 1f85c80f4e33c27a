"""Workers behind the proxy: what strangers write into pages and films leads nowhere.

The canary listens on the same loopback address as the sites, on a port that nobody opened.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from curl_cffi import requests as curl

from tests import video_site
from tests.integration.egress_helpers import Canary, canary
from tests.integration.hostile_site import Hostile, hostile_site
from tests.video_site import VideoSite
from userbot.domain.choices import choices_for
from userbot.domain.jobs import Progress
from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, MediaFile
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings
from userbot.errors import (
    LinkRefusedError,
    SourceError,
    TooLargeError,
    UserbotError,
    WorkerDiedError,
)
from userbot.pool import PoolSettings, ProcessPool

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRAFFIC_BYTES = 100_000_000
REFUSED_AT_ONCE = ("redirect", "redirect-https", "redirect-page", "feed.xml")
REFUSED_LATER = (
    *("video-tag", "opengraph", "master.m3u8", "segments.m3u8", "key.m3u8", "map.m3u8"),
    *("segments.mpd", "base.mpd", "ffmpeg-map.m3u8", "ffmpeg-segments.m3u8"),
)


@dataclass
class World:
    """A pool whose workers may reach two sites, and a canary that they may not."""

    egress: Egress
    pool: ProcessPool
    site: VideoSite
    hostile: Hostile
    bird: Canary
    root: Path
    number: int = 0

    def folder(self) -> Path:
        self.number += 1
        folder = self.root / str(self.number)
        folder.mkdir()
        return folder

    async def extract(self, url: str) -> Extraction:
        return await self.pool.extract(url, self.folder())

    async def fetch(self, found: Extraction) -> MediaFile:
        choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]
        return await self.pool.download(found, choice, self.folder(), lambda progress: None)

    async def get(self, url: str) -> MediaFile:
        return await self.fetch(await self.extract(url))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(request, tmp_path_factory) -> AsyncIterator[World]:
    root = tmp_path_factory.mktemp("egress")
    cache = request.config.cache.mkdir("video_site")
    async with (
        video_site.running(cache) as site,
        canary() as bird,
        hostile_site(bird.url, site) as hostile,
    ):
        places = [site.url.removeprefix("http://"), f"127.0.0.1:{hostile.port}"]
        async with (
            Egress.open(EgressSettings(AllowList.parse(places))) as egress,
            ProcessPool.open(PoolSettings(tools_dir=root / "tools"), egress.passage) as pool,
        ):
            yield World(egress, pool, site, hostile, bird, root)


@pytest.fixture
def world(running: World) -> World:
    running.bird.hits.clear()
    return running


@pytest.mark.parametrize("name", ["page", "hls", "hls_encrypted", "dash", "redirect"])
async def test_a_legal_film_comes_through(world, name):
    file = await world.get(world.site.url_of(name))
    assert file.size_bytes > 10_000
    assert file.thumbnail is not None


@pytest.mark.parametrize("name", REFUSED_AT_ONCE)
async def test_a_page_that_leads_into_the_private_network_is_refused_as_that(world, name):
    with pytest.raises(LinkRefusedError) as caught:
        await world.extract(world.hostile.url_of(name))
    assert caught.value.problem == "private"
    assert world.bird.hits == []


@pytest.mark.parametrize("name", REFUSED_LATER)
async def test_a_film_with_parts_in_the_private_network_is_refused_as_that(world, name):
    with pytest.raises(LinkRefusedError) as caught:
        await world.get(world.hostile.url_of(name))
    assert caught.value.problem == "private"
    assert world.bird.hits == []


async def test_a_picture_in_the_private_network_is_left_out_and_the_film_comes(world):
    file = await world.get(world.hostile.url_of("extras"))
    assert file.size_bytes > 10_000
    assert world.bird.hits == []


async def test_a_film_above_the_traffic_of_a_call_is_too_large(world):
    small = PoolSettings(tools_dir=world.root / "tools", limit_bytes=1_000_000)
    async with ProcessPool.open(small, _thrifty(world.egress)) as pool:
        found = await world.extract(world.site.url_of("endless_segment"))
        choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]
        with pytest.raises(TooLargeError) as caught:
            await pool.download(found, choice, world.folder(), lambda progress: None)
    assert caught.value.limit_bytes == 1_000_000


def _thrifty(egress: Egress):
    return lambda _cap_bytes, limit_bytes: egress.passage(500_000, limit_bytes)


async def test_a_proxy_that_dies_ends_its_calls_as_something_that_may_pass(world):
    found = await world.extract(world.site.url_of("slow"))
    choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]

    def kill(_progress: Progress) -> None:
        if world.egress.pid is not None:
            os.kill(world.egress.pid, signal.SIGKILL)

    with pytest.raises(WorkerDiedError, match="proxy"):
        await world.pool.download(found, choice, world.folder(), kill)
    file = await world.get(world.site.url_of("progressive"))
    assert file.size_bytes > 10_000


async def test_curl_goes_where_it_may_and_nowhere_else(world):
    async with world.egress.passage(TRAFFIC_BYTES, 1) as passage:
        page = await asyncio.to_thread(
            curl.get, world.site.url_of("page"), proxy=passage.url, impersonate="chrome"
        )
        assert page.status_code == 200
        answer = await asyncio.to_thread(
            curl.get, f"{world.bird.url}/", proxy=passage.url, impersonate="chrome"
        )
        assert answer.status_code == 403
        with pytest.raises(curl.RequestsError, match="403"):
            await asyncio.to_thread(
                curl.get, f"https://127.0.0.1:{world.bird.port}/", proxy=passage.url
            )
    assert world.bird.hits == []


@pytest.mark.parametrize("allowed", [True, False])
async def test_ffmpeg_and_deno_take_the_same_way(world, allowed):
    target = world.site.url_of("progressive") if allowed else f"{world.bird.url}/film.mp4"
    tools = world.root / "tools"
    deno = Path(sys.executable).with_name("deno")
    script = f"const got = await fetch('{target}'); Deno.exit(got.status === 200 ? 0 : 1)"
    async with world.egress.passage(TRAFFIC_BYTES, 1) as passage:
        env = {"http_proxy": passage.url, "HTTP_PROXY": passage.url, "HOME": str(world.folder())}
        ffmpeg = ("-v", "error", "-i", target, "-t", "1", "-f", "null", "-")
        assert (await _run(tools / "ffmpeg", *ffmpeg, env=env) == 0) is allowed
        assert (await _run(deno, "eval", script, env=env) == 0) is allowed
    assert world.bird.hits == []


async def _run(program: str | Path, *arguments: str, env: dict[str, str]) -> int:
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program, *arguments, env=env, stdin=nowhere, stdout=nowhere, stderr=nowhere
    )
    async with asyncio.timeout(60):
        return await process.wait()


async def test_the_word_of_a_call_is_in_no_error(world):
    seen: list[str] = []
    for name in ("no_video", "forbidden", "empty"):
        with pytest.raises(UserbotError) as caught:
            await world.get(world.site.url_of(name))
        assert isinstance(caught.value, SourceError)
        seen.append(caught.value.detail)
    assert not [detail for detail in seen if "127.0.0.1:" in detail and "@" in detail]
