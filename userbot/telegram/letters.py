"""Messages as Telegram's calls want them, and what is in its answers."""

from typing import Any

from pyrogram import Client, raw
from pyrogram.types import InlineKeyboardMarkup

from userbot.errors import DeliveryError
from userbot.telegram.markup import styled


async def written(
    client: Client, text: str, buttons: InlineKeyboardMarkup | None
) -> dict[str, Any]:
    """Return the fields of a text (in the markup of `texts`) and its buttons."""
    plain, entities = styled(text)
    return {
        "message": plain,
        "entities": [await entity.write() for entity in entities],  # type: ignore[no-untyped-call]  # vendor's
        "reply_markup": await buttons.write(client) if buttons else None,
    }


def new_message(media: Any, fields: dict[str, Any], *, is_silent: bool) -> Any:
    """Return the call that sends a text, or a caption with its media."""
    if media is None:
        return raw.functions.messages.SendMessage(
            no_webpage=True, silent=is_silent or None, **fields
        )
    return raw.functions.messages.SendMedia(media=media, **fields)


def channel_of(peer: raw.types.InputPeerChannel) -> raw.types.InputChannel:
    """Return a supergroup as the calls of `channels` want it."""
    return raw.types.InputChannel(channel_id=peer.channel_id, access_hash=peer.access_hash)


def reply(reply_to: int | None, topic_id: int | None) -> Any:
    """Return what a new message answers, and in which topic; None for neither."""
    first = reply_to if reply_to is not None else topic_id
    if first is None:
        return None
    return raw.types.InputReplyToMessage(reply_to_msg_id=first, top_msg_id=topic_id)


def id_in(updates: Any | None) -> int | None:
    """Return the number of a message that was sent; None without an answer."""
    if updates is None:
        return None
    if isinstance(updates, raw.types.UpdateShortSentMessage):
        return updates.id
    return message_in(updates).id


def message_in(updates: Any) -> raw.types.Message:
    """Return the message that was sent."""
    for update in getattr(updates, "updates", ()):
        message = getattr(update, "message", None)
        if isinstance(message, raw.types.Message):
            return message
    raise DeliveryError("NO_MESSAGE")
