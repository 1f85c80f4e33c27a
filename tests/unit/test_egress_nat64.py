"""NAT64 with a prefix of the network's own: what is inside an address counts (RFC 6052, 7050)."""

from ipaddress import IPv4Address, IPv6Network, ip_address

import pytest

from tests.unit.test_egress_dial import Far
from userbot.domain.urls import AllowList
from userbot.egress.dial import Dialer, Upstream
from userbot.egress.nat64 import KNOWN_NAME, USUAL, meanings, prefixes_in
from userbot.egress.refusals import Refusal
from userbot.egress.rules import Rules, is_reachable

# The examples of RFC 6052, 2.4: 192.0.2.33 behind a prefix of each length.
EXAMPLES = {
    "2a01:db8::/32": "2a01:db8:c000:221::",
    "2a01:db8:100::/40": "2a01:db8:1c0:2:21::",
    "2a01:db8:122::/48": "2a01:db8:122:c000:2:2100::",
    "2a01:db8:122:300::/56": "2a01:db8:122:3c0:0:221::",
    "2a01:db8:122:344::/64": "2a01:db8:122:344:c0:2:2100::",
    "2a01:db8:122:344::/96": "2a01:db8:122:344::192.0.2.33",
    "64:ff9b:1::/96": "64:ff9b:1::192.0.2.33",
    "fd00:64::/96": "fd00:64::192.0.2.33",
}


@pytest.mark.parametrize(("prefix", "example"), EXAMPLES.items())
def test_a_prefix_of_every_length_is_read(prefix, example):
    found = meanings(ip_address(example), frozenset({IPv6Network(prefix)}))
    assert list(found) == [IPv4Address("192.0.2.33")]


@pytest.mark.parametrize(
    ("told", "private", "public"),
    [
        ("2a01:db8:64::c000:aa", "2a01:db8:64::a00:1", "2a01:db8:64::808:808"),
        ("2a01:db8:c000:ab::", "2a01:db8:7f00:1::", "2a01:db8:808:808::"),
        ("64:ff9b:1::192.0.0.170", "64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8"),
        ("fd00:64::192.0.0.170", "fd00:64::169.254.169.254", "fd00:64::8.8.8.8"),
    ],
)
def test_what_the_name_server_tells_is_how_addresses_are_judged(told, private, public):
    prefixes = prefixes_in([ip_address("192.0.0.170"), ip_address(told)])
    assert prefixes
    assert not is_reachable(ip_address(private), prefixes | USUAL)
    assert is_reachable(ip_address(public), prefixes | USUAL)


@pytest.mark.parametrize(
    "told", ["192.0.0.170", "::ffff:192.0.0.170", "::192.0.0.170", "2002:c000:aa::", "2606::1"]
)
def test_other_answers_tell_of_no_prefix(told):
    assert prefixes_in([ip_address(told)]) == frozenset()


class Network:
    """The name server of a network with NAT64, which may be away at first."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.is_there = is_there
        self.asked: list[str] = []

    async def __call__(self, host, port):
        self.asked.append(host)
        if host != KNOWN_NAME:
            return [ip_address(f"2a01:db8:64::{host.removesuffix('.example')}")]
        if not self.is_there:
            raise OSError
        return [ip_address("192.0.0.170"), ip_address("2a01:db8:64::192.0.0.170")]


def by_another(network: Network) -> tuple[Dialer, Far]:
    """A dialer that notes what it would connect to."""
    far = Far()
    return Dialer(Rules(AllowList()), network, lambda _host: Upstream(far.reach)), far


async def test_the_network_is_asked_once_and_its_private_addresses_are_refused():
    network = Network()
    way, far = by_another(network)
    (await way.open("808:808.example", 443)).close()
    for host in ("a00:1.example", "7f00:1.example", "2a01:db8:64::a9fe:a9fe"):
        with pytest.raises(Refusal) as caught:
            await way.open(host, 443)
        assert caught.value.is_private
    assert far.asked == [("2a01:db8:64::808:808", 443)]
    assert network.asked.count(KNOWN_NAME) == 1


async def test_where_nobody_tells_of_a_prefix_the_address_itself_is_judged():
    network = Network(is_there=False)
    way, far = by_another(network)
    for _ in range(2):
        (await way.open("808:808.example", 443)).close()
    assert len(far.asked) == 2
    assert network.asked.count(KNOWN_NAME) == 1
