"""The connections: how many are open, where they lead, and how they come back."""

import asyncio
import logging
import random
import socket

from pyrogram import Client
from pyrogram.errors import AuthKeyDuplicated, RPCError, Unauthorized

from userbot.errors import DeliveryError
from userbot.telegram.uploader.connection import Connection, Events
from userbot.telegram.uploader.home import Home, find_home, has_key
from userbot.telegram.uploader.line import connected
from userbot.telegram.uploader.pace import Door, Window
from userbot.telegram.uploader.refusals import Then, verdict
from userbot.telegram.uploader.settings import MAX_PARTS, UploaderSettings

log = logging.getLogger(__name__)

ASKING = "address for uploads"  # a task's name
_DIAL_TIMEOUT_S = 4.0
_MAX_WAITING = 4  # connections that nobody answers, at once
_HOME_TIMEOUT_S = 40.0  # pyrogram repeats a call that a lost connection swallowed
_FIRST_DELAY_S, _MAX_DELAY_S, _FLOOD_DELAY_S = 0.1, 1.0, 5.0
_LOST_DELAY_S = 0.2  # after a connection that was let in and then lost
_NEXT_AFTER = 2  # failures in a row, and another address is tried
_ASK_AGAIN_AFTER = 3  # failures in a row, and the address or the key may be new ones
_HICCUP_S = 5.0  # for so long a key may be unknown without being lost
_KEY_UNKNOWN, _FLOOD = -404, -429  # https://core.telegram.org/mtproto/mtproto-transports


