"""The bot's side: starts the proxy, starts it again when it died, and hands out passes to calls."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from userbot.domain.calls import PRIVATE_REFUSED
from userbot.domain.site_proxies import SiteProxies
from userbot.domain.urls import AllowList, LinkProblem
from userbot.egress.process import ProxyProcess
from userbot.egress.words import Removed
from userbot.errors import (
    LinkRefusedError,
    SourceError,
    TooLargeError,
    ToolError,
    UserbotError,
    WorkerDiedError,
)

RESTART_PAUSE_S = 0.5
STARTS = 3
WORD_BYTES = 18

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, repr=False)
class EgressSettings:
    """What workers may reach although it is private, and through whom they reach the rest.

    `upstream` is the URL of an HTTP or SOCKS proxy to what `site_proxies` does not name. `resolve`
    names the function ("module:function") that looks up a name in the proxy's process.
    """

    allow: AllowList = field(default_factory=AllowList)
    upstream: str | None = None
    site_proxies: SiteProxies = field(default_factory=SiteProxies)
    resolve: str = "userbot.egress.dial:resolve"

    @property
    def upstreams(self) -> str:
        """All proxies and their sites, as `SiteProxies.parse` reads them."""
        others = self.site_proxies.for_others(self.upstream) if self.upstream else None
        return (others or self.site_proxies).text


class Passage:
    """The way out of one call: `url` is that of the proxy, with a word that counts for it alone."""

    def __init__(self, proxy: ProxyProcess, name: str, word: str, limit_bytes: int) -> None:
        self.url = f"http://{name}:{word}@127.0.0.1:{proxy.port}"
        self.name = name
        self._proxy = proxy
        self._limit_bytes = limit_bytes

    def check(self) -> None:
        """Raise TooLargeError when the call was cut, WorkerDiedError when the proxy is gone."""
        if self._proxy.is_spent(self.name):
            raise TooLargeError(None, self._limit_bytes)
        if not self._proxy.is_alive:
            raise WorkerDiedError("the egress proxy died")

    def explain(self, removed: Removed | None) -> UserbotError | None:
        """Return what the call really came to, None when that is what it says itself.

        Also a call that seems to have gone well is asked: where only the end of a connection ends
        a file, one that was cut looks whole.
        """
        if removed is None:
            return WorkerDiedError("the egress proxy died")
        return TooLargeError(None, self._limit_bytes) if removed.is_spent else None


def _led_astray(error: SourceError | ToolError, removed: Removed) -> bool:
    """Tell whether a refusal is what ended the call; one of a cover alone never does.

    ffmpeg does not say what it was refused.
    """
    is_last = PRIVATE_REFUSED in error.detail or isinstance(error, ToolError)
    return removed.is_link_refused or (removed.private_refusals > 0 and is_last)


class Egress:
    """The one way out for workers. Open it with `Egress.open`."""

    def __init__(self, settings: EgressSettings) -> None:
        self._settings = settings
        self._proxy: ProxyProcess | None = None
        self._starting = asyncio.Lock()
        self._started_at_s = float("-inf")
        self._is_closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: EgressSettings) -> AsyncIterator["Egress"]:
        """Run a proxy for the block. Raises WorkerDiedError when it cannot be started at all."""
        egress = cls(settings)
        try:
            await egress._current()
            yield egress
        finally:
            await egress._close()

    @property
    def pid(self) -> int | None:
        """The proxy's process, None when it is to be started again."""
        return self._proxy.pid if self._proxy and self._proxy.is_alive else None

    @asynccontextmanager
    async def passage(self, cap_bytes: int, limit_bytes: int) -> AsyncIterator[Passage]:
        """Let one call out for the block, for cap_bytes in both directions together.

        After it nothing of the call is connected. What the site seemed to do wrong is raised as
        what it was: LinkRefusedError, TooLargeError (with limit_bytes), WorkerDiedError.
        """
        name, word = secrets.token_hex(6), secrets.token_urlsafe(WORD_BYTES)
        proxy = await self._let_in(name, word, cap_bytes)
        passage = Passage(proxy, name, word, limit_bytes)
        try:
            yield passage
        except (SourceError, ToolError) as error:
            removed = await proxy.remove(name)
            known = passage.explain(removed)
            if known is None and removed and _led_astray(error, removed):
                log.warning("a link led to a private address: %s", type(error).__name__)
                known = LinkRefusedError(LinkProblem.PRIVATE)
            if known is None:
                raise
            raise known from error
        else:
            if known := passage.explain(await proxy.remove(name)):
                raise known
        finally:
            proxy.forget(name)

    async def _let_in(self, name: str, word: str, cap_bytes: int) -> ProxyProcess:
        for _ in range(STARTS):
            proxy = await self._current()
            if await proxy.add(name, word, cap_bytes):
                return proxy
        raise WorkerDiedError("the egress proxy takes no calls")

    async def _current(self) -> ProxyProcess:
        async with self._starting:
            if self._is_closed:
                raise WorkerDiedError("the egress proxy is closed")
            if self._proxy is None or not self._proxy.is_alive:
                await self._replace()
            assert self._proxy is not None
            return self._proxy

    async def _replace(self) -> None:
        loop = asyncio.get_running_loop()
        if self._proxy:
            log.warning("the egress proxy died; starting another")
            await self._proxy.stop()
        await asyncio.sleep(self._started_at_s + RESTART_PAUSE_S - loop.time())
        self._started_at_s = loop.time()
        settings = self._settings
        self._proxy = await ProxyProcess.start(
            settings.allow.entries, settings.upstreams, settings.resolve
        )

    async def _close(self) -> None:
        self._is_closed = True
        async with self._starting:
            if self._proxy:
                await self._proxy.stop()
