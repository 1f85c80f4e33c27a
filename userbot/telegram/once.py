"""Sending exactly once over a line that may lose the question or the answer.

A message's random_id makes Telegram take it once: a repeat is refused with RANDOM_ID_DUPLICATE,
which says that it was sent (https://core.telegram.org/method/messages.sendMedia). Pyrogram's own
`invoke` takes that for a broken server and repeats until it reports a timeout, so the call is
made one level below it.
"""

import asyncio
import logging
from typing import Any, TypeGuard

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


async def find_sent(
    client: Client, peer: Any, reply_to: int, size_bytes: int
) -> raw.types.Message | None:
    """Return the bot's own file that answers reply_to, None when it is not among the next ids."""
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
            if _is_answer(message, reply_to, size_bytes):
                return message
    return None


def _channel(peer: raw.types.InputPeerChannel) -> raw.types.InputChannel:
    return raw.types.InputChannel(channel_id=peer.channel_id, access_hash=peer.access_hash)


def _is_answer(message: Any, reply_to: int, size_bytes: int) -> TypeGuard[raw.types.Message]:
    if not isinstance(message, raw.types.Message) or not message.out:
        return False
    replied = getattr(message.reply_to, "reply_to_msg_id", None)
    document = getattr(message.media, "document", None)
    return replied == reply_to and getattr(document, "size", None) == size_bytes
