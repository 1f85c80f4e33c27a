"""Calls that count once, however often they are made over a line that loses questions and answers.

A message's random_id makes Telegram take it once: a repeat is refused with RANDOM_ID_DUPLICATE,
which says that it was sent (https://core.telegram.org/method/messages.sendMedia). Pyrogram's own
`invoke` takes that for a broken server and repeats until it reports a timeout, and it notices a
question that a reconnect swallowed only after its timeout; so calls are made one level below it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pyrogram import Client, raw
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
# After an internal error of Telegram: most pass at once, some last for hours. 1:45 in all.
PAUSES_S = (1.0, 2.0, 4.0, 8.0, *(10.0,) * 9)
CATCH_UP_TIMEOUT_S = 60.0


class InternalErrorsError(TimeoutError):
    """Telegram answers, and nothing comes of it: soon is no better than now."""


class Calls:
    """The client's connection, for calls that may be repeated without harm.

    Such are those that only read, those that say how something shall be (an edit, a deletion), and
    those with a random_id. A call under way is repeated as soon as the client has connected anew.
    """

    def __init__(self, client: Client, tasks: asyncio.TaskGroup, pauses_s: Sequence[float]) -> None:
        """Listen to the client's connections; pauses_s come between internal errors in a row."""
        self._client = client
        self._tasks = tasks
        self._pauses_s = pauses_s
        self._waiting: set[asyncio.Timeout] = set()
        self._open: set[asyncio.Timeout] = set()
        client.connect_handler = self._connected
        client.disconnect_handler = self._disconnected

    async def make(self, query: Any, within_s: float) -> Any | None:
        """Return the answer; None when Telegram had taken this random_id before.

        Raises RPCError for a refusal, TimeoutError when there is no answer within_s seconds,
        InternalErrorsError when there is nothing else for long.
        """
        async with self._until_stopped(within_s):
            pauses_s = iter(self._pauses_s)
            while not self._is_stopped:
                try:
                    return await self._made(query)
                except (RandomIdDuplicate, RandomIdDuplicate500):
                    return None
                except _ReconnectedError:
                    log.info("%s: again, on the new connection", query.QUALNAME)
                except OSError as error:
                    log.info("%s: again after %r", query.QUALNAME, error)
                    pauses_s = iter(self._pauses_s)
                    await asyncio.sleep(REPEAT_AFTER_S)
                except (InternalServerError, ServiceUnavailable) as error:
                    if (pause_s := next(pauses_s, None)) is None:
                        raise InternalErrorsError("nothing but internal errors") from error
                    log.info("%s: again in %.0f s after %r", query.QUALNAME, pause_s, error)
                    await asyncio.sleep(pause_s)
        raise ConnectionError("the client is stopped")

    @property
    def _is_stopped(self) -> bool:
        """Whether the client has logged off; one that has yet to log in is waited for."""
        return self._client.is_initialized is False  # None before its first start

    @asynccontextmanager
    async def _until_stopped(self, within_s: float) -> AsyncIterator[None]:
        """Raise TimeoutError in the block after within_s, or when the client is stopped."""
        async with asyncio.timeout(within_s) as limit:
            self._open.add(limit)
            try:
                yield
            finally:
                self._open.discard(limit)

    async def _made(self, query: Any) -> Any:
        session = self._client.session
        if session is None:
            raise ConnectionError("the client is not connected")
        await session.is_started.wait()
        limit = asyncio.timeout(ANSWER_TIMEOUT_S)
        self._waiting.add(limit)
        try:
            async with limit:
                answer = await session.send(query, timeout=2 * ANSWER_TIMEOUT_S)
        except TimeoutError:
            if limit not in self._waiting:
                raise _ReconnectedError from None
            raise
        finally:
            self._waiting.discard(limit)
        if isinstance(answer, raw.types.BadMsgNotification):
            # Telegram did not look at the call: after a suspend, say, the clock is wrong for a
            # moment (https://core.telegram.org/mtproto/service_messages_about_messages)
            raise ConnectionError(f"bad_msg_notification {answer.error_code}")
        return answer

    async def _connected(self, _client: Client, session: Any) -> None:
        """Give up waiting for answers on the connection before; read what came meanwhile."""
        if session is not self._client.session or not self._client.is_initialized:
            return
        while self._waiting:
            _expire(self._waiting.pop())
        self._tasks.create_task(self._catch_up(), name="missed updates")

    async def _disconnected(self, _client: Client, session: Any) -> None:
        """Give up what is under way when the client is stopped: no answer will come."""
        if session is self._client.session and self._is_stopped:
            for limit in self._open:
                _expire(limit)

    async def _catch_up(self) -> None:
        """Have the updates handled that came while the line was down.

        Telegram sends them by itself only after short gaps, and Pyrogram asks at its start alone.
        """
        try:
            async with self._until_stopped(CATCH_UP_TIMEOUT_S):
                await self._client.recover_gaps()
        except (RPCError, OSError) as error:
            log.warning("updates may have been missed: %r", error)
        except Exception:  # the bot goes on without them
            log.exception("updates may have been missed")


def _expire(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())


class _ReconnectedError(Exception):
    """The connection on which a call was made is gone."""
