"""A name server that says a public address first and a private one then, asked over UDP."""

import pkgutil
import socket

import pytest

from tests.integration.egress_helpers import canary, connect, get, serving, socks
from tests.integration.name_server import name_server
from userbot.domain.urls import AllowList
from userbot.egress import lookups
from userbot.egress.dial import Dialer
from userbot.egress.gate import Egress, EgressSettings
from userbot.egress.refusals import Refusal
from userbot.egress.rules import Rules

MIB = 1024 * 1024
HOST = "rebinding.example"
PUBLIC, PRIVATE = "127.0.0.9", "127.0.0.1"  # the first may be reached, as the owner says


async def test_the_proxy_connects_to_the_address_that_it_judged_whatever_is_said_later():
    async with (
        canary(PUBLIC) as good,
        canary(PRIVATE, good.port) as bad,
        name_server(PUBLIC, PRIVATE) as server,
    ):
        settings = EgressSettings(AllowList.parse([PUBLIC]), resolve=server.resolve)
        async with Egress.open(settings) as egress:
            for _ in range(2):  # calls
                async with egress.passage(MIB, MIB) as passage:
                    assert b"200 OK" in await get(passage.url, f"http://{HOST}:{good.port}/")
                    said, _, writer = await connect(passage.url, f"{HOST}:{good.port}")
                    writer.close()
                    assert b" 200 " in said
    assert server.asked == ["A", "AAAA"]
    assert len([hit for hit in good.hits if hit]) == 2
    assert bad.hits == []


async def test_another_proxy_is_told_the_judged_address_and_never_the_name():
    asked: list[bytes] = []
    async with (
        canary() as behind,
        serving(socks(asked, behind.port)) as port,
        name_server("8.8.8.8", PRIVATE) as server,
    ):
        url = f"socks5://user:pass@127.0.0.1:{port}"
        async with (
            Egress.open(EgressSettings(upstream=url, resolve=server.resolve)) as egress,
            egress.passage(MIB, MIB) as passage,
        ):
            for _ in range(3):
                assert b"200 OK" in await get(passage.url, f"http://{HOST}/")
    assert asked == [socket.inet_aton("8.8.8.8")] * 3
    assert server.asked == ["A", "AAAA"]


async def test_a_name_that_is_asked_for_anew_is_judged_anew(monkeypatch):
    monkeypatch.setattr(lookups, "KEPT_S", 0.0)
    async with (
        canary(PUBLIC) as good,
        canary(PRIVATE, good.port) as bad,
        name_server(PUBLIC, PRIVATE, PUBLIC) as server,
    ):
        resolve = pkgutil.resolve_name(server.resolve)
        way = Dialer(Rules(AllowList.parse([PUBLIC])), resolve)
        (await way.open(HOST, good.port)).close()
        with pytest.raises(Refusal) as caught:
            await way.open(HOST, good.port)
        assert caught.value.is_private
        (await way.open(HOST, good.port)).close()
    assert server.asked == ["A", "AAAA"] * 3
    assert bad.hits == []


@pytest.mark.parametrize("private", ["::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"])
async def test_one_private_answer_of_the_other_family_refuses_the_name(private):
    async with canary(PUBLIC) as good, name_server(PUBLIC, more=[private]) as server:
        way = Dialer(Rules(AllowList.parse([PUBLIC])), pkgutil.resolve_name(server.resolve))
        with pytest.raises(Refusal) as caught:
            await way.open(HOST, good.port)
        assert caught.value.is_private
    assert good.hits == []
