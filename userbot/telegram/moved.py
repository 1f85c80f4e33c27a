"""Groups that have become supergroups: Telegram gives them a new id, and takes nothing at the old.

What was written before stays in the old chat, out of the bot's reach, and the new one counts its
messages from 1. So that a stored number says which of the two it is about, the number of a message
that was sent to the new chat in the name of the old one is kept below zero.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from pyrogram import Client, raw, utils
from pyrogram.filters import migrate_from_chat_id, migrate_to_chat_id
from pyrogram.handlers import MessageHandler
from pyrogram.types import Message

from userbot.errors import DeliveryError
from userbot.telegram import failures
from userbot.telegram.caller import Caller

log = logging.getLogger(__name__)

SUPERGROUPS_BELOW = -1_000_000_000_000  # their ids, as the Bot API writes them
OLD_MESSAGE = "MESSAGE_ID_INVALID"  # what Telegram says of a number that is another chat's

OnMove = Callable[[int, int], None]
T = TypeVar("T")


class Moves:
    """Knows the new ids. Telegram tells them when a group moves, and here when it is asked."""

    def __init__(self, client: Client, caller: Caller) -> None:
        self._client = client
        self._caller = caller
        self._new_ids: dict[int, int] = {}
        self._on_move: list[OnMove] = []
        client.add_handler(MessageHandler(self._heard, migrate_to_chat_id | migrate_from_chat_id))

    def tell(self, on_move: OnMove) -> None:
        """Call on_move with the old and the new id of every group that moves; it must not wait."""
        self._on_move.append(on_move)

    def now(self, chat_id: int) -> int:
        """Return the id under which Telegram has a chat today, as far as that is known."""
        return self._new_ids.get(chat_id, chat_id)

    def number(self, chat_id: int, message_id: int | None) -> int | None:
        """Return what to keep of a message that was just sent."""
        is_new = message_id is not None and chat_id in self._new_ids
        return -message_id if message_id is not None and is_new else message_id

    def place(self, chat_id: int, number: int) -> tuple[int, int]:
        """Return the chat and the number in it of what `number` has given.

        Raises DeliveryError for a message that stayed in the old chat.
        """
        if (number < 0) != (chat_id in self._new_ids):
            raise DeliveryError(OLD_MESSAGE)
        return self.now(chat_id), abs(number)

    async def follow(self, chat_id: int, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call in a chat; once more if it is refused and the chat has moved meanwhile."""
        try:
            return await call()
        except DeliveryError as error:
            if error.code in failures.PASSING or not await self._has_moved(chat_id):
                raise
        return await call()

    async def look(self, chat_ids: Iterable[int]) -> None:
        """Ask Telegram which of these chats have moved while nobody listened."""
        for chat_id in chat_ids:
            await self._has_moved(chat_id)

    async def _has_moved(self, chat_id: int) -> bool:
        """Say whether a chat turns out to have moved just now."""
        if not SUPERGROUPS_BELOW < chat_id < 0 or chat_id in self._new_ids:
            return False
        try:
            async with self._caller.translated(None):
                query = raw.functions.messages.GetChats(id=[-chat_id])
                found = await self._caller.make(query)
        except DeliveryError as error:
            log.info("nothing is known of the chat %s: %s", chat_id, error.code)
            return False
        for chat in found.chats:
            await self._read(chat_id, getattr(chat, "migrated_to", None))
        return chat_id in self._new_ids

    async def _read(self, chat_id: int, channel: Any) -> None:
        if not isinstance(channel, raw.types.InputChannel):
            return
        new_id = utils.get_channel_id(channel.channel_id)
        peer = (new_id, channel.access_hash, "supergroup", None)
        await self._client.storage.update_peers([peer])
        self._learn(chat_id, new_id)

    async def _heard(self, _client: Client, message: Message) -> None:
        chat_id = message.chat.id if message.chat else None
        if chat_id is None:
            return
        if message.migrate_to_chat_id:
            self._learn(chat_id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id:
            self._learn(message.migrate_from_chat_id, chat_id)

    def _learn(self, old_id: int, new_id: int) -> None:
        is_move = SUPERGROUPS_BELOW < old_id < 0 and new_id < SUPERGROUPS_BELOW
        if not is_move or self._new_ids.get(old_id) == new_id:
            return
        self._new_ids[old_id] = new_id
        log.info("the group %d has become the supergroup %d", old_id, new_id)
        for on_move in self._on_move:
            on_move(old_id, new_id)
