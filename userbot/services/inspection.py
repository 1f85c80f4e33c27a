"""The first step of a job: read the page, and offer what it has."""

from userbot.domain.choices import Choice
from userbot.domain.media import MediaKind
from userbot.domain.needs import is_quick
from userbot.domain.records import JobState
from userbot.errors import UserbotError
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.offers import Offers
from userbot.services.reading import Reading
from userbot.services.refused import Refused


class Inspection:
    """Looks at pages; those that refused for good are not asked again for a while."""

    def __init__(self, kit: Kit, reading: Reading, offers: Offers, refused: Refused) -> None:
        self._kit = kit
        self._reading = reading
        self._offers = offers
        self._refused = refused

    async def run(self, held: Held) -> None:
        """Take a NEW job to its menu, or past it when its person has said what they want.

        Or no further, when somebody else reads the same page right now.
        """
        job = held.record.job
        self._refused.check(job.url)
        try:
            is_read = await self._reading.run(held)
        except UserbotError as error:
            self._refused.learn(job.url, error)
            raise
        if is_read:
            await self._offer(held)

    async def _offer(self, held: Held) -> None:
        job, extraction, choices = held.record.job, held.record.extraction, held.record.choices
        assert extraction is not None
        if (choice := _wished(choices, held.record.wish)) is not None:
            await held.release(state=JobState.QUEUED, choice=choice, is_quick=is_quick(choice))
            self._kit.line.joined(job, extraction.title, says_other=True)
            return
        menu = await self._offers.menu(held.record)
        await held.release(state=JobState.OFFERED)
        self._kit.chat.show(job, menu)
        self._offers.opened(job, self._kit.now())


def _wished(choices: tuple[Choice, ...], wish: MediaKind | None) -> Choice | None:
    """Return the best choice of the kind that was asked for, None when nothing was or none is."""
    return next((choice for choice in choices if choice.kind is wish), None)
