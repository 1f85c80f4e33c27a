"""Several addresses of one site: who answers first is taken, and who is silent holds nobody up.

RFC 8305, "happy eyeballs": where IPv6 leads nowhere, as in many homes and containers, packets
simply vanish, and trying one address after the other takes longer than a site is waited for.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from itertools import chain, zip_longest

from userbot.domain.hosts import Address

HEAD_START_S = 0.3
SILENT_S = 600.0  # how long a family that another overtook is tried last
MAX_TRIES = 6


class Racer:
    """Opens connections, and remembers which family of addresses leads nowhere."""

    def __init__(self) -> None:
        self._silent_until_s: dict[int, float] = {4: 0.0, 6: 0.0}

    def in_turns(self, answers: Sequence[Address]) -> list[Address]:
        """Return the addresses to try: those of both families in turns, as many as are tried."""
        now_s = time.monotonic()
        first: int = answers[0].version
        other = 10 - first
        if self._silent_until_s[first] > now_s >= self._silent_until_s[other]:
            first = other
        ahead = [address for address in answers if address.version == first]
        behind = [address for address in answers if address.version != first]
        turns = chain.from_iterable(zip_longest(ahead, behind))
        return [address for address in turns if address is not None][:MAX_TRIES]

    async def connect(self, addresses: Sequence[Address], port: int) -> socket.socket | None:
        """Return a connection to the address that answers first, None when all say no."""
        heat = _Heat(port)
        try:
            await heat.run(addresses)
        except BaseException:
            if heat.won:
                heat.won.close()
            raise
        for family in heat.overtaken:
            self._silent_until_s[family] = time.monotonic() + SILENT_S
        return heat.won


class _Heat:
    """One race. `overtaken`: families that had a start and yet said nothing before the winner."""

    def __init__(self, port: int) -> None:
        self.won: socket.socket | None = None
        self.overtaken: set[int] = set()
        self._winner: Address | None = None
        self._port = port

    async def run(self, addresses: Sequence[Address]) -> None:
        waiting = list(addresses)
        running: dict[asyncio.Task[None], Address] = {}
        async with asyncio.TaskGroup() as group:
            while (waiting or running) and self.won is None:
                if waiting:
                    address = waiting.pop(0)
                    running[group.create_task(self._try(address))] = address
                done, _ = await asyncio.wait(
                    running,
                    timeout=HEAD_START_S if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    del running[task]
            for task in running:
                task.cancel()
        self._judge(addresses[0], set(running.values()))

    async def _try(self, address: Address) -> None:
        try:
            connection = await _connected(address, self._port)
        except OSError:
            return
        if self.won:
            connection.close()
        else:
            self.won, self._winner = connection, address

    def _judge(self, first: Address, silent: set[Address]) -> None:
        """Take note of the family that began, when one of the other family came before it."""
        if self._winner and self._winner.version != first.version and first in silent:
            self.overtaken.add(first.version)


def family_of(address: Address) -> socket.AddressFamily:
    """Return the family of sockets for address."""
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


async def _connected(address: Address, port: int) -> socket.socket:
    connection = socket.socket(family_of(address), socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection
