"""The few calls that the bot makes, each under the governor, a timeout and one table of errors.

Nothing else in this folder calls Telegram to say something.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pyrogram import Client, enums, raw
from pyrogram.errors import FloodWait, MessageNotModified, RPCError
from pyrogram.types import InlineKeyboardMarkup, LinkPreviewOptions, Message, ReplyParameters

from userbot.errors import DeliveryError
from userbot.telegram.governor import Governor, Priority
from userbot.telegram.markup import styled
from userbot.telegram.once import find_answer, send_once

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 40.0  # pyrogram repeats a call that a lost connection swallowed; two rounds of it
ANSWER_WITHIN_S = 5.0
PATIENCE_S = 300.0  # for a message that must not be lost, through an outage of the line
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


_REPLY_IS_GONE = frozenset({"MESSAGE_ID_INVALID", "REPLY_MESSAGE_ID_INVALID", "MSG_ID_INVALID"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes: a chat, perhaps a topic of it, perhaps as a reply."""

    chat_id: int
    reply_to: int | None = None
    topic_id: int | None = None


@dataclass(frozen=True, slots=True)
class Caption:
    """Text (in the markup of `texts`) and buttons under a picture or a file."""

    text: str
    buttons: InlineKeyboardMarkup | None = None


class Api:
    """Telegram, as far as this bot speaks to it. Every method may raise DeliveryError."""

    def __init__(self, client: Client, governor: Governor) -> None:
        self._client = client
        self.governor = governor

    async def answer(
        self, text: str, to: Target, buttons: InlineKeyboardMarkup | None = None
    ) -> None:
        """Answer somebody who has just written; a busy group hears nothing.

        Handlers wait for this, and everybody waits for handlers: it is soon or not at all.
        """
        if self.governor.delay_s(to.chat_id, Priority.ANSWER) > ANSWER_WITHIN_S:
            log.warning("chat %s is too busy for an answer", to.chat_id)
            return
        await self.governor.permit(to.chat_id, Priority.ANSWER)
        await self.send_text(text, to, buttons)

    async def send_text(
        self, text: str, to: Target, buttons: InlineKeyboardMarkup | None = None
    ) -> int:
        """Send text and return the message's id. Waits for FLOOD_WAIT.

        The caller has the governor's permit for the first try.
        """
        plain, entities = styled(text)

        async def call(reply_to: int | None) -> Message | None:
            return await self._client.send_message(
                to.chat_id,
                plain,
                entities=entities,
                link_preview_options=_NO_PREVIEW,
                message_thread_id=to.topic_id,
                reply_parameters=ReplyParameters(message_id=reply_to) if reply_to else None,
                reply_markup=buttons,
                disable_notification=True,
            )

        message: Message | None = await self._patiently(to, call, is_permitted=True)
        if message is None:
            raise DeliveryError("NO_MESSAGE")
        return message.id

    async def edit_text(
        self, chat_id: int, message_id: int, text: str, buttons: InlineKeyboardMarkup | None
    ) -> None:
        """Change a message. The caller has the governor's permit; FLOOD_WAIT pauses the chat."""
        plain, entities = styled(text)
        try:
            async with _translated():
                await self._client.edit_message_text(
                    chat_id,
                    message_id,
                    plain,
                    entities=entities,
                    link_preview_options=_NO_PREVIEW,
                    reply_markup=buttons,
                )
        except FloodWait as flood:
            self.governor.pause(chat_id, _seconds(flood))
            raise DeliveryError("FLOOD_WAIT") from flood

    async def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of the bot."""
        try:
            async with _translated():
                await self._client.delete_messages(chat_id, message_id)
        except FloodWait as flood:
            raise DeliveryError("FLOOD_WAIT") from flood

    async def react(self, chat_id: int, message_id: int, emoji: str) -> None:
        """Put a reaction under a message; a chat that does not take it is no error."""
        try:
            async with _translated():
                await self._client.invoke(
                    raw.functions.messages.SendReaction(
                        peer=await self._peer(chat_id),
                        msg_id=message_id,
                        reaction=[raw.types.ReactionEmoji(emoticon=emoji)],
                    )
                )
        except (DeliveryError, FloodWait) as error:
            log.debug("no reaction in chat %s: %s", chat_id, error)

    async def edit_photo(self, chat_id: int, message_id: int, photo: Any, caption: Caption) -> None:
        """Put a picture with a caption where a text was. As edit_text otherwise."""
        try:
            async with _translated():
                await self._client.invoke(
                    raw.functions.messages.EditMessage(
                        peer=await self._peer(chat_id),
                        id=message_id,
                        media=raw.types.InputMediaUploadedPhoto(file=photo),
                        reply_markup=await _markup(self._client, caption.buttons),
                        **await self._parsed(caption.text),
                    )
                )
        except FloodWait as flood:
            self.governor.pause(chat_id, _seconds(flood))
            raise DeliveryError("FLOOD_WAIT") from flood

    async def send_photo(
        self, to: Target, photo: Any, caption: Caption, random_id: int
    ) -> int | None:
        """Send an uploaded picture; return the message's id, None when it is not known.

        The caller has the governor's permit.
        """
        media = raw.types.InputMediaUploadedPhoto(file=photo)
        message = await self.send_media(to, media, caption, random_id, is_permitted=True)
        return message.id if message else None

    async def send_media(
        self,
        to: Target,
        media: Any,
        caption: Caption,
        random_id: int,
        *,
        is_permitted: bool = False,
    ) -> raw.types.Message | None:
        """Send an uploaded file as a raw SendMedia and return the raw message.

        None: Telegram had taken this random_id before; see `find_answer`.
        The caller draws random_id and may repeat the call with it: Telegram takes it once.
        Waits for the chat's budget, and for FLOOD_WAIT; the upload is never repeated.
        """
        peer = await self._peer(to.chat_id)
        parsed = await self._parsed(caption.text)
        markup = await _markup(self._client, caption.buttons)

        async def call(reply_to: int | None) -> Any:
            query = raw.functions.messages.SendMedia(
                peer=peer,
                media=media,
                random_id=random_id,
                reply_to=_reply(reply_to, to.topic_id),
                reply_markup=markup,
                **parsed,
            )
            updates = await send_once(self._client, query)
            return _message_in(updates) if updates else None

        message: raw.types.Message | None = await self._patiently(
            to, call, is_permitted=is_permitted
        )
        return message

    async def find_answer(
        self, to: Target, is_it: Callable[[raw.types.Message], bool]
    ) -> raw.types.Message | None:
        """Return the bot's message that answers `to` and that is_it knows; None: not found."""
        if to.reply_to is None:
            return None
        try:
            async with _translated():
                peer = await self._peer(to.chat_id)
                return await find_answer(self._client, peer, to.reply_to, is_it)
        except FloodWait as flood:
            raise DeliveryError("FLOOD_WAIT") from flood

    async def _parsed(self, text: str) -> dict[str, Any]:
        plain, entities = styled(text)
        written = [await entity.write() for entity in entities]  # type: ignore[no-untyped-call]  # vendor's
        return {"message": plain, "entities": written}

    async def answer_press(self, query_id: str, text: str | None) -> None:
        """Answer a press; words, if any, pop up over the chat for a moment."""
        try:
            async with _translated():
                await self._client.answer_callback_query(query_id, text)
        except FloodWait as flood:
            raise DeliveryError("FLOOD_WAIT") from flood

    async def is_admin(self, chat_id: int, user_id: int) -> bool:
        """Say whether a user administers a group; False when Telegram does not tell."""
        try:
            async with _translated():
                member = await self._client.get_chat_member(chat_id, user_id)
        except (DeliveryError, FloodWait):
            return False
        admin = (enums.ChatMemberStatus.OWNER, enums.ChatMemberStatus.ADMINISTRATOR)
        return member.status in admin

    async def _peer(self, chat_id: int) -> Any:
        return await self._client.resolve_peer(chat_id)

    async def _patiently(
        self,
        to: Target,
        call: Callable[[int | None], Awaitable[Any]],
        *,
        is_permitted: bool = False,
    ) -> Any:
        """Make a call that must not be lost: as often as Telegram says "later".

        Call gets the message to reply to, and None once Telegram says that it is gone.
        """
        reply_to = to.reply_to
        while True:
            if not is_permitted:
                await self.governor.permit(to.chat_id, Priority.SEND)
            is_permitted = False
            try:
                async with _translated(PATIENCE_S):
                    return await call(reply_to)
            except FloodWait as flood:
                log.warning("FLOOD_WAIT of %s s in chat %s", flood.value, to.chat_id)
                self.governor.pause(to.chat_id, _seconds(flood))
            except DeliveryError as error:
                if reply_to is None or error.code not in _REPLY_IS_GONE:
                    raise
                reply_to = None


