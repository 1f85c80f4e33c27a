"""Which addresses and ports may be reached. Values only: nothing is resolved or opened here.

A name is judged twice: by its spelling, and by all addresses that it stands for. One answer that is
refused refuses the name, as a name that stands for a public and a private address is a trap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from userbot.domain.hosts import Address, is_public_address, is_public_host
from userbot.domain.urls import AllowList
from userbot.domain.web_ports import is_web_port
from userbot.egress.refusals import port_refused, private_refused

# RFC 6052: how a network without IPv4 writes an IPv4 address that its DNS was asked for. The prefix
# for local use, 64:ff9b:1::/48, is no public address and stays refused.
NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner permits, and what everybody may."""

    allow: AllowList

    def check_name(self, host: str, port: int) -> None:
        """Refuse a normal host that by its spelling is of the own network."""
        if not self.is_allowed(host, port, None) and not is_public_host(host):
            raise private_refused()

    def check(self, host: str, port: int, answers: Sequence[Address]) -> None:
        """Refuse host unless every address that it stands for may be reached on port."""
        for address in answers:
            if self.is_allowed(host, port, address):
                continue
            if not is_reachable(address):
                raise private_refused()
            self.check_port(port)

    def check_port(self, port: int) -> None:
        """Refuse a port that no web server has."""
        if not is_web_port(port):
            raise port_refused()

    def is_allowed(self, host: str, port: int, address: Address | None) -> bool:
        """Tell whether the owner opened this place, by its name or by its address."""
        if self.allow.permits(host, port):
            return True
        return address is not None and self.allow.permits(str(address), port)


def is_reachable(address: Address) -> bool:
    """Tell whether address is a public one, or stands for a public one behind NAT64."""
    return is_public_address(meant(address))


def meant(address: Address) -> Address:
    """Return the IPv4 address that address stands for behind NAT64, else address."""
    if isinstance(address, IPv6Address) and address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
