"""Which addresses and ports may be reached. Values only: nothing is resolved or opened here.

A name is judged twice: by its spelling, and by all addresses that it stands for. One answer that is
refused refuses the name, as a name that stands for a public and a private address is a trap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from userbot.domain.hosts import Address, is_public_address, is_public_host
from userbot.domain.urls import AllowList
from userbot.domain.web_ports import is_web_port
from userbot.egress.nat64 import USUAL, Prefixes, meanings
from userbot.egress.refusals import port_refused, private_refused


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner permits, and what everybody may."""

    allow: AllowList

    def check_name(self, host: str, port: int) -> None:
        """Refuse a normal host that by its spelling is of the own network."""
        if not self.is_allowed(host, port, None) and not is_public_host(host):
            raise private_refused()

    def check(
        self, host: str, port: int, answers: Sequence[Address], prefixes: Prefixes = USUAL
    ) -> None:
        """Refuse host unless every address that it stands for may be reached on port.

        prefixes: those of NAT64 in this network.
        """
        for address in answers:
            if self.is_allowed(host, port, address):
                continue
            if not is_reachable(address, prefixes):
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


def is_reachable(address: Address, prefixes: Prefixes = USUAL) -> bool:
    """Tell whether address is a public one, or stands for a public one behind NAT64."""
    return all(is_public_address(meant) for meant in meanings(address, prefixes))
