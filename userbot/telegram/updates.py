"""The client as far as updates go: which are read, when they count as handled, what is missed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from pyrogram import Client, raw, utils
from pyrogram.client import Cache
from pyrogram.enums import MessageEntityType
from pyrogram.errors import Flood, InternalServerError
from pyrogram.handlers import CallbackQueryHandler
from pyrogram.storage import UpdateState
from pyrogram.types import CallbackQuery

from userbot.telegram.messages import Seen
from userbot.telegram.position import Position
from userbot.telegram.reception import Unreadable, contain

log = logging.getLogger(__name__)

# Nobody listens to others, and for some of them Pyrogram asks Telegram more before anybody could.
WANTED = (
    raw.types.UpdateNewMessage,
    raw.types.UpdateNewChannelMessage,
    raw.types.UpdateBotCallbackQuery,
    raw.types.UpdateInlineBotCallbackQuery,
)
PARSE_TIMEOUT_S = 10.0  # an update keeps one of a few workers
RECOVERY_TIMEOUT_S = 60.0
OWN_STATE = 0  # of private chats and basic groups, in Pyrogram's storage; others are channels

PASSING = (TimeoutError, OSError, Flood, InternalServerError)

_ENTITIES = {kind.value for kind in MessageEntityType}
NOTHING: tuple[Any, type] = (None, type(None))
SEEN_UPDATES = 20_000  # a gap may be filled with more than there was a gap

Parser = Callable[[Any, Any, Any], Awaitable[tuple[Any, type]]]


class UpdatesClient(Client):
    """A client whose storage hears of updates before Pyrogram notes their position."""

    def __init__(self, name: str, position: Position, **settings: Any) -> None:
        super().__init__(name, storage_engine=position, **settings)
        contain()
        self.message_cache = _NoMessages(1)
        self.dispatcher.updates_queue = position.updates
        parsers: dict[Any, Any] = self.dispatcher.update_parsers
        seen = Seen(SEEN_UPDATES)
        wanted: dict[Any, Any] = {kind: Reader(parsers[kind], seen) for kind in WANTED}
        self.dispatcher.update_parsers = wanted
        self._recovering: set[int] = set()
        self._updates = position.updates
        self._left: set[asyncio.Task[Any]] = set()

    async def handle_updates(self, updates: Any) -> None:
        """Take what Telegram sends on its own initiative. Nothing of it ends anything else."""
        async with self._updates.arriving():
            for part in _parts_of(updates):
                try:
                    await self._take(part)
                except Exception as error:  # noqa: BLE001  a border: nobody waits for this task
                    log.warning("updates were lost: %s: %r", type(part).__name__, error)

    async def _take(self, part: Any) -> None:
        if isinstance(part, Unreadable):
            log.warning("Telegram sent what cannot be read: %s", part.why)
        elif isinstance(part, raw.types.UpdatesTooLong):
            await self._recover(OWN_STATE)
        elif isinstance(part, raw.types.UpdateChannelTooLong):
            await self._recover(utils.get_channel_id(part.channel_id))
        else:
            await super().handle_updates(part)  # type: ignore[no-untyped-call]  # vendor's

    async def _recover(self, state_id: int) -> None:
        """Ask for what Telegram has not sent: it was too much, and Pyrogram leaves it at that."""
        if state_id in self._recovering:
            return
        self._recovering.add(state_id)
        try:
            async with asyncio.timeout(RECOVERY_TIMEOUT_S):
                await self.recover_gaps(state_id)
        finally:
            self._recovering.discard(state_id)

    async def invoke(self, *args: Any, **kwargs: Any) -> Any:
        """Call a method of Telegram; whoever waits for it and is cancelled leaves at once.

        Pyrogram waits with asyncio.wait_for, which before Python 3.12 loses a cancellation that
        comes in the same turn of the loop as what it waits for: a task that should end would go
        on, or wait for an answer that never comes.
        """
        # Its owner waits here, and `_left` keeps it after that: a TaskGroup would wait for it.
        call = asyncio.create_task(super().invoke(*args, **kwargs))  # noqa: TID251
        try:
            await asyncio.wait({call})
        except asyncio.CancelledError:
            self._left.add(call)  # until it has ended, too: a task that nobody knows may vanish
            call.add_done_callback(self._ended)
            call.cancel()
            raise
        return call.result()

    def _ended(self, call: asyncio.Task[Any]) -> None:
        self._left.discard(call)
        if not call.cancelled():
            call.exception()  # nobody wants to hear of it any more

    async def recover_gaps(self, ids: Any = None) -> tuple[int, int]:
        """Ask for updates that were missed; return how many messages and others there were.

        One channel that cannot be asked is none of the others' business: the bot would not start.
        """
        messages = others = 0
        async with self._updates.arriving():
            for state in await self.storage.get_update_states(ids):
                found = await self._recovered(state)
                messages, others = messages + found[0], others + found[1]
        return messages, others

    async def _recovered(self, state: UpdateState) -> tuple[int, int]:
        if state.pts is None:  # of a chat of which only a change of its members was told
            return 0, 0
        try:
            return await super().recover_gaps(state.id)
        except PASSING:
            raise
        except Exception as error:
            if state.id == OWN_STATE:
                raise
            log.warning("what was missed in the chat %d is lost: %r", state.id, error)
            return 0, 0


class _NoMessages(Cache):
    """Keeps no message: a button that is gone since the first press under it would still work."""

    async def set(self, key: Any, value: Any) -> None:
        """Forget it."""


def _parts_of(updates: Any) -> list[Any]:
    """Return the updates one by one, each in an envelope: Pyrogram loses all for the sake of one.

    That a channel has too many to be sent comes last, without one: Pyrogram would note its position
    as reached.
    """
    if not isinstance(updates, raw.types.Updates | raw.types.UpdatesCombined):
        return [updates]
    gaps = [item for item in updates.updates if isinstance(item, raw.types.UpdateChannelTooLong)]
    others = [[item] for item in updates.updates if item not in gaps]
    about = {name: getattr(updates, name) for name in ("users", "chats", "date", "seq")}
    return [*(raw.types.Updates(updates=items, **about) for items in others or [[]]), *gaps]


class Reader:
    """Makes of an update what handlers get: nothing of one that came before or cannot be read.

    Of a message its words are enough. A press whose message is out of reach is told so.
    """

    def __init__(self, parse: Parser, seen: Seen) -> None:
        self._parse = parse
        self._seen = seen

    async def __call__(self, update: Any, users: Any, chats: Any) -> tuple[Any, type]:
        """Return a Pyrogram object, and the class of handlers it is for."""
        try:
            if self._seen.again(_identity(update)):
                return NOTHING
            async with asyncio.timeout(PARSE_TIMEOUT_S):
                return await self._parse(update, users, chats)
        except Exception as error:  # noqa: BLE001  a border: the update is from outside
            log.warning("an update cannot be read: %s: %r", type(update).__name__, error)
            return await self._rest(update, users, chats, error)

    async def _rest(
        self, update: Any, users: Any, chats: Any, error: Exception
    ) -> tuple[Any, type]:
        """Return what can be read of an update."""
        if isinstance(update, raw.types.UpdateBotCallbackQuery):
            is_lost = isinstance(error, PASSING)  # and may be pressed again
            return NOTHING if is_lost else (_bare_press(update), CallbackQueryHandler)
        if not isinstance(getattr(update, "message", None), raw.types.Message):
            return NOTHING
        update.message = _words_of(update.message)
        try:
            async with asyncio.timeout(PARSE_TIMEOUT_S):
                return await self._parse(update, users, chats)
        except Exception:  # noqa: BLE001  the same border, and it was told
            return NOTHING


def _identity(update: Any) -> Hashable:
    """Return what an update shares with its duplicates alone."""
    if isinstance(update, raw.types.UpdateNewMessage | raw.types.UpdateNewChannelMessage):
        message: Any = update.message
        return utils.get_peer_id(message.peer_id), message.id
    query_id: int = update.query_id
    return query_id


def _bare_press(update: raw.types.UpdateBotCallbackQuery) -> CallbackQuery:
    """Return a press of which nobody knows who made it, and where."""
    nobody: Any = None
    return CallbackQuery(id=str(update.query_id), from_user=nobody, chat_instance="", data=b"")


def _words_of(message: raw.types.Message) -> raw.types.Message:
    """Return a message without all that Pyrogram may not know yet."""
    entities = [item for item in message.entities or () if type(item) in _ENTITIES]
    return raw.types.Message(
        id=message.id,
        peer_id=message.peer_id,
        from_id=message.from_id,
        out=message.out,
        date=message.date,
        message=message.message,
        entities=entities or None,
        reply_to=message.reply_to,
    )
