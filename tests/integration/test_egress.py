"""The proxy as the process that the bot starts, with real sockets on both sides."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from tests.integration.egress_helpers import LIMIT_S, ask, canary, connect, get, serving, status
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings, Passage
from userbot.egress.proxy import MAX_STRANGERS
from userbot.errors import (
    LinkRefusedError,
    SiteDownError,
    TooLargeError,
    WorkerDiedError,
)

MIB = 1024 * 1024
REFUSED = "HTTP/1.1 403 Leads to a private address"


@asynccontextmanager
async def way_out(*allow: str, cap_bytes: int = MIB) -> AsyncIterator[Passage]:
    async with (
        Egress.open(EgressSettings(AllowList.parse(allow))) as egress,
        egress.passage(cap_bytes, limit_bytes=7) as passage,
    ):
        yield passage


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the head that came, then close."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = head + await reader.read(int(head.partition(b"Content-Length: ")[2].split()[0] or 0))
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def echo_get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(head), head))


async def test_a_plain_request_is_passed_on_without_what_was_meant_for_the_proxy():
    async with serving(echo_get) as port, way_out(f"127.0.0.1:{port}") as passage:
        asked = f"GET http://127.0.0.1:{port}/a?b=c HTTP/1.1\r\nHost: elsewhere\r\nX-Kept: 1\r\n"
        answer = await ask(
            passage.url, f"{asked}Connection: keep-alive, X-Gone\r\nX-Gone: 1\r\n\r\n"
        )
    head, _, seen = answer.partition(b"\r\n\r\n")
    assert head.endswith(b"\r\nConnection: close")
    assert b"keep-alive" not in answer
    assert seen.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Kept: 1\r\n" % port)
    assert b"Proxy-Authorization" not in seen
    assert b"X-Gone" not in seen


async def test_the_body_of_a_request_goes_along_and_nothing_behind_it():
    async with serving(echo) as port, way_out(f"127.0.0.1:{port}") as passage:
        asked = f"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"
        answer = await ask(passage.url, asked + "GET http://127.0.0.1:1/second HTTP/1.1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nbody")


async def test_a_tunnel_carries_bytes_both_ways_until_both_sides_are_done():
    async def answer_at_the_end(reader, writer):
        everything = await reader.read()
        writer.write(everything[::-1])
        writer.write_eof()

    sent = bytes(range(256)) * 8000
    async with (
        serving(answer_at_the_end) as port,
        way_out("127.0.0.1", cap_bytes=10 * MIB) as passage,
    ):
        said, reader, writer = await connect(passage.url, f"127.0.0.1:{port}")
        assert said == b"HTTP/1.1 200 Connection established"
        async with asyncio.timeout(LIMIT_S):
            writer.write(sent)
            writer.write_eof()
            got = await reader.read()
        writer.close()
    assert got == sent[::-1]


async def test_a_slow_reader_holds_up_the_site_and_gets_everything():
    body = os.urandom(8 * MIB)

    async def pour(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async with serving(pour) as port, way_out("127.0.0.1", cap_bytes=20 * MIB) as passage:
        said, reader, writer = await connect(passage.url, f"127.0.0.1:{port}")
        assert b"200" in said
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        got = bytearray()
        async with asyncio.timeout(LIMIT_S):
            while chunk := await reader.read(50_000):
                got += chunk
                await asyncio.sleep(0)
        writer.close()
    assert got.endswith(body)


@pytest.mark.parametrize("how", ["wrong word", "no pass", "pass of an ended call"])
async def test_nobody_passes_without_the_word_of_a_running_call(how):
    settings = EgressSettings(AllowList.parse(["127.0.0.1"]))
    async with canary() as bird, Egress.open(settings) as egress:
        async with egress.passage(MIB, MIB) as ended:
            pass
        async with egress.passage(MIB, MIB) as passage:
            url = {
                "wrong word": passage.url.replace("@", "x@"),
                "no pass": "http://127.0.0.1:" + passage.url.rpartition(":")[2],
                "pass of an ended call": ended.url,
            }[how]
            answer = await get(url, f"{bird.url}/")
    assert status(answer) == "HTTP/1.1 407 Proxy Authentication Required"
    assert b"\r\nProxy-Authenticate: Basic" in answer  # ffmpeg sends its pass only after that
    assert bird.hits == []


async def test_the_end_of_a_call_cuts_its_connections_and_spares_those_of_others():
    async def say_back(reader, writer):
        while line := await reader.readline():
            writer.write(line)

    settings = EgressSettings(AllowList.parse(["127.0.0.1"]))
    async with (
        serving(say_back) as port,
        Egress.open(settings) as egress,
        egress.passage(MIB, MIB) as other,
    ):
        _, kept, kept_writer = await connect(other.url, f"127.0.0.1:{port}")
        async with egress.passage(MIB, MIB) as passage:
            _, cut, cut_writer = await connect(passage.url, f"127.0.0.1:{port}")
        async with asyncio.timeout(LIMIT_S):
            assert await cut.read() == b""
            kept_writer.write(b"still here\n")
            assert await kept.readline() == b"still here\n"
        cut_writer.close()
        kept_writer.close()


async def test_a_call_that_was_cut_did_not_go_well_even_if_it_says_so():
    async def pour(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(2 * MIB))

    async with serving(pour) as port:
        with pytest.raises(TooLargeError):
            async with way_out("127.0.0.1", cap_bytes=MIB) as passage:
                await get(passage.url, f"http://127.0.0.1:{port}/")


async def test_a_call_above_its_bytes_is_cut_and_told_as_too_large():
    async def pour(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    async with serving(pour) as port:
        with pytest.raises(TooLargeError) as caught:
            async with way_out("127.0.0.1", cap_bytes=MIB) as passage:
                got = await get(passage.url, f"http://127.0.0.1:{port}/")
                assert len(got) < 2 * MIB
                assert status(await get(passage.url, f"http://127.0.0.1:{port}/")).startswith(
                    "HTTP/1.1 503"
                )
                with pytest.raises(TooLargeError):
                    await eventually_raises(passage)
                raise SiteDownError("half a file")
    assert caught.value.args == (None, 7)


async def eventually_raises(passage: Passage) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            passage.check()
            await asyncio.sleep(0.01)


async def test_what_failed_after_a_way_into_a_private_network_is_told_as_that():
    async with canary() as bird:
        with pytest.raises(LinkRefusedError) as caught:
            async with way_out() as passage:
                assert status(await get(passage.url, f"{bird.url}/")) == REFUSED
                raise SiteDownError("403 or so")
    assert caught.value.problem == "private"
    assert bird.hits == []


@pytest.mark.parametrize(
    ("detail", "kind"),
    [("no film", SiteDownError), ("HTTP Error 403: Leads to a private address", LinkRefusedError)],
)
async def test_a_refused_picture_is_not_why_a_link_failed(detail, kind):
    async with canary() as bird, serving(echo_get) as port:
        with pytest.raises(kind):
            async with way_out(f"127.0.0.1:{port}") as passage:
                assert b"200 OK" in await get(passage.url, f"http://127.0.0.1:{port}/")
                assert status(await get(passage.url, f"{bird.url}/")) == REFUSED
                raise SiteDownError(detail)


async def test_many_strangers_keep_nobody_out():
    async with serving(echo_get) as port, way_out("127.0.0.1") as passage:
        place = ("127.0.0.1", int(passage.url.rpartition(":")[2]))
        with ExitStack() as strangers:
            for _ in range(MAX_STRANGERS + 20):
                strangers.enter_context(socket.create_connection(place))
            assert b"200 OK" in await get(passage.url, f"http://127.0.0.1:{port}/")


async def test_other_failures_stay_what_they_are():
    with pytest.raises(SiteDownError):
        async with way_out():
            raise SiteDownError("half a file")


async def test_a_proxy_that_was_killed_is_replaced_and_its_calls_may_be_tried_again():
    async with serving(echo_get) as port:
        settings = EgressSettings(AllowList.parse(["127.0.0.1"]))
        async with Egress.open(settings) as egress:
            first = egress.pid
            with pytest.raises(WorkerDiedError):
                async with egress.passage(MIB, MIB) as passage:
                    assert first is not None
                    os.kill(first, signal.SIGKILL)
                    with pytest.raises(WorkerDiedError):
                        await eventually_raises(passage)
                    raise SiteDownError("no connection")
            async with egress.passage(MIB, MIB) as passage:
                assert status(await get(passage.url, f"http://127.0.0.1:{port}/")).endswith("OK")
            assert egress.pid not in (None, first)


async def test_the_proxy_ends_with_the_bot_and_knows_nothing_of_it(monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    monkeypatch.setenv("https_proxy", "http://elsewhere:1")
    async with Egress.open(EgressSettings()) as egress:
        assert egress.pid is not None
        process = psutil.Process(egress.pid)
        assert "secret" not in " ".join(process.cmdline())
        if os.getuid() == 0:
            environ = Path(f"/proc/{egress.pid}/environ").read_bytes()
            assert b"secret" not in environ
            assert b"elsewhere" not in environ
        process.send_signal(signal.SIGTERM)  # a service manager tells all; the bot decides
    assert not process.is_running()


async def test_a_proxy_that_cannot_start_is_told_as_that():
    with pytest.raises(WorkerDiedError, match=r"AttributeError.*nothing"):
        async with Egress.open(EgressSettings(resolve="userbot.egress.dial:nothing")):
            pass
    with pytest.raises(WorkerDiedError) as caught:
        async with Egress.open(EgressSettings(upstream="gopher://user:password@host:1")):
            pass
    assert "password" not in str(caught.value)


async def test_garbage_and_silence_hurt_nobody():
    async with serving(echo_get) as port, way_out("127.0.0.1") as passage:
        for garbage in ("\r\n\r\n", "\x16\x03\x01\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "A" * 70_000):
            answer = await ask(None, garbage, port=int(passage.url.rpartition(":")[2]))
            assert status(answer) in ("HTTP/1.1 400 Bad Request", "HTTP/1.1 400 Too long", "")
        assert b"200 OK" in await get(passage.url, f"http://127.0.0.1:{port}/")
