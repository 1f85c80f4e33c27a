"""Calls that count once, however often they are made over a line that loses questions and answers.

A message's random_id makes Telegram take it once: a repeat is refused with RANDOM_ID_DUPLICATE,
which says that it was sent (https://core.telegram.org/method/messages.sendMedia). Pyrogram's own
`invoke` takes that for a broken server and repeats until it reports a timeout, and it notices a
question that a reconnect swallowed only after its timeout; so calls are made one level below it.
"""

import asyncio
import logging
from typing import Any

from pyrogram import Client
from pyrogram.errors import (
    InternalServerError,
    RandomIdDuplicate,
    RandomIdDuplicate500,
    RPCError,
    ServiceUnavailable,
)

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 15.0
REPEAT_AFTER_S = 1.0
CATCH_UP_TIMEOUT_S = 60.0


class Calls:
    """The client's connection, for calls that may be repeated without harm.

    Such are those that only read, those that say how something shall be (an edit, a deletion), and
    those with a random_id. A call under way is repeated as soon as the client has connected anew.
    """

    def __init__(self, client: Client, tasks: asyncio.TaskGroup) -> None:
        self._client = client
        self._tasks = tasks
        self._waiting: set[asyncio.Timeout] = set()
        client.connect_handler = self._connected

    async def make(self, query: Any, within_s: float) -> Any | None:
        """Return the answer; None when Telegram had taken this random_id before.

        Raises RPCError for a refusal, TimeoutError when there is no answer within_s seconds.
        """
        async with asyncio.timeout(within_s):
            while True:
                try:
                    return await self._made(query)
                except (RandomIdDuplicate, RandomIdDuplicate500):
                    return None
                except _ReconnectedError:
                    log.info("%s: again, on the new connection", query.QUALNAME)
                except (OSError, InternalServerError, ServiceUnavailable) as error:
                    log.info("%s: again after %r", query.QUALNAME, error)
                    await asyncio.sleep(REPEAT_AFTER_S)

    async def _made(self, query: Any) -> Any:
        session = self._client.session
        if session is None:
            raise ConnectionError("the client is stopped")
        await session.is_started.wait()
        limit = asyncio.timeout(ANSWER_TIMEOUT_S)
        self._waiting.add(limit)
        try:
            async with limit:
                return await session.send(query, timeout=2 * ANSWER_TIMEOUT_S)
        except TimeoutError:
            if limit not in self._waiting:
                raise _ReconnectedError from None
            raise
        finally:
            self._waiting.discard(limit)

    async def _connected(self, _client: Client, session: Any) -> None:
        """Give up waiting for answers on the connection before; read what came meanwhile."""
        if session is not self._client.session or not self._client.is_initialized:
            return
        now = asyncio.get_running_loop().time()
        while self._waiting:
            limit = self._waiting.pop()
            if not limit.expired():
                limit.reschedule(now)
        self._tasks.create_task(self._catch_up(), name="missed updates")

    async def _catch_up(self) -> None:
        """Have the updates handled that came while the line was down.

        Telegram sends them by itself only after short gaps, and Pyrogram asks at its start alone.
        """
        try:
            async with asyncio.timeout(CATCH_UP_TIMEOUT_S):
                await self._client.recover_gaps()
        except (RPCError, OSError) as error:
            log.warning("updates may have been missed: %r", error)
        except Exception:  # the bot goes on without them
            log.exception("updates may have been missed")


class _ReconnectedError(Exception):
    """The connection on which a call was made is gone."""
