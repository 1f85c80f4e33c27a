"""The proxy itself: accepts, reads one request per connection, judges it, and joins two sockets."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing, suppress

from userbot.egress.dial import Dialer
from userbot.egress.ledger import Account, Ledger
from userbot.egress.refusals import Refusal, bad_request, no_site
from userbot.egress.relay import BUFFER_BYTES, OnMoved, Relay
from userbot.egress.replies import Reply, end_of_head, parse_reply
from userbot.egress.requests import END, MAX_HEAD_BYTES, Request, parse_request

HEAD_S = 3.0  # all of our clients send it at once
SEND_S = 60.0
REPLY_S = 20.0  # the clients themselves wait 15 s
PARTING_S = 1.0
READ_BYTES = 64 * 1024
BACKLOG = 128
MAX_INTERIM = 5
MAX_CONNECTIONS = 2048
MAX_STRANGERS = 256  # connections that have not shown a pass yet
BUSY_PAUSE_S = 0.1
CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Proxy:
    """Serves one listening socket. Whoever has no account in `ledger` is sent away.

    `on_fault` is told what ended a connection though nobody expected it, without any address.
    """

    def __init__(self, ledger: Ledger, dialer: Dialer, on_fault: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._dialer = dialer
        self._on_fault = on_fault
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._places = asyncio.Semaphore(MAX_CONNECTIONS)
        self._strangers: dict[socket.socket, None] = {}  # the oldest first

    async def serve(self, listener: socket.socket) -> None:
        """Accept until cancelled; then every connection ends."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                await self._places.acquire()
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError:  # no more files
                    self._places.release()
                    await asyncio.sleep(BUSY_PAUSE_S)
                    continue
                self._welcome(client)
                connections.create_task(self._attend(client))

    def _welcome(self, client: socket.socket) -> None:
        """Count a stranger; when there are too many, the oldest has to go."""
        if len(self._strangers) >= MAX_STRANGERS:
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            with suppress(OSError):  # it is gone already
                oldest.shutdown(socket.SHUT_RDWR)
        self._strangers[client] = None

    async def _attend(self, client: socket.socket) -> None:
        """Serve one connection to its end, whatever happens on it."""
        with closing(client):
            try:
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await self._converse(client)
            except (OSError, TimeoutError):
                pass  # one side went away
            except Exception as error:  # noqa: BLE001 - one connection must not end the others
                self._on_fault(type(error).__name__)
            finally:
                self._strangers.pop(client, None)
                self._places.release()

    async def _converse(self, client: socket.socket) -> None:
        try:
            head, rest = await _read_head(client)
            request = parse_request(head)
            account = self._ledger.find(request.pass_word)
            with self._ledger.connection(account):
                self._strangers.pop(client, None)
                self._ledger.moved(account, len(head) + len(END) + len(rest))
                try:
                    await self._carry_out(client, request, rest, account)
                except Refusal as refusal:  # until it is gone it counts
                    await _part(client, refusal)
        except Refusal as refusal:
            await _part(client, refusal)

    async def _carry_out(
        self, client: socket.socket, request: Request, rest: bytes, account: Account
    ) -> None:
        is_first, account.is_fresh = account.is_fresh, False
        try:
            site = await self._dialer.open(request.host, request.port, account.lookups)
        except Refusal as refusal:
            if refusal.is_private:
                account.refuse(is_first=is_first)
            raise
        with closing(site):
            if request.is_tunnel:
                await _send(client, CONNECTED)
                if rest:
                    await _send(site, rest)
                await self._relay(client, site, account).run()
            else:
                await self._exchange(client, site, request, rest, account)

    async def _exchange(
        self,
        client: socket.socket,
        site: socket.socket,
        request: Request,
        rest: bytes,
        account: Account,
    ) -> None:
        """Pass one request on and its answer back; the connection ends with it."""
        await _send(site, request.head_for_site())
        await self._pass_body(client, site, rest, request.body_bytes, account)
        reply, rest = await _read_reply(
            site, request.method, lambda count: self._ledger.moved(account, count)
        )
        rest = rest[: reply.body_bytes]
        await _send(client, reply.head + rest)
        left = None if reply.body_bytes is None else reply.body_bytes - len(rest)
        await self._relay(client, site, account).run_down(left)

    async def _pass_body(
        self, client: socket.socket, site: socket.socket, rest: bytes, length: int, account: Account
    ) -> None:
        loop = asyncio.get_running_loop()
        chunk = rest[:length]
        await _send(site, chunk)
        while length := length - len(chunk):
            async with asyncio.timeout(SEND_S):
                chunk = await loop.sock_recv(client, min(READ_BYTES, length))
            if not chunk:
                raise ConnectionError
            self._ledger.moved(account, len(chunk))
            await _send(site, chunk)

    def _relay(self, client: socket.socket, site: socket.socket, account: Account) -> Relay:
        return Relay(client, site, self._buffer, lambda count: self._ledger.moved(account, count))


def listen() -> socket.socket:
    """Return a socket that listens on a free port of 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


async def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """Return the head without its end, and what came after it. Raises Refusal when too long."""
    loop = asyncio.get_running_loop()
    received, seen = bytearray(), 0
    async with asyncio.timeout(HEAD_S):
        while (end := received.find(END, max(0, seen - len(END) + 1))) < 0:
            if len(received) > MAX_HEAD_BYTES:
                raise bad_request("Too long")
            chunk = await loop.sock_recv(client, READ_BYTES)
            if not chunk:
                raise ConnectionError
            seen = len(received)
            received += chunk
    return bytes(received[:end]), bytes(received[end + len(END) :])


async def _read_reply(site: socket.socket, method: str, on_moved: OnMoved) -> tuple[Reply, bytes]:
    """Return the head of the site's answer, and what came after it; interim ones are dropped."""
    received = bytearray()
    for _ in range(MAX_INTERIM):
        end = await _until_head(site, received, on_moved)
        reply = parse_reply(bytes(received[:end]), method)
        del received[:end]
        if not reply.is_interim:
            return reply, bytes(received)
    raise no_site()


async def _until_head(site: socket.socket, received: bytearray, on_moved: OnMoved) -> int:
    loop = asyncio.get_running_loop()
    seen = 0
    async with asyncio.timeout(REPLY_S):
        while (end := end_of_head(received, seen)) is None:
            chunk = await loop.sock_recv(site, READ_BYTES)
            if not chunk:
                raise no_site()
            on_moved(len(chunk))
            seen = len(received)
            received += chunk
    return end


async def _send(target: socket.socket, data: bytes) -> None:
    async with asyncio.timeout(SEND_S):
        await asyncio.get_running_loop().sock_sendall(target, data)


async def _part(client: socket.socket, refusal: Refusal) -> None:
    """Say why not, and let the client read it: closing at once could take the words back."""
    loop = asyncio.get_running_loop()
    await _send(client, refusal.answer.encode())
    client.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(PARTING_S):
        while await loop.sock_recv(client, READ_BYTES):
            pass
