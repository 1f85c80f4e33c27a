"""The proxy's side of the line to the bot. When the line ends, so does the proxy."""

import asyncio
import contextlib
import pkgutil
import socket

from userbot.domain.site_proxies import SiteProxies
from userbot.domain.urls import AllowList
from userbot.egress.dial import Dialer, UpstreamOf
from userbot.egress.ledger import Ledger
from userbot.egress.lookups import Resolve
from userbot.egress.proxy import Proxy, listen
from userbot.egress.rules import Rules
from userbot.egress.upstream import through
from userbot.egress.words import (
    MAX_PACKET_BYTES,
    Add,
    Fault,
    Ready,
    Remove,
    Start,
    Word,
    decode,
    encode,
)


async def serve(line: socket.socket, resolve_name: str) -> None:
    """Be the proxy that the bot asks for, until it hangs up.

    resolve_name: "module:function" of a `Resolve`.
    """
    line.setblocking(False)
    start = await _hear(line)
    if not isinstance(start, Start):
        return
    resolve: Resolve = pkgutil.resolve_name(resolve_name)
    ledger = Ledger(lambda spent: say(line, spent))
    dialer = Dialer(Rules(AllowList.parse(start.allow)), resolve, _ways(start.upstream or ""))
    proxy = Proxy(ledger, dialer, lambda reason: say(line, Fault(reason)))
    with listen() as listener:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(proxy.serve(listener))
            say(line, Ready(listener.getsockname()[1]))
            await _obey(line, ledger)
            serving.cancel()


def _ways(site_proxies: str) -> UpstreamOf:
    proxies = SiteProxies.parse(site_proxies)
    ways = {url: through(url) for url in proxies.proxies}
    return lambda host: ways.get(proxies.proxy_of(host) or "")


async def _obey(line: socket.socket, ledger: Ledger) -> None:
    while word := await _hear(line):
        if isinstance(word, Add):
            say(line, ledger.add(word.name, word.word, word.cap_bytes))
        elif isinstance(word, Remove):
            say(line, ledger.remove(word.name))


async def _hear(line: socket.socket) -> Word | None:
    """Return the bot's next word, None when it is gone."""
    try:
        packet = await asyncio.get_running_loop().sock_recv(line, MAX_PACKET_BYTES)
    except ConnectionError:
        return None
    return decode(packet) if packet else None


def say(line: socket.socket, word: Word) -> None:
    """Tell the bot something; never waits."""
    with contextlib.suppress(OSError):  # a bot that does not listen is about to hang up
        line.send(encode(word))
