"""Addresses of this machine and of its network, which are private however public they look."""

import socket
from collections import namedtuple
from ipaddress import ip_address

import psutil
import pytest

from userbot.domain.urls import AllowList
from userbot.egress.dial import Dialer
from userbot.egress.machine import Machine
from userbot.egress.refusals import Refusal
from userbot.egress.rules import Rules

Place = namedtuple("Place", ["family", "address"])
PLACES = [
    Place(socket.AF_INET, "9.8.7.6"),
    Place(socket.AF_INET6, "2606:4700:1:2:aaaa:bbbb:cccc:dddd"),
    Place(socket.AF_INET6, "fe80::1%eth0"),
    Place(socket.AF_INET6, "fd00:1:2:3::1"),
    Place(socket.AF_PACKET, "00:00:00:00:00:00"),
]
OWN = ("9.8.7.6", "2606:4700:1:2:aaaa:bbbb:cccc:dddd", "fe80::1")
OWN_BEHIND_NAT64 = "64:ff9b::908:706"
NEIGHBOURS = ("2606:4700:1:2::1", "2606:4700:1:2:ffff:ffff:ffff:ffff")
STRANGERS = ("9.8.7.7", "2606:4700:1:3::1", "2606:4700:1:1:ffff::1")


@pytest.fixture(autouse=True)
def addresses(monkeypatch):
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"eth0": PLACES})


@pytest.mark.parametrize("address", OWN)
def test_an_address_of_this_machine_is_its_own(address):
    assert Machine().has(ip_address(address))


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_who_has_the_first_half_of_its_ipv6_address_is_a_neighbour(address):
    assert Machine().has(ip_address(address))


@pytest.mark.parametrize("address", STRANGERS)
def test_of_ipv4_and_of_other_networks_nobody_is(address):
    assert not Machine().has(ip_address(address))


def test_the_machine_has_every_address_that_leads_to_itself():
    assert Machine().has(ip_address("127.0.0.1"))  # not listed here


@pytest.mark.parametrize("address", [*OWN, OWN_BEHIND_NAT64, *NEIGHBOURS])
async def test_no_name_leads_there_unless_the_owner_opens_it(address):
    async def names(host, port):
        return [ip_address(address)]

    with pytest.raises(Refusal) as caught:
        await Dialer(Rules(AllowList()), names).open("public.example", 443)
    assert caught.value.is_private
    allowed = Dialer(Rules(AllowList.parse(["public.example"])), names)
    assert await allowed._judged("public.example", 443, None) == [ip_address(address)]


async def test_one_neighbour_among_the_answers_refuses_the_name():
    async def names(host, port):
        return [ip_address("8.8.8.8"), ip_address(NEIGHBOURS[0])]

    with pytest.raises(Refusal):
        await Dialer(Rules(AllowList()), names).open("both.example", 443)
