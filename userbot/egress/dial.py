"""The way to a site: its name is resolved once, judged, and the judged address is connected to.

Where an upstream proxy leads to it, the name is looked up here too, so that none that stands for a
private address gets there, and the proxy is asked for the judged address. Only one that the owner
lets look up names itself (`socks5h` and the like) is asked for names, also for those that nobody
here knows. What the owner allowed is reached directly all the same.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

from userbot.domain.hosts import Address, address_of
from userbot.egress.lookups import Lookups, Resolve
from userbot.egress.machine import Machine
from userbot.egress.nat64 import Nat64, meanings
from userbot.egress.race import Racer
from userbot.egress.refusals import Refusal, no_site, private_refused
from userbot.egress.rules import Rules

REACH_S = 12.0  # for name and connection together: yt-dlp waits 15 s
LOOKUP_S = 4.0  # where an upstream proxy is let know a name that nobody here does
UNKNOWN = "The owner's proxy is given no name that is not known here"

Reach = Callable[[str, int], Awaitable[socket.socket]]


@dataclass(frozen=True, slots=True)
class Upstream:
    """A proxy of the owner's: `reach` opens a connection by it.

    `by_name`: it is given names, and looks them up itself. `versions`: of the IP addresses that it
    understands.
    """

    reach: Reach
    by_name: bool = False
    versions: tuple[int, ...] = (4, 6)


UpstreamOf = Callable[[str], Upstream | None]


def directly(_host: str) -> Upstream | None:
    """Reach every host without another proxy."""
    return None


class Dialer:
    """Opens connections to where `rules` permit, directly or by the upstream proxy of a host."""

    def __init__(self, rules: Rules, resolve: Resolve, upstream_of: UpstreamOf = directly) -> None:
        self._rules = rules
        self._lookups = Lookups(resolve)
        self._nat64 = Nat64(self._lookups)
        self._machine = Machine()
        self._racer = Racer()
        self._upstream_of = upstream_of

    async def open(
        self, host: str, port: int, places: asyncio.Semaphore | None = None
    ) -> socket.socket:
        """Return a connected socket that does not block. host is normal. Raises Refusal.

        places: how many names the call that asks may have looked up at once.
        """
        try:
            async with asyncio.timeout(REACH_S):
                if upstream := self._upstream_of(host):
                    return await self._open_by(upstream, host, port, places)
                return await self._connect(port, await self._judged(host, port, places))
        except Refusal:
            raise
        except (OSError, TimeoutError, UnicodeError) as error:
            raise no_site() from error

    async def _open_by(
        self, upstream: Upstream, host: str, port: int, places: asyncio.Semaphore | None
    ) -> socket.socket:
        answers = await self._judged_or_none(host, port, places, upstream)
        if self._is_for_us(host, port, answers):
            return await self._connect(port, answers)
        self._rules.check_port(port)
        if upstream.by_name:
            return await upstream.reach(host, port)
        known = [address for address in answers if address.version in upstream.versions]
        if not known:  # given the name, it could come to an address that nobody judged
            raise no_site(UNKNOWN)
        return await upstream.reach(str(min(known, key=lambda address: address.version)), port)

    async def _judged_or_none(
        self, host: str, port: int, places: asyncio.Semaphore | None, upstream: Upstream
    ) -> list[Address]:
        """Return what host stands for, none where nobody here knows. Raises Refusal."""
        try:
            async with asyncio.timeout(LOOKUP_S if upstream.by_name else None):
                return await self._judged(host, port, places)
        except Refusal as refusal:
            if not refusal.is_unreachable:
                raise
        except (OSError, TimeoutError, UnicodeError):
            pass  # the proxy may know more
        return []

    def _is_for_us(self, host: str, port: int, answers: list[Address]) -> bool:
        """Tell whether the owner opened all that host stands for: no proxy could get there."""
        allowed = [self._rules.is_allowed(host, port, address) for address in answers]
        return bool(allowed) and all(allowed)

    async def _judged(
        self, host: str, port: int, places: asyncio.Semaphore | None
    ) -> list[Address]:
        """Return the addresses to try, all of which may be reached. Raises Refusal, OSError."""
        literal = address_of(host)
        if literal is None:
            self._rules.check_name(host, port)
            answers = await self._lookups.addresses(host, port, places)
        else:
            answers = [literal]
        prefixes = await self._nat64.prefixes(answers)
        self._rules.check(host, port, answers, prefixes)
        for address in answers:
            if not self._rules.is_allowed(host, port, address) and any(
                self._machine.has(meant) for meant in meanings(address, prefixes)
            ):
                raise private_refused()
        return answers

    async def _connect(self, port: int, answers: list[Address]) -> socket.socket:
        site = await self._racer.connect(self._racer.in_turns(answers), port)
        if site is None:
            raise no_site()
        return site


async def resolve(host: str, port: int) -> list[Address]:
    """Return all addresses that the system knows for host, each once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = [str(place[0]) for *_, place in found]
    if any("%" in text for text in texts):  # a zone: an interface of this machine
        raise private_refused()
    return [ip_address(text) for text in dict.fromkeys(texts)]
