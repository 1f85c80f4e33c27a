"""Every way to write a private place, asked of the proxy itself: by a page, past the link check."""

import asyncio
import socket
from ipaddress import ip_address

import pytest
import pytest_asyncio
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import RequestError
from yt_dlp.networking.impersonate import ImpersonateTarget

from tests.integration.egress_helpers import canary, connect, get, serving, socks, status
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings
from userbot.worker.options import VendorLog, open_downloader

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
RESOLVE = f"{__name__}:names"
NOBODY = f"{__name__}:nobody"
FORMS = (
    *("127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1"),
    *("017700000001", "00000177.1", "127.0.0.1.", "127.127.127.127", "0", "0.0.0.0", "localhost"),
    *("LOCALHOST.", "sub.localhost", "localhost.localdomain", "[::]", "[::1]", "[::127.0.0.1]"),
    *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"),
    *("[2002:7f00:1::]", "[fe80::1]", "private.example", "both.example"),
)
ODD_FORMS = (
    *("user@127.0.0.1", "user:pass@127.0.0.1", "[fe80::1%25lo]", "127.0.0.1\\@e.com"),
    "\uff11\uff12\uff17.0.0.1",
)


async def names(host, port):
    """What the names of these tests stand for, in the proxy's process."""
    known = {
        "private.example": ["127.0.0.1"],
        "both.example": ["8.8.8.8", "127.0.0.1"],
        "public.example": ["127.0.0.9"],
        "far.example": ["8.8.8.8"],
    }
    return [ip_address(text) for text in known.get(host, ["127.0.0.1"])]


async def nobody(host, port):
    """Know no name."""
    return []


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def egress():
    settings = EgressSettings(AllowList.parse(["127.0.0.9"]), resolve=f"{__name__}:names")
    async with Egress.open(settings) as egress:
        yield egress


@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_a_private_place_gets_through(egress, form):
    async with canary() as bird, egress.passage(MIB, MIB) as passage:
        plain = await get(passage.url, f"http://{form}:{bird.port}/")
        assert status(plain) == "HTTP/1.1 403 Leads to a private address"
        said, _, writer = await connect(passage.url, f"{form}:{bird.port}")
        writer.close()
        assert said == b"HTTP/1.1 403 Leads to a private address"
        assert bird.hits == []


@pytest.mark.parametrize("form", ODD_FORMS)
async def test_no_form_that_is_no_place_gets_through(egress, form):
    async with canary() as bird, egress.passage(MIB, MIB) as passage:
        target = form.encode().decode("latin-1")
        assert status(await get(passage.url, f"http://{target}:{bird.port}/"))[9:12] == "400"
        assert bird.hits == []


@pytest.mark.parametrize("is_browser", [False, True], ids=["requests", "curl"])
async def test_no_form_gets_through_that_a_worker_reads_in_its_own_way(
    egress, is_browser, tmp_path
):
    """yt-dlp and its two ways out rewrite addresses before the proxy sees them."""
    extensions = {"impersonate": ImpersonateTarget("chrome")} if is_browser else {}

    def read_all(port: int, proxy: str) -> None:
        with open_downloader(tmp_path, proxy, VendorLog()) as downloader:
            for form in FORMS + ODD_FORMS:
                for scheme in ("http", "https"):
                    url = f"{scheme}://{form}:{port}/"
                    with pytest.raises(RequestError):
                        downloader.urlopen(Request(url, extensions=extensions))

    async with canary("0.0.0.0") as bird, egress.passage(MIB, MIB) as passage:
        await asyncio.to_thread(read_all, bird.port, passage.url)
        assert bird.hits == []


async def test_a_place_that_may_be_reached_is_reached(egress):
    async with canary("127.0.0.9") as bird, egress.passage(MIB, MIB) as passage:
        assert b"200 OK" in await get(passage.url, f"http://public.example:{bird.port}/")
        assert len(bird.hits) == 1


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_gets_names_only_where_it_is_to_look_them_up(scheme):
    asked: list[bytes] = []
    async with canary() as bird, serving(socks(asked, bird.port)) as port:
        url = f"{scheme}://user:pass@127.0.0.1:{port}"
        settings = EgressSettings(upstream=url, resolve=RESOLVE)
        async with Egress.open(settings) as egress, egress.passage(MIB, MIB) as passage:
            assert b"200 OK" in await get(passage.url, "http://far.example/film")
            said, _, writer = await connect(passage.url, "far.example:443")
            writer.close()
            assert b" 200 " in said
            for host in ("10.0.0.1", "private.example", "both.example"):
                refused = await get(passage.url, f"http://{host}/film")
                assert status(refused) == "HTTP/1.1 403 Leads to a private address"
    assert asked == [b"far.example" if scheme == "socks5h" else socket.inet_aton("8.8.8.8")] * 2
    assert bird.hits[0].startswith(b"GET /film HTTP/1.1\r\nHost: far.example\r\n")


@pytest.mark.parametrize(("scheme", "hits"), [("http", 0), ("httph", 1)])
async def test_a_name_that_nobody_here_knows_is_for_a_proxy_that_may_look_it_up(scheme, hits):
    inner = EgressSettings(AllowList.parse(["127.0.0.1"]), resolve=RESOLVE)
    async with canary() as bird, Egress.open(inner) as far, far.passage(MIB, MIB) as there:
        url = there.url.replace("http", scheme, 1)
        outer = EgressSettings(upstream=url, resolve=NOBODY)
        async with Egress.open(outer) as near, near.passage(MIB, MIB) as passage:
            answer = await get(passage.url, f"http://elsewhere.example:{bird.port}/")
    assert status(answer)[9:12] == ("200" if hits else "502")
    assert len(bird.hits) == hits


async def test_a_proxy_of_the_owner_that_is_not_there_is_a_site_that_does_not_answer():
    settings = EgressSettings(upstream="socks5://127.0.0.1:1", resolve=RESOLVE)
    async with Egress.open(settings) as egress, egress.passage(MIB, MIB) as passage:
        assert status(await get(passage.url, "http://far.example/"))[9:12] == "502"
