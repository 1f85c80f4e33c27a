"""How it shows that Telegram has ended the bot's login, which Pyrogram alone would not notice.

A key that Telegram has forgotten is answered with a bare number, and Pyrogram stops listening for
good. A login that was ended otherwise connects as ever, and only calls are refused.
"""

import asyncio
import contextlib

from pyrogram import Client, raw
from pyrogram.errors import AuthKeyDuplicated, RPCError, Unauthorized
from pyrogram.session.session import AuthKeyNotFound

from userbot.telegram.failures import code_of

KEY_UNKNOWN = "AUTH_KEY_NOT_FOUND"  # -404: https://core.telegram.org/mtproto/mtproto-transports
LOOK_EVERY_S = 0.5
ASK_EVERY_S = 60.0
ANSWER_TIMEOUT_S = 20.0


def is_ended(error: RPCError) -> bool:
    """Say whether an error is about the login: what is wrong with a token has code 400.

    https://core.telegram.org/api/errors#401-unauthorized
    """
    return isinstance(error, Unauthorized | AuthKeyDuplicated)


async def key_is_unknown(client: Client) -> None:
    """Return when Telegram has said that it does not know the key."""
    while not _is_key_unknown(client):  # noqa: ASYNC110  Pyrogram tells nobody
        await asyncio.sleep(LOOK_EVERY_S)


async def ended(client: Client, ask_every_s: float = ASK_EVERY_S) -> str:
    """Return Telegram's word for it when it has ended the login of a running client."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ask_every_s):
                await key_is_unknown(client)
                return KEY_UNKNOWN
        if (code := await _refusal(client)) is not None:
            return code


def _is_key_unknown(client: Client) -> bool:
    listening = client.session.recv_task if client.session else None
    if listening is None or not listening.done() or listening.cancelled():
        return False
    return isinstance(listening.exception(), AuthKeyNotFound)


async def _refusal(client: Client) -> str | None:
    """Ask for what only somebody who is logged in gets; return why not, None: all is well."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await client.invoke(raw.functions.updates.GetState())
    except RPCError as error:
        return code_of(error) if is_ended(error) else None
    except OSError:  # TimeoutError too
        return None
    return None
