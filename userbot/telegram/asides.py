"""Calls beside the conversation: reactions, who administers a group, who wrote a message.

Nothing depends on them, so they take nothing from a chat's budget, and what Telegram says about
their pace holds for them alone.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from pyrogram import Client, enums, raw, utils

from userbot.errors import DeliveryError
from userbot.telegram import failures
from userbot.telegram.caller import Caller
from userbot.telegram.governor import Window
from userbot.telegram.letters import channel_of

log = logging.getLogger(__name__)

WITHIN_S = 10.0  # for what handlers wait for
REACTIONS = Window(10, 1.0)
PAUSE_S = 30.0  # after FLOOD_WAIT; a reaction that late says nothing
ADMIN_KNOWN_S, OTHERS_KNOWN_S = 60.0, 10.0  # whoever was just promoted wants to act
MAX_KNOWN = 10_000
ADMINS = (enums.ChatMemberStatus.OWNER, enums.ChatMemberStatus.ADMINISTRATOR)


class Asides:
    """Makes them. Time is `clock()`, in seconds, monotonic."""

    def __init__(self, client: Client, caller: Caller, clock: Callable[[], float]) -> None:
        self._client = client
        self._caller = caller
        self._clock = clock
        self._window_began = self._reactions_from = clock()
        self._reactions = 0
        self._known: OrderedDict[tuple[int, int], tuple[float, bool]] = OrderedDict()

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """Put a reaction under a message, if that is possible now: without it nothing is lost."""
        if not self._may_react():
            return
        try:
            async with self._caller.translated(None):
                query = raw.functions.messages.SendReaction(
                    peer=await self._caller.peer(chat_id),
                    msg_id=message_id,
                    reaction=[raw.types.ReactionEmoji(emoticon=emoji)],
                )
                await self._caller.make(query, WITHIN_S)
        except DeliveryError as error:
            log.debug("no reaction in chat %s: %s", chat_id, error)
            if error.code == failures.FLOOD_WAIT:
                self._reactions_from = self._clock() + PAUSE_S

    async def is_admin(self, chat_id: int, user_id: int, *, is_fresh: bool = False) -> bool:
        """Say whether a user administers a group; False when Telegram does not tell.

        The answer may be a minute old unless is_fresh.
        """
        until, known = self._known.get((chat_id, user_id), (0.0, False))
        if not is_fresh and until > self._clock():
            return known
        try:
            is_admin = await self._ask(chat_id, user_id)
        except (DeliveryError, KeyError, ValueError):  # the latter two: pyrogram never met them
            return False
        self._remember((chat_id, user_id), is_admin=is_admin)
        return is_admin

    async def replied_to(self, chat_id: int, message_id: int) -> int | None:
        """Return who wrote what a message replies to; None: the bot, or Telegram does not tell."""
        asked: list[Any] = [raw.types.InputMessageReplyTo(id=message_id)]
        try:
            async with self._caller.translated(None):
                peer = await self._caller.peer(chat_id)
                found: Any = await self._caller.make(
                    raw.functions.channels.GetMessages(channel=channel_of(peer), id=asked)
                    if isinstance(peer, raw.types.InputPeerChannel)
                    else raw.functions.messages.GetMessages(id=asked),
                    WITHIN_S,
                )
        except DeliveryError as error:
            log.info("chat %s: it is not known who wrote a message: %s", chat_id, error)
            return None
        return _author_of(found.messages)

    async def _ask(self, chat_id: int, user_id: int) -> bool:
        async with self._caller.translated(None), asyncio.timeout(WITHIN_S):
            member = await self._client.get_chat_member(chat_id, user_id)
        return member.status in ADMINS

    def _may_react(self) -> bool:
        """Count one more reaction; False when there were too many in this moment."""
        now = self._clock()
        if now < self._reactions_from:
            return False
        if now - self._window_began >= REACTIONS.seconds:
            self._window_began, self._reactions = now, 0
        self._reactions += 1
        return self._reactions <= REACTIONS.count

    def _remember(self, key: tuple[int, int], *, is_admin: bool) -> None:
        known_s = ADMIN_KNOWN_S if is_admin else OTHERS_KNOWN_S
        self._known.pop(key, None)
        self._known[key] = (self._clock() + known_s, is_admin)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _author_of(messages: Sequence[Any]) -> int | None:
    """Return who wrote the first of these messages, which may be missing."""
    message = messages[0] if messages else None
    if not isinstance(message, raw.types.Message) or message.out:
        return None
    return utils.get_peer_id(message.from_id or message.peer_id)
