"""A person's last links: in pages, each sent again at a tap."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from userbot.domain.history import HistoryItem
from userbot.domain.jobs import Job, JobId, Progress, Request
from userbot.domain.media import KnownFile
from userbot.errors import DeliveryError, FileRefusedError, UserbotError
from userbot.ports import Chat, SendSteps
from userbot.services.access import Access
from userbot.services.history import HistoryPage, Past
from userbot.services.jobs import Jobs
from userbot.services.quota import DailyQuota
from userbot.telegram import keyboards, past_words, texts
from userbot.telegram.api import Api, Caption
from userbot.telegram.callbacks import AgainPress, HistoryPress
from userbot.telegram.failures import NO_ANSWER
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import Presser, target_of

WITHIN_S = 50.0  # before the errand is ended without a word

log = logging.getLogger(__name__)


class Histories:
    """Shows histories, and sends again what is in them."""

    def __init__(
        self, api: Api, strangers: Strangers, access: Access, again: "Again", errands: Errands
    ) -> None:
        self._api = api
        self._strangers = strangers
        self._access = access
        self._again = again
        self._past = again.past
        self._errands = errands

    async def send(self, request: Request) -> None:
        """Answer a message with the first page; whoever has a history may see it."""
        if request.is_group:
            await self._api.answer(past_words.IN_PRIVATE, target_of(request))
            return
        page = await self._past.page(request.user_id, 0)
        if not page.items and await self._strangers.turned_away(request):
            return
        caption = _caption(page, may_send=self._access.allows(request))
        await self._api.answer(caption.text, target_of(request), caption.buttons)

    def turn(self, presser: Presser, press: HistoryPress) -> None:
        """Show another page in the same message, soon."""
        self._errands.run(presser.user_id, partial(self._turn, presser, press.page))

    async def again(self, presser: Presser, press: AgainPress) -> str:
        """Send an item again, soon; return the words that pop up."""
        item = await self._past.find(press.asker_id, press.job_id)
        if item is None:
            return past_words.HISTORY_TOO_OLD
        return self._again.begin(presser, item)

    async def _turn(self, presser: Presser, number: int) -> None:
        may_send = self._access.allows(_request(presser))

        async def words() -> Caption:
            return _caption(await self._past.page(presser.user_id, number), may_send=may_send)

        await self._api.rewrite(presser.chat_id, presser.message_id, words)


@dataclass(frozen=True, slots=True)
class Means:
    """With what something is sent again."""

    chat: Chat
    past: Past
    jobs: Jobs
    quota: DailyQuota


class Again:
    """Sends what a finished job brought once more: what Telegram has at once, else as a new job."""

    def __init__(self, api: Api, means: Means, access: Access, errands: Errands) -> None:
        self._api = api
        self._means = means
        self._access = access
        self._errands = errands
        self._busy: set[JobId] = set()

    @property
    def past(self) -> Past:
        """Where the items are."""
        return self._means.past

    def begin(self, presser: Presser, item: HistoryItem) -> str:
        """Send an item again beside whoever pressed; return the words that pop up."""
        request = _request(presser)
        if not self._access.allows(request):
            return texts.PRESS_NO_ACCESS
        if item.job_id in self._busy:
            return texts.UNDER_WAY
        if not self._errands.run(presser.user_id, partial(self._send, request, item)):
            return texts.TOO_MUCH
        self._busy.add(item.job_id)
        return texts.ON_IT

    async def _send(self, request: Request, item: HistoryItem) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                if not await self._sent_known(request, item):
                    await self._ask(request, item)
        except (UserbotError, TimeoutError) as error:
            log.warning("something of a history was not sent again: %r", error)
            problem = error if isinstance(error, UserbotError) else DeliveryError(NO_ANSWER)
            await self._api.answer(texts.problem(problem), target_of(request))
        finally:
            self._busy.discard(item.job_id)

    async def _sent_known(self, request: Request, item: HistoryItem) -> bool:
        """Send what Telegram has, without asking the site; False when it has nothing any more."""
        files = await self.past.files(item)
        if not files or item.kind is None:
            return False
        job = Job(item.job_id, request, item.url)
        known = KnownFile(item.kind, item.title, files, item.size_bytes or None)
        try:
            async with self._counted(request.user_id, item.size_bytes):
                await self._means.chat.send_known(job, known, _steps())
        except FileRefusedError as error:
            log.info("Telegram does not take a file any more: %s", error.code)
            await self.past.drop_files(item)
            return False
        return True

    @asynccontextmanager
    async def _counted(self, user_id: int, size_bytes: int) -> AsyncIterator[None]:
        """Count what is sent as any other video of the day, before it is sent.

        Raises QuotaSpentError. What Telegram refuses counts no more; what nobody knows does.
        """
        sending = JobId(secrets.token_hex(6))
        await self._means.quota.reserve(user_id, sending, size_bytes)
        try:
            yield
        except DeliveryError as error:
            if error.code != NO_ANSWER:
                await self._means.quota.release(user_id, sending)
            raise

    async def _ask(self, request: Request, item: HistoryItem) -> None:
        """Begin anew with the link; go on with the job that this message has brought before."""
        if await self.past.ask_again(item, request):
            return
        if await self._is_open(request, item):
            text = texts.UNDER_WAY
        elif await self._reopened(request, item):
            return
        else:
            text = past_words.GOT_IT
        await self._api.answer(text, target_of(request))

    async def _is_open(self, request: Request, item: HistoryItem) -> bool:
        open_jobs = await self._means.jobs.open_of(request.user_id)
        return any(_is_of(shown.job, request, item) for shown in open_jobs)

    async def _reopened(self, request: Request, item: HistoryItem) -> bool:
        """Open the job of this message once more; False when there is none that ended in vain."""
        page = await self.past.page(request.user_id, 0)
        for ended in page.items:
            record = await self._means.jobs.find_ended(ended.job_id)
            if record is not None and _is_of(record.job, request, item):
                return await self._means.jobs.again(ended.job_id)
        return False


def _is_of(job: Job, request: Request, item: HistoryItem) -> bool:
    """Say whether a job was asked for by a tap on an item of this very message."""
    own = job.request
    is_there = (own.chat_id, own.message_id) == (request.chat_id, request.message_id)
    return is_there and job.url == item.url


def _request(presser: Presser) -> Request:
    return Request(presser.chat_id, presser.message_id, presser.user_id, is_group=False)


def _caption(page: HistoryPage, *, may_send: bool) -> Caption:
    text = past_words.page(page, may_send=may_send)
    return Caption(text, keyboards.for_history(page, may_send=may_send))


def _steps() -> SendSteps:
    """Return steps of which nothing is kept: a tap that a crash interrupts is tapped again."""
    random_id = secrets.randbits(63)

    def moved(_progress: Progress) -> None:
        return None

    async def about_to_send() -> int:
        return random_id

    async def note(_words: str) -> None:
        return None

    return SendSteps(moved, about_to_send, note)
