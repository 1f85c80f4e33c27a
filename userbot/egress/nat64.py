"""IPv4 addresses inside IPv6 ones, as networks without IPv4 write them (RFC 6052).

The prefix is 64:ff9b::/96, or one of the network's own, which its name server tells: it writes the
addresses of `ipv4only.arpa`, known to everybody, with it (RFC 7050).
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from userbot.domain.hosts import IPV6_TUNNELS, IPV6_UNICAST, Address
from userbot.egress.lookups import Lookups
from userbot.egress.refusals import Refusal

WELL_KNOWN = IPv6Network("64:ff9b::/96")
# Where a network's own prefix may be: public, for local use (RFC 8215), of a site.
OWN_SPACES = (IPV6_UNICAST, IPv6Network("64:ff9b:1::/48"), IPv6Network("fc00::/7"))
KNOWN_NAME = "ipv4only.arpa"
KNOWN_ADDRESSES = (IPv4Address("192.0.0.170"), IPv4Address("192.0.0.171"))
LENGTHS = (32, 40, 48, 56, 64, 96)
ASK_S = 2.0
KEPT_S = 600.0
FAILURE_KEPT_S = 60.0

Prefixes = frozenset[IPv6Network]
USUAL: Prefixes = frozenset({WELL_KNOWN})


class Nat64:
    """Knows the prefixes of the network that this machine is in; asks again now and then."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._own: Prefixes = frozenset()
        self._until_s = float("-inf")

    async def prefixes(self, answers: Iterable[Address]) -> Prefixes:
        """Return all prefixes that could matter for answers; what was known when nobody tells."""
        if any(isinstance(address, IPv6Address) for address in answers):
            await self._ask()
        return self._own | USUAL

    async def _ask(self) -> None:
        if time.monotonic() < self._until_s:
            return
        kept_s = FAILURE_KEPT_S
        try:
            async with asyncio.timeout(ASK_S):
                self._own = prefixes_in(await self._lookups.addresses(KNOWN_NAME, 80))
            kept_s = KEPT_S
        except (Refusal, OSError, TimeoutError):
            pass  # a network without IPv4 has such a name server; others may have any
        self._until_s = time.monotonic() + kept_s


def prefixes_in(answers: Iterable[Address]) -> Prefixes:
    """Return the prefixes with which a name server wrote the addresses of `ipv4only.arpa`."""
    return frozenset(
        IPv6Network((address, length), strict=False)
        for address in answers
        if isinstance(address, IPv6Address) and _may_hold(address)
        for length in LENGTHS
        if _inside(address, length) in KNOWN_ADDRESSES
    )


def meanings(address: Address, prefixes: Prefixes) -> Iterator[Address]:
    """Yield the IPv4 addresses that address stands for behind NAT64; itself where for none."""
    found: list[Address] = [
        _inside(address, prefix.prefixlen)
        for prefix in prefixes
        if isinstance(address, IPv6Address) and address in prefix
    ]
    yield from found or [address]


def _may_hold(address: IPv6Address) -> bool:
    is_tunnel = any(address in tunnel for tunnel in IPV6_TUNNELS)
    return not is_tunnel and any(address in space for space in OWN_SPACES)


def _inside(address: IPv6Address, length: int) -> IPv4Address:
    """Read the 32 bits behind a prefix; those from 64 to 71 hold nothing (RFC 6052, 2.2)."""
    bits = int(address)
    if length < 96:
        bits = (bits >> 64 << 64) | ((bits & (1 << 56) - 1) << 8)
    return IPv4Address(bits >> (96 - length) & 0xFFFFFFFF)
