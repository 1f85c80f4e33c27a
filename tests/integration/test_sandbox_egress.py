"""Walls and proxy together: every client gets out through the proxy, and none past it."""

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests import video_site
from tests.integration.egress_helpers import Canary, canary
from tests.integration.pool_helpers import Caller, settings
from tests.video_site import VideoSite
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings
from userbot.pool import ProcessPool
from userbot.worker import landlock

CALLS = "tests.integration.hostile_calls"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(landlock.abi() < landlock.ABI_PORTS, reason="this kernel knows no ports"),
]

CLIENTS = {
    "urllib": """
import urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
result = opener.open(url, timeout=10).status
""",
    "requests": """
import requests
result = requests.get(url, proxies={"http": proxy} if proxy else {}, timeout=10).status_code
""",
    "curl_cffi": """
from curl_cffi import requests
result = requests.get(url, proxy=proxy, impersonate="chrome", timeout=10).status_code
""",
    "ffmpeg": """
import subprocess
way = ["-http_proxy", proxy] if proxy else []
done = subprocess.run(["ffmpeg", "-v", "error", *way, "-i", url, "-c", "copy", "-y", "o.mp4"],
                      capture_output=True)
result = 200 if done.returncode == 0 else done.stderr[-300:]
""",
    "curl, the program": """
import shutil, subprocess
way = ["--proxy", proxy] if proxy else []
command = ["curl", "-sS", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", *way, url]
result = int(subprocess.check_output(command)) if shutil.which("curl") else (200 if proxy else 0)
""",
}


@dataclass
class Place:
    caller: Caller
    site: VideoSite
    bird: Canary

    async def ask(self, client, url, proxy):
        code = f"url = {url!r}\nproxy = {proxy}\n{CLIENTS[client]}"
        return (await self.caller.extract(code)).info_json


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory, request):
    root: Path = tmp_path_factory.mktemp("walls")
    cache = request.config.cache.mkdir("video_site")
    wanted = settings(root / "tools", entry=f"{CALLS}:run", warm=f"{CALLS}:warm")
    async with video_site.running(cache) as site, canary() as bird:
        allow = AllowList.parse([site.url.removeprefix("http://")])
        async with (
            Egress.open(EgressSettings(allow=allow)) as egress,
            ProcessPool.open(wanted, egress.passage) as pool,
        ):
            yield Place(Caller(pool, root), site, bird)


@pytest.mark.parametrize("client", CLIENTS)
async def test_every_client_gets_out_through_the_proxy(place, client):
    assert await place.ask(client, place.site.url_of("progressive"), "call.proxy") == "200"


@pytest.mark.parametrize("client", CLIENTS)
async def test_no_client_gets_past_it(place, client):
    said = await place.ask(client, place.bird.url, "None")
    assert not place.bird.hits
    assert said != "200"


async def test_the_word_of_a_call_is_worth_nothing_after_it(place):
    proxy = ast.literal_eval((await place.caller.extract("result = call.proxy")).info_json)
    url = place.site.url_of("progressive")
    old = proxy.partition("@")[0] + "@"
    code = f"repr({old!r} + call.proxy.partition('@')[2])[1:-1]"
    said = await place.ask("requests", url, code)
    assert said != "200"
    assert await place.ask("requests", url, "call.proxy") == "200"
