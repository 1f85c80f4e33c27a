"""From a picked quality to the file in the chat: sent again, waited for, or fetched and sent."""

import logging
from typing import Any

from userbot.domain.choices import Choice
from userbot.domain.media import Extraction, KnownFile
from userbot.domain.needs import is_quick
from userbot.domain.records import JobRecord, JobState
from userbot.errors import FileRefusedError
from userbot.services.fetching import Fetching
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.sending import Sending

log = logging.getLogger(__name__)


class Bringing:
    """Delivers, in the cheapest way there is."""

    def __init__(self, kit: Kit, fetching: Fetching, sending: Sending) -> None:
        self._kit = kit
        self._fetching = fetching
        self._sending = sending

    async def run(self, held: Held) -> bool:
        """Take a job to its end; False: its claim was given back, it waits for something."""
        if not _has_own_file(held.record):
            known = await self._known(held.record)
            if known is not None:
                return await self._send_again(held, known)
        if not await self._leads(held):
            return False
        return await self._lead(held)

    async def found(self, held: Held, within_s: float | None = None) -> bool:
        """End a job whose file is in the chat, for all who wait for it; see `Sending.found`."""
        if not await self._sending.found(held, within_s):
            return False
        known = await self._kit.files.learn(held.record)
        await self._kit.shared.done(held.record.job.id, known)
        return True

    async def _lead(self, held: Held) -> bool:
        """Do the work for all, and hand on what came of it."""
        record, shared = held.record, self._kit.shared
        if not _has_own_file(record):
            known = await self._find(record)  # it may have come in this very moment
            if known is not None:
                await shared.done(record.job.id, known)
                return await self._send_again(held, known)
            if record.is_quick and not is_quick(_picked(record)[1]):
                await self._back_in_line(held)  # it was to be done in a moment, and is not
                return False
        if not await self._bring(held):
            return False
        await shared.done(record.job.id, await self._kit.files.learn(held.record))
        return True

    async def _bring(self, held: Held) -> bool:
        if not await self._fetching.run(held):
            return False
        await self._sending.run(held)
        return True

    async def _known(self, record: JobRecord) -> KnownFile | None:
        told = self._kit.shared.told(record.job.id, KnownFile)
        if record.known is not None or told is not None:
            return record.known or told
        return await self._find(record)

    async def _find(self, record: JobRecord) -> KnownFile | None:
        return await self._kit.files.find(*_picked(record))

    async def _send_again(self, held: Held, known: KnownFile) -> bool:
        """Send what Telegram has; when it does not take that any more, all begins anew."""
        try:
            await self._sending.resend(held, known)
        except FileRefusedError as error:
            log.info("a known file is fetched again after %s", error.code)
            await self._kit.files.forget(held.record, known)
            # Of several parts some may have been sent under this number and those after it.
            anew: dict[str, Any] = {"known": None, "send_random_id": None}
            await self._back_in_line(held, state=JobState.QUEUED, **anew)
            return False
        await self._kit.shared.leave(held.record.job.id)
        await self._kit.files.learn(held.record)
        return True

    async def _leads(self, held: Held) -> bool:
        """Say whether this job is to do the work; else it waits for the one that does."""
        record, shared = held.record, self._kit.shared
        key = self._kit.files.key(*_picked(record))
        if await shared.leads(key, record.job) or _has_own_file(record):
            return True
        await shared.follow(key, held, is_quick=True)
        return False

    async def _back_in_line(self, held: Held, **changes: Any) -> None:
        """Give the claim back, in its lane; who follows does not wait in that line too."""
        extraction, choice = _picked(held.record)
        await self._kit.shared.leave(held.record.job.id)
        await held.release(is_quick=is_quick(choice), not_before=None, **changes)
        self._kit.line.joined(held.record.job, extraction.title, says_other=True)


def _picked(record: JobRecord) -> tuple[Extraction, Choice]:
    """Return the video and the quality of a job that is past its menu."""
    assert record.extraction is not None
    assert record.choice is not None
    return record.extraction, record.choice


def _has_own_file(record: JobRecord) -> bool:
    """Say whether an earlier run has fetched the file of this very job."""
    return record.file is not None and record.state in (JobState.FETCHED, JobState.SENDING)
