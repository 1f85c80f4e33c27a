"""The way to a site: what is resolved when, and that the judged address is the one connected to."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import psutil
import pytest

from tests.integration.egress_helpers import Canary, canary
from userbot.domain.hosts import is_public_address
from userbot.domain.urls import AllowList
from userbot.egress.dial import Dialer, is_own, resolve
from userbot.egress.refusals import Refusal
from userbot.egress.rules import Rules


@dataclass
class Names:
    """A resolver that gives the answers in turn, and the last one for ever."""

    answers: list[tuple[str, ...]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host, port):
        self.asked.append(host)
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(text) for text in now]


@asynccontextmanager
async def places() -> AsyncIterator[tuple[Canary, Canary]]:
    """Two servers on one port: that of 127.0.0.1 may be reached, that of 127.0.0.2 not."""
    async with canary("127.0.0.1") as good, canary("127.0.0.2", good.port) as bad:
        yield good, bad


def dialer(good: Canary, names: Names) -> Dialer:
    return Dialer(Rules(AllowList.parse([f"127.0.0.1:{good.port}"])), names)


async def test_the_address_that_was_judged_is_the_one_connected_to():
    async with places() as (good, bad):
        names = Names([("127.0.0.1",), ("127.0.0.2",)])
        way = dialer(good, names)
        for _ in range(3):
            with await way.open("rebinding.example", good.port) as site:
                assert site.getpeername() == ("127.0.0.1", good.port)
        assert names.asked == ["rebinding.example"]
        assert bad.hits == []


@pytest.mark.parametrize(
    "answers",
    [
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.2", "127.0.0.1"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("8.8.8.8", "169.254.169.254"),
        ("127.0.0.2",),
    ],
)
async def test_one_private_answer_refuses_the_name(answers):
    async with places() as (good, bad):
        with pytest.raises(Refusal) as caught:
            await dialer(good, Names([answers])).open("trap.example", good.port)
        assert caught.value.is_private
        assert (good.hits, bad.hits) == ([], [])


async def test_a_private_name_is_not_looked_up():
    names = Names([("127.0.0.1",)])
    with pytest.raises(Refusal) as caught:
        await Dialer(Rules(AllowList()), names).open("router.lan", 80)
    assert caught.value.is_private
    assert names.asked == []


async def test_the_next_address_is_tried_when_one_does_not_answer():
    async with canary("127.0.0.1") as good:
        rules = Rules(AllowList.parse(["127.0.0.0/8"]))
        way = Dialer(rules, Names([("127.0.0.3", "127.0.0.1")]))
        with await way.open("two.example", good.port) as site:
            assert site.getpeername()[0] == "127.0.0.1"


@pytest.mark.parametrize("answers", [(), ("127.0.0.1",)])
async def test_a_site_that_is_not_there_is_no_refusal_of_ours(answers):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    rules = Rules(AllowList.parse(["127.0.0.1"]))
    with pytest.raises(Refusal) as caught:
        await Dialer(rules, Names([answers])).open("gone.example", port)
    assert caught.value.answer.status == 502


async def test_through_another_proxy_names_are_judged_by_their_spelling_and_resolved_there():
    taken: list[tuple[str, int]] = []
    ours, theirs = socket.socketpair()

    async def through(host, port):
        taken.append((host, port))
        return ours

    names = Names([("127.0.0.1",)])
    way = Dialer(Rules(AllowList.parse(["127.0.0.1:1"])), names, through)
    with theirs, ours:
        await way.open("site.example", 443)
        await way.open("8.8.8.8", 8080)
        for host, port in (("nas.lan", 80), ("10.0.0.1", 80), ("::1", 80), ("site.example", 25)):
            with pytest.raises(Refusal):
                await way.open(host, port)
        with pytest.raises(Refusal) as caught:
            await way.open("127.0.0.1", 1)  # allowed, so reached directly; nobody is there
        assert caught.value.answer.status == 502
    assert taken == [("site.example", 443), ("8.8.8.8", 8080)]
    assert names.asked == []


async def test_the_system_is_asked_for_every_address_once():
    found = await resolve("localhost", 80)
    assert found
    assert len(found) == len(set(found))
    assert all(address.is_loopback for address in found)


def test_the_addresses_of_this_machine_are_known_however_public_they_look():
    for places in psutil.net_if_addrs().values():
        for place in places:
            if place.family in (socket.AF_INET, socket.AF_INET6) and "%" not in place.address:
                assert is_own(ip_address(place.address))
    assert not is_own(ip_address("8.8.8.8"))
    assert is_public_address(ip_address("8.8.8.8"))
