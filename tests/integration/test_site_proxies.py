"""SITE_PROXY_FILE at work: the way to each host, past real proxies of two kinds."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.integration.egress_helpers import canary, connect, get, serving, socks, status
from userbot.domain.site_proxies import SiteProxies
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings

MIB = 1024 * 1024
RESOLVE = f"{__name__}:names"
PUBLIC = {"film.example": "8.8.8.8", "cdn.film.example": "8.8.4.4", "other.example": "1.1.1.1"}


async def names(host, port):
    """What the names of these tests stand for, in the proxy's process."""
    return [ip_address(PUBLIC.get(host, "127.0.0.1"))]


async def test_each_host_is_reached_by_its_own_proxy_and_the_others_directly():
    near: list[bytes] = []
    far: list[bytes] = []
    async with (
        canary() as bird,
        serving(socks(near, bird.port)) as near_port,
        serving(socks(far, bird.port)) as far_port,
    ):
        text = (
            f"film.example socks5://user:pass@127.0.0.1:{near_port}\n"
            f"cdn.film.example socks5h://user:pass@127.0.0.1:{far_port}\n"
            "direct.film.example direct\n"
        )
        settings = EgressSettings(
            AllowList.parse([f"direct.film.example:{bird.port}"]),
            site_proxies=SiteProxies.parse(text),
            resolve=RESOLVE,
        )
        async with Egress.open(settings) as egress, egress.passage(MIB, MIB) as passage:
            for host in ("film.example", "cdn.film.example"):
                assert b"200 OK" in await get(passage.url, f"http://{host}/")
            said, _, writer = await connect(passage.url, "www.cdn.film.example:443")
            writer.close()
            assert b" 403 " in said  # a private address gets to no proxy either
            direct = f"http://direct.film.example:{bird.port}/"
            assert b"200 OK" in await get(passage.url, direct)
            _assert_password_is_nowhere(egress.pid)
    assert near == [socket.inet_aton("8.8.8.8")]
    assert far == [b"cdn.film.example"]


@pytest.mark.parametrize("is_others_line", [True, False])
async def test_what_no_line_names_goes_by_the_proxy_for_all(is_others_line):
    others: list[bytes] = []
    async with canary() as bird, serving(socks(others, bird.port)) as port:
        url = f"socks5h://user:pass@127.0.0.1:{port}"
        dead = "film.example http://127.0.0.1:1\n"
        settings = EgressSettings(
            upstream="http://127.0.0.1:1" if is_others_line else url,
            site_proxies=SiteProxies.parse(f"{dead}* {url}\n" if is_others_line else dead),
            resolve=RESOLVE,
        )
        async with Egress.open(settings) as egress, egress.passage(MIB, MIB) as passage:
            assert b"200 OK" in await get(passage.url, "http://other.example/")
            assert status(await get(passage.url, "http://film.example/"))[9:12] == "502"
    assert others == [b"other.example"]


def _assert_password_is_nowhere(pid: int | None) -> None:
    for name in ("cmdline", "environ") if os.geteuid() == 0 else ("cmdline",):
        assert b"user:pass" not in Path(f"/proc/{pid}/{name}").read_bytes()
