"""The way to a site: what is resolved when, and that the judged address is the one connected to."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import psutil
import pytest

from tests.integration.egress_helpers import Canary, canary
from userbot.domain.hosts import is_public_address
from userbot.domain.urls import AllowList
from userbot.egress.dial import Dialer, Upstream, resolve
from userbot.egress.lookups import Lookups
from userbot.egress.machine import Machine
from userbot.egress.race import Racer
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


@dataclass
class Far:
    """An upstream proxy that notes what it is asked for."""

    asked: list[tuple[str, int]] = field(default_factory=list)

    async def reach(self, host, port):
        self.asked.append((host, port))
        return socket.socket()


async def test_another_proxy_is_asked_for_addresses_that_were_judged():
    far = Far()
    names = Names([("2606:4700::1111", "8.8.8.8")])
    way = Dialer(Rules(AllowList.parse(["127.0.0.1:1"])), names, lambda _host: Upstream(far.reach))
    for host, port in (("site.example", 443), ("8.8.8.8", 8080)):
        (await way.open(host, port)).close()
    for host, port in (("nas.lan", 80), ("10.0.0.1", 80), ("::1", 80), ("site.example", 25)):
        with pytest.raises(Refusal):
            await way.open(host, port)
    with pytest.raises(Refusal) as caught:
        await way.open("127.0.0.1", 1)  # allowed, so reached directly; nobody is there
    assert caught.value.answer.status == 502
    assert far.asked == [("8.8.8.8", 443), ("8.8.8.8", 8080)]


@pytest.mark.parametrize("by_name", [True, False])
async def test_a_name_that_stands_for_a_private_address_gets_to_no_proxy(by_name):
    far = Far()
    upstream = Upstream(far.reach, by_name)
    way = Dialer(Rules(AllowList()), Names([("8.8.8.8", "10.0.0.1")]), lambda _host: upstream)
    with pytest.raises(Refusal) as caught:
        await way.open("trap.example", 443)
    assert caught.value.is_private
    assert far.asked == []


@pytest.mark.parametrize("answers", [("8.8.8.8",), ("2606:4700::1111",), ()])
async def test_a_proxy_that_may_look_up_names_gets_the_name(answers):
    far = Far()
    upstream = Upstream(far.reach, by_name=True, versions=(4,))
    way = Dialer(Rules(AllowList()), Names([answers]), lambda _host: upstream)
    (await way.open("far.example", 443)).close()
    assert far.asked == [("far.example", 443)]


@pytest.mark.parametrize("answers", [(), ("2606:4700::1111",)])
async def test_any_other_proxy_gets_no_name_that_it_could_look_up_differently(answers):
    far = Far()
    upstream = Upstream(far.reach, versions=(4,))
    way = Dialer(Rules(AllowList()), Names([answers]), lambda _host: upstream)
    with pytest.raises(Refusal) as caught:
        await way.open("intern.example", 443)
    assert caught.value.is_unreachable
    assert far.asked == []


def stop_answering(held: ExitStack, host: str, port: int) -> None:
    """Listen and take nobody: once the queue is full, the kernel answers no one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held.enter_context(socket.create_server((host, port), family=family, backlog=0))
    for _ in range(4):
        waiting = held.enter_context(socket.socket(family))
        waiting.setblocking(False)
        waiting.connect_ex((host, port))


async def test_addresses_that_say_nothing_do_not_hide_one_that_answers():
    with ExitStack() as held:
        good = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = good.getsockname()[1]
        for last in range(2, 6):
            stop_answering(held, f"127.0.0.{last}", port)
        names = Names([("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.1")])
        way = Dialer(Rules(AllowList.parse(["127.0.0.0/8"])), names)
        with await way.open("deaf.example", port) as site:
            assert site.getpeername()[0] == "127.0.0.1"


async def test_a_family_that_leads_nowhere_is_tried_last():
    both = [ip_address("::1"), ip_address("127.0.0.1")]
    if not Machine().has(both[0]):
        pytest.skip("no IPv6 here")
    with ExitStack() as held:
        good = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = good.getsockname()[1]
        stop_answering(held, "::1", port)
        racer = Racer()
        assert racer.in_turns(both) == both
        site = await racer.connect(both, port)
        assert site is not None
        with site:
            assert site.family == socket.AF_INET
        assert racer.in_turns(both) == both[::-1]


def test_both_families_have_their_turn_before_the_cut():
    answers = [ip_address(f"2606:4700::{n}") for n in range(1, 9)]
    answers += [ip_address("8.8.8.8"), ip_address("8.8.4.4")]
    racer = Racer()
    assert [address.version for address in racer.in_turns(answers)] == [6, 4, 6, 4, 6, 6]
    assert racer.in_turns(answers[8:]) == answers[8:]


async def test_a_call_has_few_names_looked_up_at_once_even_when_it_stops_waiting():
    answered = asyncio.Event()
    asked: list[str] = []

    async def silent(host, port):
        asked.append(host)
        await answered.wait()
        return [ip_address("8.8.8.8")]

    lookups, places = Lookups(silent), asyncio.Semaphore(2)
    for number in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await lookups.addresses(f"{number}.example", 80, places)
    assert asked == ["0.example", "1.example"]
    answered.set()
    async with asyncio.timeout(10):
        assert await lookups.addresses("4.example", 80, places) == [ip_address("8.8.8.8")]


async def test_a_name_that_nobody_knows_is_not_asked_for_again_at_once():
    names = Names([()])
    lookups = Lookups(names)
    for _ in range(3):
        with pytest.raises(Refusal):
            await lookups.addresses("gone.example", 80)
    assert names.asked == ["gone.example"]


async def test_the_system_is_asked_for_every_address_once():
    found = await resolve("localhost", 80)
    assert found
    assert len(found) == len(set(found))
    assert all(address.is_loopback for address in found)


def test_the_addresses_of_this_machine_are_known_however_public_they_look():
    for places in psutil.net_if_addrs().values():
        for place in places:
            if place.family in (socket.AF_INET, socket.AF_INET6) and "%" not in place.address:
                assert Machine().has(ip_address(place.address))
    assert not Machine().has(ip_address("8.8.8.8"))
    assert is_public_address(ip_address("8.8.8.8"))
