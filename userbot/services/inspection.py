"""The first step of a job: read the page, and offer what it has."""

import logging

from userbot.domain.choices import Choice
from userbot.domain.jobs import Chosen
from userbot.domain.people import Preferences, preferred
from userbot.domain.records import JobRecord, JobState
from userbot.errors import InfrastructureError, UserbotError
from userbot.ports.durable import Users
from userbot.services.held import Held
from userbot.services.kit import Kit
from userbot.services.offers import Offers
from userbot.services.reading import Reading
from userbot.services.refused import Refused

log = logging.getLogger(__name__)


class Inspection:
    """Looks at pages; those that refused for good are not asked again for a while."""

    def __init__(
        self, kit: Kit, reading: Reading, offers: Offers, refused: Refused, users: Users
    ) -> None:
        self._kit = kit
        self._reading = reading
        self._offers = offers
        self._refused = refused
        self._users = users

    async def run(self, held: Held) -> None:
        """Take a NEW job to its menu, or past it when its person has said what they want.

        Or no further, when somebody else reads the same page right now.
        """
        job, is_first = held.record.job, not held.record.choices
        self._refused.check(job.url)
        try:
            is_read = await self._reading.run(held)
        except UserbotError as error:
            self._refused.learn(job.url, error)
            raise
        if is_read:
            await self._go_on(held, is_first=is_first)

    async def _go_on(self, held: Held, *, is_first: bool) -> None:
        """Take what is wanted, or ask. Who tries once more is asked: what they always take failed.

        is_first: the page was read for the first time.
        """
        record = held.record
        choice = _wished(record)
        if choice is None and is_first and record.wish is None:
            choice = preferred(record.choices, await self._preferences(record))
            if choice is not None and record.extraction is not None:
                self._kit.chat.show(record.job, Chosen(record.extraction.title, choice))
        if choice is None:
            await self._offer(held)
        else:
            await self._take(held, choice)

    async def _preferences(self, record: JobRecord) -> Preferences:
        try:
            user = await self._users.find(record.job.request.user_id)
        except InfrastructureError as error:
            log.warning("what somebody always takes is not known: %r", error)
            return Preferences()
        return user.preferences if user else Preferences()

    async def _take(self, held: Held, choice: Choice) -> None:
        assert held.record.extraction is not None
        is_soon = await self._offers.is_soon(held.record, choice)
        await held.release(state=JobState.QUEUED, choice=choice, is_quick=is_soon)
        self._kit.line.joined(held.record.job, held.record.extraction.title, says_other=True)

    async def _offer(self, held: Held) -> None:
        job = held.record.job
        menu = await self._offers.menu(held.record)
        await held.release(state=JobState.OFFERED)
        self._kit.chat.show(job, menu)
        self._offers.opened(job, self._kit.now())


def _wished(record: JobRecord) -> Choice | None:
    """Return the best choice of the kind that was asked for, None when nothing was or none is."""
    return next((choice for choice in record.choices if choice.kind is record.wish), None)
