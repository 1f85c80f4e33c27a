"""What is remembered of jobs that have ended: kept, shown to their people, sent again."""

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from userbot.domain.history import HistoryItem, error_entry, item_of
from userbot.domain.jobs import JobId, Request
from userbot.domain.limits import day_of
from userbot.domain.records import JobRecord, JobState, error_of
from userbot.errors import InfrastructureError
from userbot.ports.durable import History, Stores
from userbot.services.intake import Intake

log = logging.getLogger(__name__)

PAGE_SIZE = 5
MAX_FORGOTTEN = 10_000  # people; until the next start
MAX_PAGES = 20  # further back nobody looks; /mydata has everything


class Chronicle:
    """Keeps how jobs have ended, and what they count, each once however often that is told."""

    def __init__(self, stores: Stores, bot_id: int) -> None:
        self._stores = stores
        self._bot_id = bot_id
        self._forgotten: OrderedDict[int, datetime] = OrderedDict()

    def forgot(self, user_id: int, now: datetime) -> None:
        """Keep no end of before now that is still to be told: its person wants it forgotten."""
        self._forgotten[user_id] = now
        self._forgotten.move_to_end(user_id)
        if len(self._forgotten) > MAX_FORGOTTEN:
            self._forgotten.popitem(last=False)

    async def keep(self, record: JobRecord) -> bool:
        """Keep the end of a job; False when the store does not take it now."""
        try:
            await self._count(record)
            if not self._is_forgotten(record):
                await self._remember(record)
        except InfrastructureError:
            log.exception("the end of job %s is not in the history yet", record.job.id)
            return False
        return True

    async def _count(self, record: JobRecord) -> None:
        """Let a video count as one of its person's day, and nothing else."""
        quotas, job_id, user_id = self._stores.quotas, record.job.id, record.job.request.user_id
        if record.state is not JobState.DELIVERED:
            await quotas.release(user_id, job_id)
            return
        file = record.known or record.file
        size_bytes = (file.size_bytes if file else 0) or 0
        await quotas.settle(user_id, job_id, day_of(record.changed_at), size_bytes)

    def _is_forgotten(self, record: JobRecord) -> bool:
        forgotten_at = self._forgotten.get(record.job.request.user_id)
        return forgotten_at is not None and record.changed_at <= forgotten_at

    async def _remember(self, record: JobRecord) -> None:
        await self._stores.history.add(item_of(record, self._bot_id))
        if record.state is JobState.FAILED:
            await self._stores.errors.add(error_entry(record, error_of(record)))


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page, counted from 0, of a person's history."""

    user_id: int
    number: int
    items: tuple[HistoryItem, ...]
    has_more: bool

    @property
    def first(self) -> int:
        """The number of the first item, counted from 1."""
        return self.number * PAGE_SIZE + 1


class Past:
    """People's own histories."""

    def __init__(self, history: History, intake: Intake, bot_id: int) -> None:
        self._history = history
        self._intake = intake
        self._bot_id = bot_id

    async def page(self, user_id: int, number: int) -> HistoryPage:
        """Return a page of a person's history, or the last one there is."""
        wanted = min(number, MAX_PAGES - 1)
        items = await self._history.page(user_id, None, (wanted + 1) * PAGE_SIZE + 1)
        number = min(wanted, max(len(items) - 1, 0) // PAGE_SIZE)
        start = number * PAGE_SIZE
        rest = len(items) - start - PAGE_SIZE
        shown = tuple(items[start : start + PAGE_SIZE])
        return HistoryPage(user_id, number, shown, rest > 0 and number < MAX_PAGES - 1)

    async def find(self, user_id: int, job_id: JobId) -> HistoryItem | None:
        """Return an item of a person, None when it is somebody else's or forgotten."""
        return await self._history.find(user_id, job_id)

    async def files(self, item: HistoryItem) -> tuple[str, ...]:
        """Return the file ids by which an item can be sent again; () for none."""
        if item.bot_id != self._bot_id or item.result is not JobState.DELIVERED:
            return ()
        return item.file_ids or (await self._history.find_files(item.media)).file_ids

    async def drop_files(self, item: HistoryItem) -> None:
        """Forget file ids that Telegram does not take any more."""
        await self._history.drop_files(item.media)

    async def ask_again(self, item: HistoryItem, request: Request) -> bool:
        """Open a new job for the link of an item; False when this message has brought it before.

        Raises as `Intake.accept`.
        """
        return await self._intake.accept(request, item.url)
