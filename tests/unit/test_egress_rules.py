from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.urls import AllowList
from userbot.domain.web_ports import SERVICE_PORTS
from userbot.egress.nat64 import WELL_KNOWN
from userbot.egress.refusals import Refusal
from userbot.egress.rules import Rules, is_reachable

bounded = tries(300)
RULES = Rules(AllowList())
PUBLIC = ip_address("8.8.8.8")


def refusal(rules, host, port, *answers):
    with pytest.raises(Refusal) as caught:
        rules.check(host, port, [ip_address(answer) for answer in answers])
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254"),
        *(
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
        ),
        *("192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
        *("100::1", "2001:0:7f00:1::", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1"),
        *("2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254"),
        *("fe80::1", "fec0::1", "ff02::1", "ff0e::1"),
    ],
)
def test_what_is_not_of_the_open_internet_is_refused(address):
    assert not is_reachable(ip_address(address))
    assert refusal(RULES, "name.example", 443, address).is_private
    assert refusal(RULES, "name.example", 443, "8.8.8.8", address).is_private
    assert refusal(RULES, "name.example", 443, address, "8.8.8.8").is_private


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808"]
)
def test_what_is_public_is_reached(address):
    RULES.check("name.example", 443, [ip_address(address)])


@bounded
@given(st.ip_addresses(v=4))
def test_an_address_behind_nat64_is_judged_by_what_is_inside(address):
    outer = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))
    assert is_reachable(outer) == is_reachable(address)


@bounded
@given(st.ip_addresses(v=4))
def test_no_other_wrapping_makes_an_address_reachable(address):
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b:1::", "fe80::5efe:0:0"):
        assert not is_reachable(IPv6Address(int(IPv6Address(prefix)) + int(address)))
    assert not is_reachable(IPv6Address((0x2002 << 112) + (int(address) << 80)))
    assert not is_reachable(IPv6Address((0x20010000 << 96) + int(address)))


@bounded
@given(st.ip_addresses())
def test_nothing_is_reachable_that_python_calls_private(address):
    if not address.is_global and not (isinstance(address, IPv6Address) and address in WELL_KNOWN):
        assert not is_reachable(address)


@pytest.mark.parametrize("host", ["localhost", "router", "nas.lan", "metadata.google.internal"])
def test_names_of_the_own_network_are_not_even_looked_up(host):
    with pytest.raises(Refusal):
        RULES.check_name(host, 80)


def test_ports_of_web_servers_are_open_and_those_of_services_are_not():
    for port in (80, 81, 88, 90, 443, 444, 1024, 1935, 8000, 8080, 8443, 30000, 65535):
        RULES.check("name.example", port, [PUBLIC])
    for port in (1, 22, 23, 79, 87, 91, 25, 53, 110, 143, 445, 465, 587, 993, *SERVICE_PORTS):
        assert not refusal(RULES, "name.example", port, "8.8.8.8").is_private


def test_the_owner_opens_places_by_address_and_by_name_with_their_ports():
    rules = Rules(
        AllowList.parse(["10.0.0.5:81", "192.168.0.0/16", "media.lan:6379", "8.8.8.8:25"])
    )
    rules.check("nas.example", 81, [ip_address("10.0.0.5")])
    rules.check("nas.example", 22, [ip_address("192.168.3.4")])
    rules.check("nas.example", 25, [ip_address("8.8.8.8")])
    rules.check_name("media.lan", 6379)
    rules.check("media.lan", 6379, [ip_address("10.9.9.9")])
    refusal(rules, "nas.example", 82, "10.0.0.5")
    refusal(rules, "nas.example", 81, "10.0.0.5", "10.0.0.6")
    refusal(rules, "media.lan", 80, "10.9.9.9")


def test_an_allow_list_is_written_as_it_is_read():
    allow = AllowList.parse(
        ["10.0.0.0/8", "127.0.0.1:81", "::1", "[fd00::1]:82", "media.lan", "nas:83", "fd00::/8"]
    )
    assert AllowList.parse(allow.entries) == allow
    assert Rules(allow).is_allowed("127.0.0.1", 81, IPv4Address("127.0.0.1"))
