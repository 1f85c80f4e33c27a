"""What is noted of a file under way to Telegram, so that it goes on after a restart of the bot."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from userbot.errors import DeliveryError, InfrastructureError
from userbot.telegram.uploader import UploadState

log = logging.getLogger(__name__)

NOTE_EVERY_S = 3.0

Note = Callable[[str], Awaitable[None]]
Identity = tuple[int, int]  # size and time of the last change, in ns


class Keeper:
    """Notes how far the upload of a finished file is: about 1 kB for the largest.

    A state that is not known to be about this very file - parts went while it grew, and were not
    compared yet - is not noted.
    """

    def __init__(self, identity: Identity, state: UploadState, note: Note) -> None:
        self.state = state
        self._identity = identity
        self._note = note
        self._written = ""

    @classmethod
    async def of(cls, path: Path, note: Note, noted: str | None) -> "Keeper":
        """Return the keeper of a finished file; its state is what was noted of this very file."""
        identity = await asyncio.to_thread(_identity, path)
        return cls(identity, _read(noted, identity) or UploadState(), note)

    @classmethod
    async def going_on(cls, path: Path, note: Note, state: UploadState) -> "Keeper":
        """Return the keeper of a file that is finished now, and went in part before."""
        return cls(await asyncio.to_thread(_identity, path), state, note)

    async def run(self) -> None:
        """Note what is new now and then, until cancelled."""
        while True:
            await asyncio.sleep(NOTE_EVERY_S)
            await self.write()

    async def write(self) -> None:
        """Note what is new."""
        text = json.dumps([*self._identity, self.state.dump()])
        is_known = self.state.identity == self._identity
        if not is_known or not self.state.done or text == self._written:
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


def _read(noted: str | None, identity: Identity) -> UploadState | None:
    """Return what was noted of the same file, None when nothing fits."""
    if noted is None:
        return None
    try:
        size, time_ns, dumped = json.loads(noted)
        state = UploadState.load(dumped)
    except (ValueError, TypeError):
        log.warning("what was noted of an upload cannot be read")
        return None
    return state if (size, time_ns) == identity else None
