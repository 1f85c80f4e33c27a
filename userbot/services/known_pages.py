"""Pages that were read lately: a second request for one asks the site nothing."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from userbot import codec
from userbot.domain.expiry import lifetime_s
from userbot.domain.media import Extraction
from userbot.domain.media_keys import PageKey, is_page_key, page_key, page_keys
from userbot.ports.volatile import Cache

log = logging.getLogger(__name__)

COVER_NAME = "cover.jpg"
MAX_COVER_BYTES = 400_000  # a larger one is left out
MAX_TEXT_CHARS = 6_000_000  # the record of a page is 4 MiB at most


class KnownPages:
    """What extractions found, for as long as its addresses are good.

    A page is kept under its own name; every other link that leads to it has a pointer there.
    """

    def __init__(self, cache: Cache, now: Callable[[], datetime]) -> None:
        self._cache = cache
        self._now = now

    async def find(self, url: str, folder: Path) -> Extraction | None:
        """Return what the page has, its cover in folder; None when that is not known."""
        text = await self._cache.get(await self._home(url))
        found = await asyncio.to_thread(codec.page_of, text) if text else None
        if found is None:
            return None
        extraction, cover = found
        path = folder / COVER_NAME
        if not cover:
            return extraction
        await asyncio.to_thread(path.write_bytes, cover)
        return replace(extraction, cover=path)

    async def learn(self, url: str, extraction: Extraction) -> None:
        """Keep what a page has, for all links that are known to lead to it."""
        now_s = self._now().timestamp()
        ttl_s = await asyncio.to_thread(lifetime_s, extraction.info_json, now_s)
        if ttl_s <= 0:
            return
        try:
            text = await asyncio.to_thread(_text, extraction)
        except (ValueError, OSError) as error:
            log.warning("a page is not kept: %r", error)
            return
        if len(text) > MAX_TEXT_CHARS:
            return
        home, *others = page_keys(url, extraction)
        await self._cache.put(home, text, ttl_s)
        for other in others:
            await self._cache.put(other, home, ttl_s)

    async def forget(self, url: str) -> None:
        """Ask the site again the next time, whichever link somebody has."""
        await self._cache.drop(await self._home(url))

    async def _home(self, url: str) -> PageKey:
        """Return where the page of a link is kept, if it is."""
        key = page_key(url)
        text = await self._cache.get(key)
        return PageKey(text) if text is not None and is_page_key(text) else key


def _text(extraction: Extraction) -> str:
    cover = extraction.cover
    body = b"" if cover is None else cover.read_bytes()
    return codec.page_text(extraction, body if len(body) <= MAX_COVER_BYTES else b"")
