"""What owners tell the bot about people: /ban /unban /allow /disallow /limit."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from pyrogram import Client
from pyrogram.types import Message

from userbot.domain.jobs import Request
from userbot.domain.people import Quota, Role
from userbot.errors import UserbotError
from userbot.services.access import Access
from userbot.services.decisions import Decisions
from userbot.services.quota import DailyQuota
from userbot.telegram import decision_words, past_words, texts
from userbot.telegram.api import Api
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import request_of, target_of

MEGABYTE = 1_000_000
_ID = re.compile(r"-?[0-9]{1,16}")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Order:
    """About whom a command is, and the words after that."""

    user_id: int
    words: tuple[str, ...]


Act = Callable[[Order], Awaitable[str | None]]


class OwnerCommands:
    """Does what an owner says, wherever they say it. Nobody else's command does anything."""

    def __init__(
        self,
        api: Api,
        access: Access,
        strangers: Strangers,
        errands: Errands,
        decisions: Decisions,
        quota: DailyQuota,
    ) -> None:
        self._api = api
        self._access = access
        self._strangers = strangers
        self._errands = errands
        self._decisions = decisions
        self._quota = quota

    async def ban(self, _client: Client, message: Message) -> None:
        """Serve somebody no more."""
        await self._obey(message, "ban", self._ban)

    async def unban(self, _client: Client, message: Message) -> None:
        """Serve somebody again."""
        await self._obey(message, "unban", self._unban)

    async def allow(self, _client: Client, message: Message) -> None:
        """Let somebody write in private, perhaps with larger limits."""
        await self._obey(message, "allow", self._allow)

    async def disallow(self, _client: Client, message: Message) -> None:
        """Take that back."""
        await self._obey(message, "disallow", self._disallow)

    async def limit(self, _client: Client, message: Message) -> None:
        """Give somebody a daily quota of their own."""
        await self._obey(message, "limit", self._limit)

    async def _obey(self, message: Message, name: str, act: Act) -> None:
        request = request_of(message)
        if request is None or await self._strangers.turned_away(request):
            return
        if self._access.is_owner(request.user_id):
            answer = partial(self._answer, request, message, name, act)
            self._errands.run(request.chat_id, answer, is_urgent=True)
        elif not request.is_group:  # there it may be meant for another bot
            await self._api.answer(past_words.OWNER_ALONE, target_of(request))

    async def _answer(self, request: Request, message: Message, name: str, act: Act) -> None:
        order = await self._order(request, message)
        if order is None:
            text = decision_words.USAGE[name]
        elif self._access.is_owner(order.user_id):
            text = decision_words.IS_OWNER
        else:
            text = await self._done(order, act) or decision_words.USAGE[name]
        await self._api.answer(text, target_of(request))

    async def _order(self, request: Request, message: Message) -> Order | None:
        """Return about whom a command is: the number in it, or whoever wrote what it answers."""
        words = tuple((message.command or [])[1:])
        if words and _ID.fullmatch(words[0]):
            return Order(int(words[0]), words[1:])
        if message.reply_to_message_id is None:
            return None
        user_id = await self._api.asides.replied_to(request.chat_id, request.message_id)
        return None if user_id is None else Order(user_id, words)

    async def _done(self, order: Order, act: Act) -> str | None:
        """Act, and return what to say of it; None for words that mean nothing."""
        try:
            return await act(order)
        except UserbotError as error:
            return texts.problem(error)

    async def _ban(self, order: Order) -> str:
        cancelled = await self._decisions.ban(order.user_id, " ".join(order.words))
        return decision_words.banned(order.user_id, cancelled)

    async def _unban(self, order: Order) -> str:
        await self._decisions.unban(order.user_id)
        is_still = self._access.is_banned(order.user_id)
        return decision_words.unbanned(order.user_id, is_still=is_still)

    async def _allow(self, order: Order) -> str | None:
        if order.words not in ((), (Role.TRUSTED.value,)):
            return None
        role = Role.TRUSTED if order.words else Role.ALLOWED
        await self._decisions.set_role(order.user_id, role)
        is_banned = self._access.is_banned(order.user_id)
        return decision_words.allowed(order.user_id, role, is_banned=is_banned)

    async def _disallow(self, order: Order) -> str:
        await self._decisions.set_role(order.user_id, Role.USER)
        is_still = self._access.is_named(order.user_id)
        return decision_words.disallowed(order.user_id, is_still=is_still)

    async def _limit(self, order: Order) -> str | None:
        if order.words == ("off",):
            await self._decisions.set_quota(order.user_id, None)
        elif (quota := quota_of(order.words, self._quota.of(order.user_id))) is not None:
            await self._decisions.set_quota(order.user_id, quota)
        else:
            return None
        return decision_words.limited(order.user_id, self._quota.of(order.user_id))


def quota_of(words: tuple[str, ...], before: Quota) -> Quota | None:
    """Return the quota of `20` videos, or `20 5000` (and MB); 0: no limit. None: it is neither.

    The bytes stay as they were before where nothing is said of them.
    """
    if not 1 <= len(words) <= 2 or not all(_NUMBER.fullmatch(word) for word in words):
        return None
    count, *size_mb = map(int, words)
    size_bytes = size_mb[0] * MEGABYTE or None if size_mb else before.size_bytes
    return Quota(count or None, size_bytes)