@asynccontextmanager
async def _translated(timeout_s: float = CALL_TIMEOUT_S) -> AsyncIterator[None]:
    """Bound a call and turn its errors into ours; FloodWait passes, "not modified" is no error."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except MessageNotModified:
        return
    except FloodWait:
        raise
    except RPCError as error:
        raise DeliveryError(error.ID or str(error.value)) from error
    except (TimeoutError, OSError) as error:
        raise DeliveryError("NO_ANSWER") from error
    except (KeyError, ValueError) as error:  # pyrogram's way to say: a peer it has never met
        raise DeliveryError("PEER_ID_INVALID") from error


async def _markup(client: Client, buttons: InlineKeyboardMarkup | None) -> Any:
    return await buttons.write(client) if buttons else None


def _reply(reply_to: int | None, topic_id: int | None) -> Any:
    first = reply_to if reply_to is not None else topic_id
    if first is None:
        return None
    return raw.types.InputReplyToMessage(reply_to_msg_id=first, top_msg_id=topic_id)


def _seconds(flood: FloodWait) -> float:
    return float(flood.value) if isinstance(flood.value, int) else 5.0


def _message_in(updates: Any) -> raw.types.Message:
    for update in getattr(updates, "updates", ()):
        message = getattr(update, "message", None)
        if isinstance(message, raw.types.Message):
            return message
    raise DeliveryError("NO_MESSAGE")
