"""What is noted of a file under way to Telegram, so that it goes on after a restart of the bot."""

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from userbot.domain.media import Growth
from userbot.errors import DeliveryError, InfrastructureError
from userbot.ports import Note
from userbot.telegram.uploader import OpenFile, UploadState
from userbot.telegram.uploader.source import Identity

log = logging.getLogger(__name__)

NOTE_EVERY_S = 3.0
GROWS = "grows"


class Keeper:
    """Notes how far the upload of a file is: about 1 kB for the largest, 64 kB while it grows.

    A state that is not known to be about this very file - parts went while it grew, and were not
    compared yet - is not noted as the file's.
    """

    def __init__(self, about: Identity | list[Any], state: UploadState, note: Note) -> None:
        self.state = state
        self._about = about  # a file, or how one grows
        self._note = note
        self._written = ""

    @classmethod
    async def of(cls, path: Path, note: Note, noted: str | None) -> "Keeper":
        """Return the keeper of a finished file; its state is what was noted of this very file.

        What was noted while a file grew is compared with this one.
        """
        identity = await asyncio.to_thread(_identity, path)
        state = await asyncio.to_thread(_of_file, path, identity, noted)
        return cls(identity, state or UploadState(), note)

    @classmethod
    def growing(cls, growth: Growth, note: Note, noted: str | None) -> "Keeper":
        """Return the keeper of a file that is being written; of an earlier try alike, goes on."""
        grows = [GROWS, [growth.size_bytes, growth.head_bytes]]
        *about, state = _read(noted)
        return cls(grows, state if state and about == grows else UploadState(), note)

    async def finished(self, path: Path) -> None:
        """Know the file that has grown; it is noted as such once it was compared."""
        self._about = await asyncio.to_thread(_identity, path)

    async def run(self) -> None:
        """Note what is new now and then, until cancelled."""
        while True:
            await asyncio.sleep(NOTE_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Note what is new."""
        is_known = self.state.identity == (self._about if isinstance(self._about, tuple) else None)
        if not is_known or not self.state.done:
            return
        text = json.dumps([*self._about, self.state.dump()])
        if text == self._written:
            return
        try:
            await self._note(text)
        except InfrastructureError as error:  # then more is uploaded again, and that is all
            log.warning("the parts of an upload were not noted: %r", error)
        else:
            self._written = text


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except OSError as error:
        raise DeliveryError(type(error).__name__) from error
    return found.st_size, found.st_mtime_ns


def _of_file(path: Path, identity: Identity, noted: str | None) -> UploadState | None:
    """Return what was noted of a finished file, None when nothing fits. Blocks."""
    first, second, state = _read(noted)
    if state is None or first != GROWS:
        return state if (first, second) == identity else None
    may_fit = isinstance(second, list) and second[:1] in ([None], [identity[0]])
    if not may_fit or not _was_read(path, state.digests):
        log.info("what was uploaded while a file grew is not of the file that it became")
        return None
    state.digests.clear()
    state.identity = identity
    return state


def _was_read(path: Path, digests: Mapping[int, bytes]) -> bool:
    """Say whether these are parts of a file."""
    try:
        with OpenFile(path) as file:
            file.compare(digests)
    except (DeliveryError, OSError):
        return False
    return True


def _read(noted: str | None) -> tuple[Any, Any, UploadState | None]:
    """Return what a note is about, and what it says; nothing when it cannot be read."""
    if noted is None:
        return None, None, None
    try:
        first, second, dumped = json.loads(noted)
        return first, second, UploadState.load(dumped)
    except (ValueError, TypeError):
        log.warning("what was noted of an upload cannot be read")
        return None, None, None