class Links:
    """Opens connections when they are wanted, and keeps them warm. Never raises."""

    def __init__(
        self,
        client: Client,
        settings: UploaderSettings,
        tasks: asyncio.TaskGroup,
        events: Events,
    ) -> None:
        self._client = client
        self._settings = settings
        self._tasks = tasks
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._home: Home | None = None
        self._dc_id: int | None = None  # None: the client's own
        self._open: list[Connection] = []
        self._dialing: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._failures = 0
        self._turn = 0  # which of the addresses is tried
        self._unknown_key = 0
        self._unknown_since_s = 0.0
        self._retry_at_s = 0.0
        self._door = Door(settings.max_connections)
        self._suspects = 0
        self._window = 2  # what the last connection had found out
        self._is_closed = False
        self.fatal: DeliveryError | None = None

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def freest(self, limit: int) -> Connection | None:
        """Return which of the first `limit` useful connections has the least to do."""
        best, least = None, MAX_PARTS
        for connection in self._open[: limit + self._suspects]:  # often called: keep it short
            if len(connection.pending) < least and connection.is_free:
                best, least = connection, len(connection.pending)
        return best

    def want(self, count: int) -> None:
        """See that this many connections are of use; missing ones are being opened."""
        now_s = self._loop.time()
        if now_s < self._retry_at_s or self.fatal or self._is_closed:
            return
        there = len(self._open) + len(self._dialing)
        is_useless = self._suspects == len(self._open) > 0
        # A few more than allowed while none of them is of use.
        room = self._door.room(now_s)
        room = room and room - there + is_useless * _MAX_WAITING
        missing = min(count - there + self._suspects, room)
        if self._failures or is_useless:
            missing = self._careful(missing, now_s)
        elif self._home is None:
            missing = min(missing, 1 - len(self._dialing))
        for _ in range(missing):
            task = self._tasks.create_task(self._dial())
            self._dialing.add(task)
            task.add_done_callback(self._dialing.discard)

    def _careful(self, missing: int, now_s: float) -> int:
        """Return how many to open after failures: one, and soon the next if nobody answers it."""
        waiting = len(self._dialing) if self._home else len(self._dialing) * _MAX_WAITING
        if missing <= 0 or waiting >= _MAX_WAITING:
            return 0
        self._retry_at_s = now_s + _MAX_DELAY_S
        return 1

    def lost(self, connection: Connection) -> None:
        """Forget a connection; one that never worked, or was silent, delays the next."""
        if connection in self._open:
            self._open.remove(connection)
            self._suspects -= connection.is_suspect
        if connection.is_suspect:
            self._failed("no answers any more", connection.home)
        elif not connection.has_worked and connection.is_welcome:
            self._delay(_LOST_DELAY_S)
        elif not connection.has_worked:
            if any(other.is_welcome for other in self._open):  # it is not the line
                self._door.slammed(self._loop.time())
            self._failed("lost before Telegram had answered", connection.home)

    def worked(self, connection: Connection) -> None:
        """Note that parts get through."""
        self._failures = self._unknown_key = 0
        self._retry_at_s = 0.0
        self._window = connection.window.size

    def unwelcome(self, connection: Connection, code: int, text: str) -> None:
        """Take what Telegram said instead of letting us in; the connection is closed."""
        log.warning("a connection for uploads was refused: %d %s", code, text)
        ruling, now_s = verdict(code, text, 0), self._loop.time()
        if code == _FLOOD or ruling.then is Then.WAIT:
            self._door.refused(now_s, max(_FLOOD_DELAY_S, ruling.delay_s))
        if code in (401, 406) or (code == _KEY_UNKNOWN and self._is_key_lost(now_s)):
            self.fatal = DeliveryError(text or "AUTH_KEY_UNREGISTERED")

    def _is_key_lost(self, now_s: float) -> bool:
        """Say whether it was refused again and again, and not by a hiccup of many connections."""
        if not self._unknown_key:
            self._unknown_since_s = now_s
        self._unknown_key += 1
        return self._unknown_key >= _ASK_AGAIN_AFTER and now_s - self._unknown_since_s > _HICCUP_S

    def migrate(self, dc_id: int) -> None:
        """Go to another data centre with everything."""
        log.warning("uploads move to data centre %d", dc_id)
        self._dc_id, self._home = dc_id, None
        for connection in tuple(self._open):
            connection.retire()

    def check(self, now_s: float, too_late_s: float) -> None:
        """Do what is due on every connection; close those that were idle for long."""
        for connection in tuple(self._open):
            idle_s = now_s - connection.used_at_s
            if not connection.pending and idle_s > self._settings.keep_warm_s:
                connection.retire()
            else:
                connection.check(now_s, too_late_s)
        self._suspects = sum(connection.is_suspect for connection in self._open)
        self._door.counted(sum(connection.is_welcome for connection in self._open))

    def shrink(self, count: int) -> None:
        """Give up all connections but the first ones."""
        for connection in self._open[count:]:
            connection.retire()

    def is_slow(self, since_s: float) -> bool:
        """Whether they are several, and a part has been leaving since then, and still is."""
        return len(self._open) > 1 and any(connection.is_slow(since_s) for connection in self._open)

    def forgive(self) -> None:
        """Try again what was hopeless: the client may have logged in anew."""
        if not self._open:
            self._turn = 0
        if self.fatal:
            self.fatal, self._home, self._dc_id, self._unknown_key = None, None, None, 0

    def close(self) -> None:
        """Drop everything."""
        self._is_closed = True
        for task in (*self._dialing, *([self._asking] if self._asking else ())):
            task.cancel()
        for connection in tuple(self._open):
            connection.retire()

    async def _dial(self) -> None:
        home: Home | None = None
        try:
            home = (await self._found_home()).at(self._turn)
            async with asyncio.timeout(_DIAL_TIMEOUT_S):
                line = await connected(home.host, home.port)
        except (Unauthorized, AuthKeyDuplicated) as error:
            self.fatal = DeliveryError(error.ID or "UNAUTHORIZED")
        except DeliveryError as error:
            self.fatal = error
        except (OSError, TimeoutError, RPCError, ValueError, KeyError) as error:
            self._failed(repr(error), home)
        except Exception as error:  # Pyrogram's, of any kind; one connection never ends the bot
            log.exception("no connection for uploads could be opened")
            self._failed(repr(error), home)
        else:
            self._open.append(self._connection(home, line))
        self._events.wake()

    async def _found_home(self) -> Home:
        if self._home and self._unknown_key and not await has_key(self._client, self._home):
            self._home = None
        if self._home is None:
            dc_id = self._dc_id
            async with asyncio.timeout(_HOME_TIMEOUT_S):
                found = await find_home(self._client, dc_id)
            if dc_id != self._dc_id:
                raise ValueError("moved meanwhile")
            self._home = found
            self._events.wake()
        return self._home

    async def _ask_again(self) -> None:
        """Look for a new address while the old one is being tried."""
        dc_id = self._dc_id
        try:
            async with asyncio.timeout(_HOME_TIMEOUT_S):
                found = await find_home(self._client, dc_id)
        except (OSError, TimeoutError, RPCError, ValueError, DeliveryError) as error:
            log.info("no new address for uploads: %r", error)
        except Exception:  # as in _dial
            log.exception("no new address for uploads")
        else:
            if self._dc_id == dc_id:
                self._home = found

    def _connection(self, home: Home, line: socket.socket) -> Connection:
        window = Window(self._settings.max_window, min(self._window, self._settings.max_window))
        is_sure = not (self._failures or self._suspects or self._door.is_narrow)
        return Connection(home, line, self._events, window, is_sure=is_sure)

    def _failed(self, why: str, home: Home | None) -> None:
        delay_s = min(_MAX_DELAY_S, _FIRST_DELAY_S * 2 ** min(self._failures, 10))
        self._delay(delay_s)
        self._failures += 1
        self._go_round(home)
        log.info("no connection for uploads: %s", why)
        rounds, rest = divmod(self._failures, _ASK_AGAIN_AFTER)
        if rest or self._is_closed:
            return
        if not rounds & (rounds - 1):  # the 1st, 2nd, 4th, 8th ... time: an outage may be long
            log.warning("Telegram takes no connections for uploads: %s", why)
        if self._asking is None or self._asking.done():
            self._asking = self._tasks.create_task(self._ask_again(), name=ASKING)

    def _go_round(self, tried: Home | None) -> None:
        """Take the next address after failures, unless the one that failed was left meanwhile."""
        if self._failures < _NEXT_AFTER or not tried or not self._home:
            return
        now = self._home.at(self._turn)
        if (now.host, now.port) == (tried.host, tried.port):
            self._turn += 1

    def _delay(self, delay_s: float) -> None:
        due_s = self._loop.time() + delay_s * random.uniform(0.75, 1.0)
        self._retry_at_s = max(self._retry_at_s, due_s)
