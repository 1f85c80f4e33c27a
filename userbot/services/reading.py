"""What a page has: known from before, read by somebody else right now, or read here."""

from dataclasses import replace

from userbot.domain.choices import Choice, choices_for
from userbot.domain.jobs import Looking
from userbot.domain.media import Extraction
from userbot.domain.media_keys import page_key
from userbot.domain.records import EXTRACT
from userbot.errors import NoVideoError
from userbot.ports import Workers
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.known_pages import KnownPages
from userbot.services.limits import Limits


class Reading:
    """Reads pages, each once however many people ask."""

    def __init__(self, kit: Kit, workers: Workers, pages: KnownPages, limits: Limits) -> None:
        self._kit = kit
        self._workers = workers
        self._pages = pages
        self._limits = limits

    async def run(self, held: Held) -> bool:
        """Put what the page has into the record; False: somebody reads it, and the job waits."""
        job, shared = held.record.job, self._kit.shared
        told = shared.told(job.id, Extraction)
        folder = await self._kit.folders.make(job.id)
        extraction = await self._pages.find(job.url, folder)
        if extraction is None and told is not None:
            extraction = replace(told, cover=None)  # that is in another's folder
        if extraction is None:
            key = page_key(job.url)
            if not await shared.leads(key, job):
                await shared.follow(key, held)
                return False
            extraction = await self._pages.find(job.url, folder)  # it may just have come
        if extraction is None:
            extraction = await self._read(held)
            await self._pages.learn(job.url, extraction)
        await shared.done(job.id, extraction)
        self._learn(held, extraction)
        return True

    async def again(self, held: Held) -> None:
        """Read the page of a job whose quality was picked once more, and find that quality."""
        record = held.record
        assert record.choice is not None
        await self._pages.forget(record.job.url)
        extraction = await self._extract(held)
        choices = self._choices(extraction)
        held.learn(extraction=extraction, choices=choices, choice=_same(record.choice, choices))
        await self._pages.learn(record.job.url, extraction)

    async def forget(self, held: Held) -> None:
        """Ask the site the next time: its addresses are not good any more."""
        await self._pages.forget(held.record.job.url)

    async def _read(self, held: Held) -> Extraction:
        self._kit.shared.show(held.record.job, Looking())
        return await self._extract(held)

    async def _extract(self, held: Held) -> Extraction:
        job = held.record.job
        folder = await self._kit.folders.make(job.id)
        async with held.working(self._limits.job_timeout_s, EXTRACT):
            return await self._workers.extract(job.url, folder)

    def _learn(self, held: Held, extraction: Extraction) -> None:
        choices = self._choices(extraction)
        held.learn(extraction=extraction, choices=choices, attempts=0, retries=0)

    def _choices(self, extraction: Extraction) -> tuple[Choice, ...]:
        return choices_for(extraction.formats, extraction.duration_s, self._limits.size_bytes)


def _same(picked: Choice, choices: tuple[Choice, ...]) -> Choice:
    """Return the choice that is what was picked, or the nearest of its kind."""
    alike = [choice for choice in choices if choice.kind is picked.kind]
    if not alike:
        raise NoVideoError("what was picked is not there any more")
    nearest = min(alike, key=lambda choice: abs((choice.height or 0) - (picked.height or 0)))
    return replace(nearest, is_fresh=picked.is_fresh)
