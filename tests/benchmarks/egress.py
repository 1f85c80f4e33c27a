"""What the way through the egress proxy costs: a large body by CONNECT, as a plain GET, directly.

    python -m tests.benchmarks.egress --mib 2000 --connections 4

A site in a process of its own pours zeros; this process reads them through the proxy that the bot
would start. The CPU time is the proxy's own, user and system; MB and GB are powers of ten.
"""

import argparse
import asyncio
import base64
import socket
import sys
import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import psutil

from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings

MIB = 1024 * 1024
CHUNK = bytes(MIB)
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the site: where to connect, and what to send there."""

    name: str
    port: int
    heads: tuple[str, ...]


def pour(mib: int, told: Connection) -> None:
    """Be the site: answer whatever comes with so many MiB."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        told.send(listener.getsockname()[1])
        asyncio.run(_answer_all(listener, mib))


async def _answer_all(listener: socket.socket, mib: int) -> None:
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        while True:
            client, _ = await loop.sock_accept(listener)
            tasks.create_task(_answer(client, mib))


async def _answer(client: socket.socket, mib: int) -> None:
    loop = asyncio.get_running_loop()
    client.setblocking(False)
    with client:
        if not await loop.sock_recv(client, 65536):
            return
        try:
            await loop.sock_sendall(client, HEAD)
            for _ in range(mib):
                await loop.sock_sendall(client, CHUNK)
        except ConnectionError:
            return


async def _fetch(port: int, *heads: str) -> int:
    """Send each head, wait for an answer to each, and return how many bytes the last one had."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        total = 0
        for head in heads:
            await loop.sock_sendall(sock, head.encode())
            total = len(await loop.sock_recv(sock, 65536))
        buffer = bytearray(MIB)
        while count := await loop.sock_recv_into(sock, buffer):
            total += count
        return total


async def _measure(way: Way, connections: int, proxy: psutil.Process) -> None:
    before, began_s = proxy.cpu_times(), time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        jobs = [tasks.create_task(_fetch(way.port, *way.heads)) for _ in range(connections)]
    wall_s, after = time.perf_counter() - began_s, proxy.cpu_times()
    megabytes = sum(job.result() for job in jobs) / 1e6
    cpu_s = after.user + after.system - before.user - before.system
    say(
        f"{way.name:8} {megabytes:7.0f} MB  {megabytes / wall_s:6.0f} MB/s"
        f"  proxy {cpu_s / megabytes * 1000:5.2f} CPU-s/GB"
    )


async def _run(mib: int, connections: int, rounds: int, port: int) -> None:
    settings = EgressSettings(AllowList.parse([f"127.0.0.1:{port}"]))
    async with Egress.open(settings) as egress, egress.passage(10**15, 10**15) as passage:
        assert egress.pid is not None
        proxy = psutil.Process(egress.pid)
        for _ in range(rounds):
            for way in _ways(port, passage.url):
                await _measure(way, connections, proxy)


def _ways(port: int, url: str) -> tuple[Way, ...]:
    parts = urlsplit(url)
    pass_word = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    line = f"Proxy-Authorization: Basic {pass_word}"
    proxy, place, get = parts.port or 0, f"127.0.0.1:{port}", "GET / HTTP/1.1\r\n\r\n"
    return (
        Way("direct", port, (get,)),
        Way("CONNECT", proxy, (f"CONNECT {place} HTTP/1.1\r\n{line}\r\n\r\n", get)),
        Way("plain", proxy, (f"GET http://{place}/ HTTP/1.1\r\n{line}\r\n\r\n",)),
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1000, help="of each connection")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    site = context.Process(target=pour, args=(options.mib, theirs), daemon=True)
    site.start()
    try:
        asyncio.run(_run(options.mib, options.connections, options.rounds, ours.recv()))
    finally:
        site.terminate()
        site.join()


if __name__ == "__main__":
    main()
