"""What counts for a call: every byte that it or a site sends, and every connection it has open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from tests.integration.egress_helpers import LIMIT_S, ask, serving
from userbot.domain.urls import AllowList
from userbot.egress import ledger as ledgers
from userbot.egress import proxy as proxies
from userbot.egress.dial import Dialer, resolve
from userbot.egress.ledger import Ledger
from userbot.egress.proxy import Proxy, listen
from userbot.egress.rules import Rules

CAP_BYTES = 50_000
LONG = "X: " + "y" * 60_000 + "\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def proxy(cap_bytes: int) -> AsyncIterator[tuple[str, Ledger]]:
    """A proxy in this process, with one call: its URL, and the ledger."""
    ledger = Ledger(lambda _spent: None)
    ledger.add("call", "word", cap_bytes)
    faults: list[str] = []
    dialer = Dialer(Rules(AllowList.parse(["127.0.0.1"])), resolve)
    with listen() as listener:
        async with asyncio.TaskGroup() as tasks:
            serving_it = tasks.create_task(Proxy(ledger, dialer, faults.append).serve(listener))
            yield f"http://call:word@127.0.0.1:{listener.getsockname()[1]}", ledger
            serving_it.cancel()
    assert faults == []


async def answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SHORT)


async def hint_at_length(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"y" * 20_000 + b"\r\n\r\n"
    writer.write(hint * 3 + SHORT)


async def begin_and_never_end(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60_000)


async def listen_on(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nh")
    await reader.read()


@pytest.mark.parametrize(
    ("serve", "request_head"),
    [
        (answer, "GET {url}/ HTTP/1.1\r\n" + LONG + "\r\n"),
        (answer, "GET http://10.0.0.1/ HTTP/1.1\r\n" + LONG + "\r\n"),
        (answer, "CONNECT 10.0.0.1:443 HTTP/1.1\r\n" + LONG + "\r\n"),
        (answer, "POST {url}/ HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + "y" * 60_000),
        (hint_at_length, "GET {url}/ HTTP/1.1\r\n\r\n"),
        (begin_and_never_end, "GET {url}/ HTTP/1.1\r\n\r\n"),
        (listen_on, "GET {url}/ HTTP/1.1\r\n\r\n" + "y" * 500_000),
    ],
    ids=["head", "refused", "tunnel", "body", "interim", "endless head", "behind the request"],
)
async def test_no_part_of_a_message_is_free(serve, request_head):
    async with serving(serve) as port, proxy(CAP_BYTES) as (url, ledger):
        await ask(url, request_head.format(url=f"http://127.0.0.1:{port}"))
        assert ledger.remove("call").is_spent


async def test_each_byte_counts_once():
    async with serving(answer) as port, proxy(CAP_BYTES) as (url, ledger):
        head = f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 4\r\n\r\n"
        assert (await ask(url, head + "body")).endswith(b"hi")
        pass_line = len("Proxy-Authorization: Basic Y2FsbDp3b3Jk\r\n")
        sent = len(head) + pass_line + len("body")
        assert ledger.remove("call").moved_bytes == sent + len(SHORT)


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://127.0.0.1:1/"])
async def test_a_refused_connection_counts_until_it_is_gone(monkeypatch, target):
    """Else one call could hold all the places that there are for all of them."""
    monkeypatch.setattr(proxies, "PARTING_S", LIMIT_S)
    monkeypatch.setattr(ledgers, "MAX_CONNECTIONS", 2)
    async with proxy(CAP_BYTES) as (url, _):
        port = urlsplit(url).port
        head = f"GET {target} HTTP/1.1\r\nProxy-Authorization: Basic Y2FsbDp3b3Jk\r\n\r\n"
        seen = []
        async with asyncio.timeout(LIMIT_S), contextlib.AsyncExitStack() as held:
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                held.callback(writer.close)
                writer.write(head.encode())
                seen.append((await reader.readuntil(b"\r\n"))[9:12])
        assert seen[0] == seen[1] in (b"403", b"502")
        assert seen[2] == b"503"
