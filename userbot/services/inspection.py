"""The first step of a job: read the page, and offer what it has."""

from userbot.domain.choices import Choice, choices_for
from userbot.domain.jobs import Looking, Menu
from userbot.domain.media import MediaKind
from userbot.domain.needs import is_quick
from userbot.domain.records import JobState
from userbot.errors import UserbotError
from userbot.ports import Workers
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.limits import Limits
from userbot.services.offers import Offers
from userbot.services.refused import Refused


class Inspection:
    """Looks at pages; those that refused for good are not asked again for a while."""

    def __init__(
        self, kit: Kit, workers: Workers, offers: Offers, refused: Refused, limits: Limits
    ) -> None:
        self._kit = kit
        self._workers = workers
        self._offers = offers
        self._refused = refused
        self._limits = limits

    async def run(self, held: Held) -> None:
        """Take a NEW job to its menu, or past it when its person has said what they want."""
        job, wish = held.record.job, held.record.wish
        self._refused.check(job.url)
        try:
            await self._look(held)
        except UserbotError as error:
            self._refused.learn(job.url, error)
            raise
        extraction, choices = held.record.extraction, held.record.choices
        assert extraction is not None
        if (choice := _wished(choices, wish)) is not None:
            await held.release(state=JobState.QUEUED, choice=choice, is_quick=is_quick(choice))
            self._kit.line.joined(job, extraction.title)
            return
        await held.release(state=JobState.OFFERED)
        self._kit.chat.show(job, Menu(extraction, choices))
        self._offers.opened(job, self._kit.now())

    async def _look(self, held: Held) -> None:
        """Put what the page has into the record."""
        job = held.record.job
        self._kit.chat.show(job, Looking())
        folder = await self._kit.folders.make(job.id)
        async with held.working(self._limits.job_timeout_s):
            extraction = await self._workers.extract(job.url, folder)
        choices = choices_for(extraction.formats, extraction.duration_s, self._limits.size_bytes)
        held.learn(extraction=extraction, choices=choices, attempts=0, retries=0)


def _wished(choices: tuple[Choice, ...], wish: MediaKind | None) -> Choice | None:
    """Return the best choice of the kind that was asked for, None when nothing was or none is."""
    return next((choice for choice in choices if choice.kind is wish), None)
