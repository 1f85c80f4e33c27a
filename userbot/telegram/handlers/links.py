"""Messages with links: each link becomes a job."""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial

from pyrogram import Client, enums
from pyrogram.types import InlineKeyboardMarkup, Message, MessageEntity

from userbot.domain.jobs import Request
from userbot.domain.limits import Operation
from userbot.domain.urls import AllowList, find_links
from userbot.errors import StoreAwayError, UserbotError
from userbot.services.intake import Intake
from userbot.telegram import texts
from userbot.telegram.api import ANSWER_TIMEOUT_S, Api
from userbot.telegram.handlers.batch import Batch
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.pace import Pace
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import Seen, age_s, request_of, target_of

log = logging.getLogger(__name__)

SEEN = "👀"
LATER_S = 40.0  # how long links wait in memory for a store that is away; less than an errand's time
LATER_PAUSE_S = 2.0
MAX_AGE_S = 24 * 3600.0  # whoever sent a link yesterday does not wait for the video any more
MISSED_S = 10.0  # an older message has waited for the bot: it was away, or had too much to do


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Which private places links may lead to, and how many are taken from one message."""

    allow: AllowList
    max_links: int


class LinkHandler:
    """Takes the links out of a message and opens their jobs."""

    def __init__(
        self,
        api: Api,
        strangers: Strangers,
        pace: Pace,
        intake: Intake,
        errands: Errands,
        rules: LinkRules,
    ) -> None:
        self._api = api
        self._strangers = strangers
        self._pace = pace
        self._intake = intake
        self._errands = errands
        self._rules = rules
        self._seen = Seen()

    async def handle(self, _client: Client, message: Message) -> None:
        """Answer any message that is not a command. Returns once its links are kept."""
        request = request_of(message)
        if request is None or self._seen.again((request.chat_id, request.message_id)):
            return
        if await self._strangers.turned_away(request):
            return
        links = links_in(message, is_group=request.is_group)
        if links and age_s(message, time.time()) > MAX_AGE_S:
            await self._say(request, texts.LINK_TOO_OLD)
        elif links:
            await self._take(request, links, _missed_at_s(message))
        elif not request.is_group and not message.media_group_id:  # one picture has the caption
            is_command = (message.text or "").startswith("/")
            await self._say(request, texts.NO_SUCH_COMMAND if is_command else texts.NO_LINK)

    async def _say(self, request: Request, text: str) -> None:
        if not await self._pace.slowed(request, Operation.COMMAND):
            await self._api.answer(text, target_of(request))

    async def _take(self, request: Request, links: list[str], missed_at_s: float | None) -> None:
        """Open the links unless their sender has sent too many at a time, or had enough today."""
        number = min(len(links), self._rules.max_links)
        if await self._pace.slowed(request, Operation.LINK, number, missed_at_s):
            return
        if not await self._pace.spent(request, number):
            await self._open(request, links)

    async def _open(self, request: Request, links: list[str]) -> None:
        batch = Batch(links, self._rules.allow, self._rules.max_links)
        opened, refusal = await self._open_jobs(request, batch)
        if opened:
            self._errands.run(request.chat_id, partial(self._acknowledge, request))
        later = partial(self._open_later, request, batch)
        if not (_is_away(refusal) and self._errands.run(request.chat_id, later)):
            await self._tell(request, batch.answer(refusal))

    async def _open_later(self, request: Request, batch: Batch) -> None:
        """Open links that came while the store was away, when it is back soon.

        Those that are known then were kept, and only the answer was lost.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + LATER_S
        while True:
            await asyncio.sleep(LATER_PAUSE_S)
            _, refusal = await self._open_jobs(request, batch)
            if not _is_away(refusal) or clock() > until:
                break
        if refusal is None:
            await self._acknowledge(request)
        await self._tell(request, batch.answer(refusal))

    async def _tell(self, request: Request, text: str) -> None:
        if text:
            await self._api.answer(text, target_of(request), within_s=ANSWER_TIMEOUT_S)

    async def _acknowledge(self, request: Request) -> None:
        await self._api.asides.react(request.chat_id, request.message_id, SEEN)

    async def _open_jobs(self, request: Request, batch: Batch) -> tuple[int, UserbotError | None]:
        """Keep jobs until one is refused; return how many are new, and the refusal."""
        opened = 0
        for url in dict.fromkeys(batch.urls.values()):
            try:
                opened += await self._intake.accept(request, url)
            except UserbotError as error:
                log.warning("a link was not kept: %r", error)
                return opened, error
            batch.kept.add(url)
        return opened, None


def links_in(message: Message, *, is_group: bool) -> list[str]:
    """Return the links of a message in order: written out, or behind a word, also in a caption.

    Where there is none, those of its buttons: a forwarded post may have its link there.
    In a group a bare name is none: people there speak of `run.py` and of `example.com`.
    """
    text = message.text or message.caption or ""
    entities = message.entities or message.caption_entities or []
    links = [link for entity in entities if (link := _link_of(text, entity))]
    if is_group:
        links = [link for link in links if "/" in link]
    # A server marks links; a link inside a code block or with an odd scheme is only in the text.
    known = set(links)
    links += [link for link in find_links(text) if link not in known]
    return list(dict.fromkeys(links or _links_of_buttons(message)))


def _missed_at_s(message: Message) -> float | None:
    """Return when a message was written that has waited for the bot; None for any other."""
    now = time.time()
    age = age_s(message, now)
    return now - age if age > MISSED_S else None


def _link_of(text: str, entity: MessageEntity) -> str | None:
    if entity.type is enums.MessageEntityType.TEXT_LINK:
        return str(entity.url)
    if entity.type is enums.MessageEntityType.URL:
        raw = text.encode("utf-16-le", "surrogatepass")
        part = raw[entity.offset * 2 : (entity.offset + entity.length) * 2]
        return part.decode("utf-16-le", "ignore")
    return None


def _links_of_buttons(message: Message) -> list[str]:
    markup = message.reply_markup
    if not isinstance(markup, InlineKeyboardMarkup):
        return []
    buttons = [button for row in markup.inline_keyboard for button in row]
    return [button.url for button in buttons if button.url]


def _is_away(refusal: UserbotError | None) -> bool:
    return isinstance(refusal, StoreAwayError)
