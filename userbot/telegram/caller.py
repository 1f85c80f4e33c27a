"""How a call is made: bounded, repeated when the line loses it, its errors in our words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pyrogram import Client
from pyrogram.errors import MessageNotModified, RPCError

from userbot.errors import DeliveryError
from userbot.telegram import failures, once
from userbot.telegram.governor import Governor

CALL_TIMEOUT_S = 40.0


class Caller:
    """Makes raw calls that may be repeated without harm."""

    def __init__(self, client: Client, governor: Governor, tasks: asyncio.TaskGroup) -> None:
        self._client = client
        self._governor = governor
        self._calls = once.Calls(client, tasks, once.PAUSES_S)

    async def make(self, query: Any, within_s: float = CALL_TIMEOUT_S) -> Any:
        """Return the answer; None when Telegram had taken this random_id before."""
        return await self._calls.make(query, within_s)

    async def peer(self, chat_id: int) -> Any:
        """Return the InputPeer of a chat."""
        async with asyncio.timeout(CALL_TIMEOUT_S):
            try:
                return await self._client.resolve_peer(chat_id)
            except (KeyError, ValueError) as error:  # its way to say: a peer it has never met
                raise failures.failure("PEER_ID_INVALID") from error
            except TypeError as error:  # pyrogram takes bad_msg_notification for an answer
                raise ConnectionError("Telegram did not look at the question") from error

    @asynccontextmanager
    async def translated(self, chat_id: int | None) -> AsyncIterator[None]:
        """Turn errors of the block into DeliveryError, and tell the governor of waits.

        That a message is already as it shall be is no error.
        """
        try:
            yield
        except MessageNotModified:
            return
        except RPCError as error:
            wait_s = failures.wait_s(error)
            if wait_s is None:
                raise failures.failure(failures.code_of(error)) from error
            if chat_id is not None:
                pause = (
                    self._governor.slow if failures.is_slow_mode(error) else self._governor.pause
                )
                pause(chat_id, wait_s)
            raise DeliveryError(failures.FLOOD_WAIT) from error
        except OSError as error:  # TimeoutError too
            raise DeliveryError(failures.NO_ANSWER) from error
