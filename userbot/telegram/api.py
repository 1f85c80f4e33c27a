"""The few calls that the bot makes, each under the governor, a timeout and one table of errors.

Nothing else in this folder calls Telegram to say something.
"""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pyrogram import Client, raw
from pyrogram.types import InlineKeyboardMarkup

from userbot.errors import ChatBusyError, DeliveryError
from userbot.telegram import failures
from userbot.telegram.asides import Asides
from userbot.telegram.caller import Caller
from userbot.telegram.find import IsIt, Search
from userbot.telegram.governor import Governor, Priority
from userbot.telegram.letters import channel_of, id_in, message_in, new_message, reply, written
from userbot.telegram.moved import Moves
from userbot.telegram.once import InternalErrorsError

log = logging.getLogger(__name__)

ANSWER_PRESS_WITHIN_S = 10.0  # somebody looks at a button that turns
ANSWER_WITHIN_S = 5.0  # a group that is busier than that hears nothing
ANSWER_TIMEOUT_S = 60.0
MAX_ANSWERS = 200  # on their way at once
MAX_ANSWERS_EACH = 10  # of these in one chat: nobody is silent because of somebody else
SEND_PATIENCE_S = 10.0  # a claim is not held for longer waits of a chat
SEND_TIMEOUT_S = 120.0  # then it is tried again, as long as the caller's deadline allows

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes: a chat, perhaps a topic of it, perhaps as a reply."""

    chat_id: int
    reply_to: int | None = None
    topic_id: int | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """Text (in the markup of `texts`) and buttons, alone or under a picture or a file.

    is_silent: text alone makes no sound when it arrives; a file always does.
    """

    text: str
    buttons: InlineKeyboardMarkup | None = None
    is_silent: bool = True


class Api:
    """Telegram, as far as this bot speaks to it. Every method may raise DeliveryError.

    NO_ANSWER and FLOOD_WAIT may pass; after FLOOD_WAIT the governor knows for how long.
    """

    def __init__(self, client: Client, governor: Governor, tasks: asyncio.TaskGroup) -> None:
        self._client = client
        self._caller = Caller(client, governor, tasks)
        self._tasks = tasks
        self._answers: dict[asyncio.Task[None], int] = {}  # with the chats they go to
        self.governor = governor
        self.moves = Moves(client, self._caller)
        self.asides = Asides(client, self._caller, time.monotonic)

    async def answer(
        self,
        text: str,
        to: Target,
        buttons: InlineKeyboardMarkup | None = None,
        *,
        within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        """Answer somebody who has just written. Returns at once: everybody waits for handlers.

        A chat that is too busy to be answered within_s hears nothing.
        """
        delay_s = self.governor.delay_s(to.chat_id, Priority.ANSWER, is_new=True)
        if delay_s > within_s or self._are_enough(to.chat_id):
            log.warning("chat %s is too busy for an answer", to.chat_id)
            return
        task = self._tasks.create_task(self._answer(to, Caption(text, buttons)))
        self._answers[task] = to.chat_id
        task.add_done_callback(self._answers.pop)

    def close(self) -> None:
        """Give up the answers that have not got through."""
        for task in self._answers:
            task.cancel()

    async def send_text(self, to: Target, caption: Caption, random_id: int) -> int | None:
        """Send text; return the message's id, None when Telegram had taken this random_id before.

        The caller has the governor's permit, and may repeat the call with the same random_id.
        """
        sent = id_in(await self._send(to, None, caption, random_id))
        return self.moves.number(to.chat_id, sent)

    async def send_photo(
        self, to: Target, photo: Any, caption: Caption, random_id: int
    ) -> int | None:
        """Send an uploaded picture. As send_text otherwise."""
        media = raw.types.InputMediaUploadedPhoto(file=photo)
        sent = id_in(await self._send(to, media, caption, random_id))
        return self.moves.number(to.chat_id, sent)

    async def send_media(
        self, to: Target, media: Any, caption: Caption, random_id: int
    ) -> raw.types.Message | None:
        """Send an uploaded file as a raw SendMedia and return the raw message.

        None: Telegram had taken this random_id before; see `find_answer`.
        The caller draws random_id and may repeat the call with it: Telegram takes it once.
        Waits for the chat's budget, for FLOOD_WAIT and for slow mode, and for the line to come
        back; the upload is never repeated. Raises ChatBusyError for a wait of the chat beyond
        SEND_PATIENCE_S. NO_ANSWER: nothing but internal errors for minutes. To be bounded by the
        caller.
        """
        updates = await self._patiently(
            *(to.chat_id, Priority.SEND, lambda: self._send(to, media, caption, random_id)),
            patience_s=SEND_PATIENCE_S,
        )
        return message_in(updates) if updates else None

    async def edit_text(self, chat_id: int, message_id: int, caption: Caption) -> None:
        """Change a message. The caller has the governor's permit."""
        await self._edit(chat_id, message_id, caption, None)

    async def rewrite(
        self, chat_id: int, message_id: int, words: Callable[[], Awaitable[Caption]]
    ) -> None:
        """Change a message as often as it takes, to what words says when its turn has come."""
        while True:
            await self.governor.permit(chat_id, Priority.SEND)
            caption = await words()
            try:
                await self.edit_text(chat_id, message_id, caption)
            except DeliveryError as error:
                if error.code not in failures.PASSING:
                    raise
            else:
                return

    async def edit_photo(self, chat_id: int, message_id: int, photo: Any, caption: Caption) -> None:
        """Put a picture with a caption where a text was. As edit_text otherwise."""
        media = raw.types.InputMediaUploadedPhoto(file=photo)
        await self._edit(chat_id, message_id, caption, media)

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of the bot."""

        async def delete() -> None:
            now_id, number = self.moves.place(chat_id, message_id)
            async with self._caller.translated(now_id):
                peer = await self._caller.peer(now_id)
                await self._caller.make(
                    raw.functions.channels.DeleteMessages(channel=channel_of(peer), id=[number])
                    if isinstance(peer, raw.types.InputPeerChannel)
                    else raw.functions.messages.DeleteMessages(id=[number], revoke=True)
                )

        await self.moves.follow(chat_id, delete)

    async def find_answer(self, to: Target, is_it: IsIt) -> raw.types.Message | None:
        """Return the bot's message that answers `to` and that is_it knows; None: not found."""
        if to.reply_to is None:
            return None
        async with self._caller.translated(None):  # too many questions: the chat may go on
            peer = await self._caller.peer(to.chat_id)

            async def get(numbers: Sequence[int]) -> Sequence[Any]:
                ids: list[Any] = [raw.types.InputMessageID(id=number) for number in numbers]
                found: Any = await self._caller.make(
                    raw.functions.channels.GetMessages(channel=channel_of(peer), id=ids)
                    if isinstance(peer, raw.types.InputPeerChannel)
                    else raw.functions.messages.GetMessages(id=ids)
                )
                return list(found.messages)

            return await Search(get, to.reply_to, is_it).run()

    async def answer_press(self, query_id: str, text: str | None) -> None:
        """Answer a press; words, if any, pop up over the chat for a moment."""
        async with self._caller.translated(None):
            query = raw.functions.messages.SetBotCallbackAnswer(
                query_id=int(query_id), cache_time=0, message=text or None
            )
            await self._caller.make(query, ANSWER_PRESS_WITHIN_S)

    # how

    def _are_enough(self, chat_id: int) -> bool:
        """Say whether no more answers may be on their way to a chat, or to all together."""
        chats = list(self._answers.values())
        return len(chats) >= MAX_ANSWERS or chats.count(chat_id) >= MAX_ANSWERS_EACH

    async def _answer(self, to: Target, caption: Caption) -> None:
        """Answer, and contain whatever happens."""
        random_id = secrets.randbits(63)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._patiently(
                    to.chat_id, Priority.ANSWER, lambda: self._send(to, None, caption, random_id)
                )
        except (DeliveryError, TimeoutError) as error:
            log.warning("chat %s did not get an answer: %r", to.chat_id, error)
        except Exception:  # where an answer ends
            log.exception("chat %s did not get an answer", to.chat_id)

    async def _patiently(
        self,
        chat_id: int,
        priority: Priority,
        send: Callable[[], Awaitable[T]],
        *,
        patience_s: float = math.inf,
    ) -> T:
        """Make a call that must not be lost, as often as it takes.

        Raises ChatBusyError rather than wait for the chat longer than patience_s. NO_ANSWER is
        raised when Telegram answers and nothing comes of it: somebody should know.
        """
        is_unsent = True
        while True:
            wait_s = self.governor.delay_s(chat_id, priority, is_new=True)
            if wait_s > patience_s:
                raise ChatBusyError(failures.FLOOD_WAIT, wait_s, is_unsent)
            await self.governor.permit(chat_id, priority, is_new=True)
            try:
                return await send()
            except DeliveryError as error:
                is_broken = isinstance(error.__cause__, InternalErrorsError)
                if is_broken or error.code not in failures.PASSING:
                    raise
                is_unsent = is_unsent and error.code == failures.FLOOD_WAIT
                log.info("chat %s: sending again after %s", chat_id, error.code)

    async def _send(self, to: Target, media: Any, caption: Caption, random_id: int) -> Any | None:
        """Send once; as no reply when the message to reply to is gone. Returns raw updates."""

        async def send() -> Any | None:
            now_id = self.moves.now(to.chat_id)
            if now_id != to.chat_id:  # what is to be answered is not there
                return await self._say(Target(now_id), media, caption, random_id)
            try:
                return await self._say(to, media, caption, random_id)
            except DeliveryError as error:
                if to.reply_to is None or error.code not in failures.REPLY_GONE:
                    raise
            return await self._say(replace(to, reply_to=None), media, caption, random_id)

        return await self.moves.follow(to.chat_id, send)

    async def _say(self, to: Target, media: Any, caption: Caption, random_id: int) -> Any | None:
        async with self._caller.translated(to.chat_id):
            fields = {
                "peer": await self._caller.peer(to.chat_id),
                "random_id": random_id,
                "reply_to": reply(to.reply_to, to.topic_id),
                **await written(self._client, caption.text, caption.buttons),
            }
            message = new_message(media, fields, is_silent=caption.is_silent)
            return await self._caller.make(message, SEND_TIMEOUT_S)

    async def _edit(self, chat_id: int, message_id: int, caption: Caption, media: Any) -> None:
        async def edit() -> None:
            now_id, number = self.moves.place(chat_id, message_id)
            async with self._caller.translated(now_id):
                query = raw.functions.messages.EditMessage(
                    peer=await self._caller.peer(now_id),
                    id=number,
                    media=media,
                    no_webpage=True,
                    **await written(self._client, caption.text, caption.buttons),
                )
                await self._caller.make(query)

        await self.moves.follow(chat_id, edit)
