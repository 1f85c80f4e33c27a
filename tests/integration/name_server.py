"""A name server on loopback whose answers change, and the resolver that asks it.

`EgressSettings(resolve=server.resolve)` has the proxy's process ask it, over UDP, for every name.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

import dns.asyncquery
import dns.flags
import dns.message
import dns.rrset

from userbot.domain.hosts import Address
from userbot.egress.lookups import Resolve

LOOPBACK = "127.0.0.1"
LIMIT_S = 10.0
RESOLVER = "resolve_by_port_"


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Gives `answers` to the first, second ... question for IPv4, and the last one for ever.

    `more`: what it says to every question for IPv6. `asked`: the types it was asked for.
    """

    answers: list[str]
    more: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def resolve(self) -> str:
        return f"{__name__}:{RESOLVER}{self.port}"

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        kind = question.to_text().split()[-1]
        self.asked.append(kind)
        found = self._next() if kind == "A" else list(self.more)
        reply = dns.message.make_response(query)
        if found:
            reply.answer.append(dns.rrset.from_text(question.name, 0, "IN", kind, *found))
        self._transport.sendto(reply.to_wire(), addr)

    def _next(self) -> list[str]:
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]]


@asynccontextmanager
async def name_server(*answers: str, more: Sequence[str] = ()) -> AsyncIterator[NameServer]:
    """Run one for the block."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(list(answers), more), local_addr=(LOOPBACK, 0)
    )
    try:
        yield server
    finally:
        transport.close()


def __getattr__(name: str) -> Resolve:
    """Return the resolver that asks the server on the port in name: a process is told a name."""
    if not name.startswith(RESOLVER):
        raise AttributeError(name)
    port = int(name.removeprefix(RESOLVER))

    async def resolve(host: str, _port: int) -> list[Address]:
        found: list[Address] = []
        for kind in ("A", "AAAA"):
            query = dns.message.make_query(host, kind)
            reply = await dns.asyncquery.udp(query, LOOPBACK, LIMIT_S, port)
            found += [ip_address(record.address) for rrset in reply.answer for record in rrset]
        return found

    return resolve
