"""Files that Telegram has already: a second request for one is sent at once."""

import logging
from collections.abc import Sequence

from userbot import codec
from userbot.domain.choices import Choice
from userbot.domain.history import has_name, media_of
from userbot.domain.media import Extraction, KnownFile
from userbot.domain.media_keys import file_key
from userbot.domain.records import JobRecord
from userbot.errors import InfrastructureError
from userbot.ports.durable import History
from userbot.ports.volatile import Cache

log = logging.getLogger(__name__)

KEPT_S = 30 * 86_400.0  # what Telegram does not take any more is noticed, and forgotten at once


class KnownFiles:
    """The file ids of what was delivered, as the bot `bot_id` may use them.

    The cache has them at hand; what the history has of a video with a name of its own outlives it.
    """

    def __init__(self, cache: Cache, history: History, bot_id: int) -> None:
        self._cache = cache
        self._history = history
        self._bot_id = bot_id

    def key(self, extraction: Extraction, choice: Choice) -> str:
        """Return the name of the work that brings a file; of a fresh one it is another."""
        key = file_key(self._bot_id, extraction, choice)
        return f"{key}:fresh" if choice.is_fresh else key

    async def find(self, extraction: Extraction, choice: Choice) -> KnownFile | None:
        """Return what Telegram has of a choice; None when nothing, or when it is to be fresh."""
        if choice.is_fresh:
            return None
        text = await self._cache.get(file_key(self._bot_id, extraction, choice))
        known = codec.file_of(text) if text else None
        return known or await self._delivered_before(extraction, choice)

    async def instant(self, extraction: Extraction, choices: Sequence[Choice]) -> frozenset[int]:
        """Return the places of the choices that can be sent at once."""
        found = [await self.find(extraction, choice) for choice in choices]
        return frozenset(at for at, known in enumerate(found) if known is not None)

    async def learn(self, record: JobRecord) -> KnownFile | None:
        """Keep the ids of what a job has delivered, and return it; None when it has no ids."""
        file, extraction, choice = record.known or record.file, record.extraction, record.choice
        if not (file and extraction and choice and record.file_ids):
            return None
        known = KnownFile(file.kind, file.title, record.file_ids, file.size_bytes)
        await self._put(extraction, choice, known)
        return known

    async def forget(self, record: JobRecord, stale: KnownFile) -> None:
        """Drop what Telegram does not take any more, unless somebody has put better there."""
        extraction, choice = record.extraction, record.choice
        if extraction is None or choice is None:
            return
        key = file_key(self._bot_id, extraction, choice)
        if await self._cache.get(key) in (None, codec.file_text(stale)):
            await self._cache.drop(key)
            await self._drop_delivered(extraction, choice)

    async def _put(self, extraction: Extraction, choice: Choice, known: KnownFile) -> None:
        key = file_key(self._bot_id, extraction, choice)
        await self._cache.put(key, codec.file_text(known), KEPT_S)

    async def _delivered_before(self, extraction: Extraction, choice: Choice) -> KnownFile | None:
        """Look into the history; what it has is at hand from then on."""
        if not has_name(extraction):
            return None
        try:
            sent = await self._history.find_files(media_of(extraction, choice, self._bot_id))
        except InfrastructureError as error:
            log.warning("it is not known what was delivered before: %r", error)
            return None
        if not sent.file_ids:
            return None
        size_bytes = sent.size_bytes or None
        known = KnownFile(choice.kind, extraction.title, sent.file_ids, size_bytes)
        await self._put(extraction, choice, known)
        return known

    async def _drop_delivered(self, extraction: Extraction, choice: Choice) -> None:
        if not has_name(extraction):
            return
        try:
            await self._history.drop_files(media_of(extraction, choice, self._bot_id))
        except InfrastructureError as error:
            log.warning("old file ids stay in the history: %r", error)
