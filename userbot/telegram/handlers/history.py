"""A person's last links: in pages, each sent again at a tap."""

import logging
import secrets
from functools import partial

from userbot.domain.history import HistoryItem
from userbot.domain.jobs import Job, JobId, Progress, Request
from userbot.domain.media import KnownFile
from userbot.errors import DeliveryError, FileRefusedError, UserbotError
from userbot.ports import Chat, SendSteps
from userbot.services.access import Access
from userbot.services.history import Past
from userbot.telegram import keyboards, past_words, texts
from userbot.telegram.api import Api, Caption
from userbot.telegram.callbacks import AgainPress, HistoryPress
from userbot.telegram.failures import PASSING
from userbot.telegram.governor import Priority
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.messages import Presser, target_of

log = logging.getLogger(__name__)


class Histories:
    """Shows histories, and sends again what is in them."""

    def __init__(self, api: Api, past: Past, again: "Again", errands: Errands) -> None:
        self._api = api
        self._past = past
        self._again = again
        self._errands = errands

    async def send(self, request: Request) -> None:
        """Answer a message with the first page."""
        if request.is_group:
            await self._api.answer(past_words.IN_PRIVATE, target_of(request))
            return
        page = await self._past.page(request.user_id, 0)
        buttons = keyboards.for_history(page)
        await self._api.answer(past_words.page(page), target_of(request), buttons)

    def turn(self, presser: Presser, press: HistoryPress) -> None:
        """Show another page in the same message, soon."""
        self._errands.run(presser.user_id, partial(self._turn, presser, press.page))

    async def again(self, presser: Presser, press: AgainPress) -> str:
        """Send an item again, soon; return the words that pop up."""
        item = await self._past.find(press.asker_id, press.job_id)
        if item is None:
            return texts.PRESS_TOO_OLD
        return self._again.begin(presser, item)

    async def _turn(self, presser: Presser, number: int) -> None:
        while True:
            await self._api.governor.permit(presser.chat_id, Priority.SEND)
            page = await self._past.page(presser.user_id, number)
            caption = Caption(past_words.page(page), keyboards.for_history(page))
            try:
                await self._api.edit_text(presser.chat_id, presser.message_id, caption)
            except DeliveryError as error:
                if error.code not in PASSING:
                    raise
            else:
                return


class Again:
    """Sends what a finished job brought once more: what Telegram has at once, else as a new job."""

    def __init__(self, api: Api, chat: Chat, past: Past, access: Access, errands: Errands) -> None:
        self._api = api
        self._chat = chat
        self._past = past
        self._access = access
        self._errands = errands
        self._busy: set[JobId] = set()

    def begin(self, presser: Presser, item: HistoryItem) -> str:
        """Send an item again beside whoever pressed; return the words that pop up."""
        request = Request(presser.chat_id, presser.message_id, presser.user_id, is_group=False)
        if not self._access.allows(request):
            return texts.PRESS_NO_ACCESS
        if item.job_id in self._busy:
            return texts.UNDER_WAY
        self._errands.run(presser.user_id, partial(self._send, request, item))
        return texts.ON_IT

    async def _send(self, request: Request, item: HistoryItem) -> None:
        self._busy.add(item.job_id)
        try:
            if not await self._sent_known(request, item):
                await self._ask(request, item)
        except UserbotError as error:
            log.warning("something of a history was not sent again: %r", error)
            await self._api.answer(texts.problem(error), target_of(request))
        finally:
            self._busy.discard(item.job_id)

    async def _sent_known(self, request: Request, item: HistoryItem) -> bool:
        """Send what Telegram has, without asking the site; False when it has nothing any more."""
        files = await self._past.files(item)
        if not files or item.kind is None:
            return False
        job = Job(item.job_id, request, item.url)
        size_bytes = item.size_bytes if len(files) == 1 and item.size_bytes else None
        try:
            for file_id in files:
                known = KnownFile(item.kind, item.title, (file_id,), size_bytes)
                await self._chat.send_known(job, known, _steps())
        except FileRefusedError as error:
            log.info("Telegram does not take a file any more: %s", error.code)
            await self._past.drop_files(item)
            return False
        return True

    async def _ask(self, request: Request, item: HistoryItem) -> None:
        """Begin anew with the link."""
        if not await self._past.ask_again(item, request):
            await self._api.answer(past_words.GOT_IT, target_of(request))


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
