"""Sending exactly once over a line that may lose the question or the answer.

A message's random_id makes Telegram take it once: a repeat is refused with RANDOM_ID_DUPLICATE,
which says that it was sent (https://core.telegram.org/method/messages.sendMedia). Pyrogram's own
`invoke` takes that for a broken server and repeats until it reports a timeout, so the call is
made one level below it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pyrogram import Client, raw
from pyrogram.errors import (
    InternalServerError,
    RandomIdDuplicate,
    RandomIdDuplicate500,
    ServiceUnavailable,
)

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 15.0
REPEAT_AFTER_S = 1.0
IDS_PER_CALL = 100  # https://core.telegram.org/method/messages.getMessages
CALLS = 5  # how far after the request its answer is looked for


async def send_once(client: Client, query: Any) -> Any | None:
    """Make a call with a random_id until Telegram has taken it; None when it had it already.

    Raises RPCError for a refusal. A lost connection is waited for: bound it with a timeout.
    """
    while True:
        session = client.session
        assert session is not None
        await session.is_started.wait()
        try:
            return await session.send(query, timeout=ANSWER_TIMEOUT_S)
        except (RandomIdDuplicate, RandomIdDuplicate500):
            return None
        except (OSError, InternalServerError, ServiceUnavailable) as error:
            log.info("sending again: %r", error)
            await asyncio.sleep(REPEAT_AFTER_S)


async def find_answer(
    client: Client, peer: Any, reply_to: int, is_it: Callable[[raw.types.Message], bool]
) -> raw.types.Message | None:
    """Return the bot's own message that answers reply_to and that is_it knows.

    None when it is not among the next ids: a bot cannot search a chat.
    """
    for start in range(reply_to + 1, reply_to + 1 + CALLS * IDS_PER_CALL, IDS_PER_CALL):
        ids: list[Any] = [
            raw.types.InputMessageID(id=number) for number in range(start, start + IDS_PER_CALL)
        ]
        found: Any = await client.invoke(
            raw.functions.channels.GetMessages(channel=_channel(peer), id=ids)
            if isinstance(peer, raw.types.InputPeerChannel)
            else raw.functions.messages.GetMessages(id=ids)
        )
        for message in found.messages:
            if _answers(message, reply_to) and is_it(message):
                own: raw.types.Message = message
                return own
    return None


def has_size(size_bytes: int) -> Callable[[raw.types.Message], bool]:
    """Know a message by the size of its file."""

    def is_it(message: raw.types.Message) -> bool:
        return getattr(getattr(message.media, "document", None), "size", None) == size_bytes

    return is_it


def has_button(word: bytes) -> Callable[[raw.types.Message], bool]:
    """Know a message by a word in the data of its buttons."""

    def is_it(message: raw.types.Message) -> bool:
        rows: Any = getattr(message.reply_markup, "rows", ())
        types = [button.type for row in rows for button in row.buttons]
        return any(word in getattr(kind, "data", b"") for kind in types)

    return is_it


def _channel(peer: raw.types.InputPeerChannel) -> raw.types.InputChannel:
    return raw.types.InputChannel(channel_id=peer.channel_id, access_hash=peer.access_hash)


def _answers(message: Any, reply_to: int) -> bool:
    if not isinstance(message, raw.types.Message) or not message.out:
        return False
    return getattr(message.reply_to, "reply_to_msg_id", None) == reply_to
