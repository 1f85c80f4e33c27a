"""The way to a site: its name is resolved once, judged, and the judged address is connected to.

With an upstream proxy the name is judged by its spelling alone and resolved there; what the owner
allowed is reached directly all the same.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from userbot.domain.hosts import Address
from userbot.egress.refusals import Refusal, no_site, private_refused
from userbot.egress.rules import Rules

REACH_S = 12.0  # for name and connection together: yt-dlp waits 15 s
TRY_S = 4.0  # for one address when there are others
KEPT_S = 30.0  # how long an answer is used again; it was judged, so nothing can rebind it
MAX_KEPT = 512
MAX_TRIES = 6

Resolve = Callable[[str, int], Awaitable[list[Address]]]
Through = Callable[[str, int], Awaitable[socket.socket]]


class Dialer:
    """Opens connections to where `rules` permit. `through` opens them by an upstream proxy."""

    def __init__(self, rules: Rules, resolve: Resolve, through: Through | None = None) -> None:
        self._rules = rules
        self._resolve = resolve
        self._through = through
        self._kept: dict[str, tuple[float, list[Address]]] = {}

    async def open(self, host: str, port: int) -> socket.socket:
        """Return a connected socket that does not block. host is normal. Raises Refusal."""
        try:
            async with asyncio.timeout(REACH_S):
                return await self._open(host, port)
        except Refusal:
            raise
        except (OSError, TimeoutError, UnicodeError) as error:
            raise no_site() from error

    async def _open(self, host: str, port: int) -> socket.socket:
        literal = _literal(host)
        if literal is None:
            self._rules.check_name(host, port)
        if self._through and not self._rules.is_allowed(host, port, literal):
            self._rules.check(host, port, [literal] if literal else [])
            self._rules.check_port(port)
            return await self._through(host, port)
        answers = [literal] if literal else await self._answers(host, port)
        self._rules.check(host, port, answers)
        return await self._connect(host, port, answers)

    async def _answers(self, host: str, port: int) -> list[Address]:
        """Return all addresses of host; a recent answer is used again."""
        now_s = time.monotonic()
        kept = self._kept.get(host)
        if kept and now_s - kept[0] < KEPT_S:
            return kept[1]
        answers = await self._resolve(host, port)
        if not answers:
            raise no_site()
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[host] = now_s, answers
        return answers

    async def _connect(self, host: str, port: int, answers: list[Address]) -> socket.socket:
        """Try the addresses in turn."""
        for address in answers[:MAX_TRIES]:
            if not self._rules.is_allowed(host, port, address) and is_own(address):
                raise private_refused()
            try:
                async with asyncio.timeout(TRY_S if len(answers) > 1 else REACH_S):
                    return await _connected(address, port)
            except (OSError, TimeoutError):
                continue
        raise no_site()


async def resolve(host: str, port: int) -> list[Address]:
    """Return all addresses that the system knows for host, each once."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    texts = [str(place[0]) for *_, place in found]
    if any("%" in text for text in texts):  # a zone: an interface of this machine
        raise private_refused()
    return [ip_address(text) for text in dict.fromkeys(texts)]


def is_own(address: Address) -> bool:
    """Tell whether address is this machine's, whatever it looks like; no packet is sent."""
    with socket.socket(_family(address), socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False  # no way there at all: connecting will say so
        return ip_address(probe.getsockname()[0].partition("%")[0]) == address


async def _connected(address: Address, port: int) -> socket.socket:
    connection = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _family(address: IPv4Address | IPv6Address) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6
