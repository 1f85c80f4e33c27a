"""What addresses this machine has: they count as private, however public they look."""

import socket
import time
from ipaddress import IPv6Address, IPv6Network, ip_address

import psutil

from userbot.domain.hosts import Address
from userbot.egress.race import family_of

KEPT_S = 30.0
LINK_BITS = 64  # who has the same first half of an IPv6 address is a neighbour on the wire


class Machine:
    """Knows the addresses of this machine and its neighbourhood; looks anew now and then."""

    def __init__(self) -> None:
        self._looked_at_s = float("-inf")
        self._own: frozenset[Address] = frozenset()

    def has(self, address: Address) -> bool:
        """Tell whether address is this machine's or a neighbour's in its IPv6 network."""
        self._look()
        if address in self._own or _is_way_to_itself(address):
            return True
        return isinstance(address, IPv6Address) and any(
            _link_of(address) == _link_of(own)
            for own in self._own
            if isinstance(own, IPv6Address) and own.is_global
        )

    def _look(self) -> None:
        if time.monotonic() - self._looked_at_s < KEPT_S:
            return
        places = [place for found in psutil.net_if_addrs().values() for place in found]
        self._own = frozenset(
            ip_address(place.address.partition("%")[0])
            for place in places
            if place.family in (socket.AF_INET, socket.AF_INET6)
        )
        self._looked_at_s = time.monotonic()


def _link_of(address: IPv6Address) -> IPv6Network:
    return IPv6Network((address, LINK_BITS), strict=False)


def _is_way_to_itself(address: Address) -> bool:
    """Tell whether the way to address begins and ends there; no packet is sent."""
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False  # no way there at all: connecting will say so
        return ip_address(probe.getsockname()[0].partition("%")[0]) == address
