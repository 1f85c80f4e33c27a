"""What the tests of the proxy share: sites that note who comes, and the plain client of a proxy."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

LIMIT_S = 20.0

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Canary:
    """A server that must never be reached. `hits` holds the first bytes of each visit."""

    port: int = 0
    host: str = "127.0.0.1"
    hits: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def canary(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Canary]:
    bird = Canary(host=host)

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bird.hits.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    async with serving(note, host, port) as bird.port:
        yield bird


@asynccontextmanager
async def serving(serve: Serve, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Run a server for the block; yields its port. At its end every connection is closed."""
    writers: list[asyncio.StreamWriter] = []

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await serve(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked went away
        finally:
            writer.close()

    server = await asyncio.start_server(attend, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            if writer.get_extra_info("socket").fileno() >= 0:  # what was closed has no loop
                writer.transport.abort()
        await asyncio.sleep(0)


async def ask(url: str | None, request: str, port: int = 0) -> bytes:
    """Send a request to the proxy whose URL with name and word this is; return all it answers."""
    parts = urlsplit(url or f"http://127.0.0.1:{port}")
    pass_word = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    proxy_line = f"Proxy-Authorization: Basic {pass_word}\r\n" if parts.username else ""
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        try:
            writer.write(request.replace("\r\n", f"\r\n{proxy_line}", 1).encode("latin-1"))
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def get(url: str, target: str) -> bytes:
    return await ask(url, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")


async def connect(url: str, place: str) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a tunnel; return the proxy's status line, and the ends."""
    parts = urlsplit(url)
    pass_word = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        head = f"CONNECT {place} HTTP/1.1\r\nProxy-Authorization: Basic {pass_word}\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
    return answer.partition(b"\r\n")[0], reader, writer


def status(answer: bytes) -> str:
    """The status line of an answer."""
    return answer.partition(b"\r\n")[0].decode("latin-1")


def socks(asked: list[bytes], port: int) -> Serve:
    """A SOCKS5 server that knows user and pass, and takes everybody to one port of 127.0.0.1."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02")
        user = await reader.readexactly((await reader.readexactly(2))[1])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x01\x00" if (user, password) == (b"user", b"pass") else b"\x01\x01")
        kind = (await reader.readexactly(4))[3]
        length = 4 if kind == 1 else (await reader.readexactly(1))[0]
        asked.append(await reader.readexactly(length))
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01" + os.urandom(2))
        async with asyncio.timeout(LIMIT_S):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            back.write(await reader.read(10_000))
            writer.write(await there.read())
        back.close()

    return serve
