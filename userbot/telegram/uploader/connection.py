"""Parts on one connection, from the first to its end."""

import asyncio
import logging
import socket
from typing import Protocol

from userbot.telegram.uploader import mtproto
from userbot.telegram.uploader.envelope import PartMessage, part_message
from userbot.telegram.uploader.home import Home
from userbot.telegram.uploader.line import Line
from userbot.telegram.uploader.pace import Window
from userbot.telegram.uploader.sent import Sent
from userbot.telegram.uploader.talk import Talk
from userbot.telegram.uploader.upload import Upload

log = logging.getLogger(__name__)

_SILENCE_S = 3.0
_PROBE_EVERY_S = 1.0


class Events(Protocol):
    """Who is told what happens on a connection."""

    def lost(self, connection: "Connection") -> None:
        """Forget it: its pending parts are not answered any more."""

    def acknowledged(self, connection: "Connection", sent: Sent, sample_s: float) -> None:
        """Count a part that Telegram has, sample_s after it was written."""

    def refused(self, connection: "Connection", sent: Sent, code: int, text: str) -> None:
        """Take Telegram's error about a part."""

    def unwelcome(self, connection: "Connection", code: int, text: str) -> None:
        """Take an error that concerns no part; the connection is closed."""

    def wake(self) -> None:
        """Look again: it may have room."""


class Connection:
    """Carries parts. Once lost it is never used again; its parts are put back.

    A part that is not answered in time is sent once more on another connection. Meanwhile this
    one gets no others and is asked for a sign of life: with it, it is as good as before (and the
    answer may still come); without, it is closed.
    """

    def __init__(
        self, home: Home, connected: socket.socket, events: Events, window: Window, *, is_sure: bool
    ) -> None:
        """Introduce ourselves. is_sure: parts may follow before that is answered."""
        self.home = home
        self.window = window
        self.pending: dict[int, Sent] = {}
        self.has_worked = False  # a part was acknowledged
        self.is_suspect = False  # a part or the welcome is overdue
        self._is_sure = is_sure
        self._late: dict[int, Sent] = {}  # given up, but perhaps answered one day
        self._events = events
        self._loop = asyncio.get_running_loop()
        self.used_at_s = self._moved_at_s = self._opened_at_s = self._loop.time()
        self._arrived_bytes = 0
        self._is_preparing = False
        self._line = Line(connected, self)
        self._talk = Talk(home, self._line, self)

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._line.is_open

    @property
    def is_welcome(self) -> bool:
        """Whether Telegram answered our introduction."""
        return self._talk.is_welcome

    @property
    def is_free(self) -> bool:
        """Whether it takes another part now."""
        busy = self._is_preparing or self.is_suspect or self._line.is_blocked
        is_let_in = self._is_sure or self._talk.is_welcome
        return not busy and is_let_in and len(self.pending) < self.window.size

    def is_slow(self, since_s: float) -> bool:
        """Whether a part has been leaving since then, and still is."""
        first = next(iter(self.pending.values()), None)
        return bool(first and first.at_s < since_s and not (first.arrived_at_s or first.is_overdue))

    def close(self) -> None:
        """Drop it at once."""
        self._line.close()

    def retire(self) -> None:
        """Drop it although nothing is wrong with it."""
        self.has_worked = True
        self.close()

    # a part, from its number to the line

    def begin(self, upload: Upload, index: int) -> tuple[PartMessage, Sent]:
        """Give a part its number. `end` has to follow."""
        self._is_preparing = True
        self._talk.hold()
        self._line.hold()
        message = part_message(self._talk.session, upload, index)
        sent = Sent(upload, index, len(self.pending) + 1, self._loop.time())
        self.pending[message.message_id] = sent  # the answer may be faster than we are
        return message, sent

    def push(self, packet: memoryview | bytes) -> memoryview:
        """Write a part that was begun; return what there is no room for. For a thread."""
        return self._line.push(packet)

    def end(self, message_id: int, rest: memoryview | None) -> None:
        """Finish what was begun; rest None: it was not written and will not be."""
        self._is_preparing = False
        self._line.release()
        if rest is None:
            self.not_taken(message_id)  # the line was closed, perhaps
            self._talk.session.take_back(message_id)
        elif self.is_open:
            self._written(message_id, rest)
        self._talk.release()

    def _written(self, message_id: int, rest: memoryview) -> None:
        self._line.keep(rest)
        self.used_at_s = self._loop.time()
        if sent := self.pending.get(message_id):
            sent.at_s, sent.end_byte = self.used_at_s, self._line.written_bytes

    # what the clock brings

    def check(self, now_s: float, too_late_s: float) -> None:
        """Ping, acknowledge, put back what is overdue, and end a connection that is silent."""
        self._look_how_far(now_s)
        silent_s = now_s - self._moved_at_s
        if (self.pending or self._talk.is_waiting) and silent_s > _SILENCE_S + too_late_s:
            log.info("a connection for uploads is silent; it is closed")
            self.close()
            return
        for sent in tuple(self.pending.values()):
            if not sent.is_overdue and self._waits_s(sent, now_s) > too_late_s:
                log.debug("part %d is overdue", sent.index)
                sent.put_back()
                sent.is_overdue = True
        self._judge(now_s, too_late_s)
        self._late = {known: sent for known, sent in self._late.items() if sent.is_current}
        if self.is_suspect:
            self._talk.ping(now_s, _PROBE_EVERY_S)
        if self.is_open:
            self._talk.acknowledge()
            self._talk.ping(now_s)

    def _judge(self, now_s: float, too_late_s: float) -> None:
        is_let_in = self._is_sure or self._talk.is_welcome
        is_ignored = not is_let_in and now_s - self._opened_at_s > too_late_s
        self.is_suspect = is_ignored or any(sent.is_overdue for sent in self.pending.values())

    def _look_how_far(self, now_s: float) -> None:
        """Note what the other side's TCP has: a slow line is no dead one."""
        arrived = self._line.arrived_bytes()
        leaving = [sent for sent in self.pending.values() if not sent.arrived_at_s]
        is_idle = not self.pending and not self._talk.is_waiting
        # Of parts alone: that a ping has arrived somewhere says nothing.
        if is_idle or (leaving and arrived > self._arrived_bytes):
            self._moved_at_s = now_s
        self._arrived_bytes = arrived
        for sent in leaving:
            if 0 < sent.end_byte <= arrived:
                sent.arrived_at_s = now_s

    def _waits_s(self, sent: Sent, now_s: float) -> float:
        """Return for how long a part could have been answered, or has not moved."""
        if self._is_preparing and not sent.end_byte:
            return 0.0
        return now_s - (sent.arrived_at_s or max(sent.at_s, self._moved_at_s))

    # line.Listener

    def received(self, packets: list[memoryview]) -> None:
        """See line.Listener."""
        self._moved_at_s = self._loop.time()
        self._talk.received(packets)
        self._events.wake()

    def has_room(self) -> None:
        """See line.Listener."""
        self._events.wake()

    def ended(self) -> None:
        """See line.Listener."""
        self._events.lost(self)
        self.pending.clear()

    # talk.Speaker

    def answered(self, question: int, answer: memoryview) -> None:
        """See talk.Speaker."""
        sent = self.pending.pop(question, None) or self._late.pop(question, None)
        if sent is None:
            return
        kind = mtproto.constructor(answer)
        if kind == mtproto.BOOL_TRUE:
            self.has_worked = True
            self._events.acknowledged(self, sent, max(0.0, self._loop.time() - sent.at_s))
        elif not sent.is_overdue:
            error = mtproto.error_of(answer) if kind == mtproto.RPC_ERROR else (500, "NOT_SAVED")
            self._events.refused(self, sent, *error)

    def not_taken(self, message_id: int) -> None:
        """See talk.Speaker."""
        if sent := self.pending.pop(message_id, None):
            sent.put_back()

    def not_known(self, before_id: int) -> None:
        """See talk.Speaker."""
        for message_id in [known for known in self.pending if known < before_id]:
            self.not_taken(message_id)

    def heard(self, since_s: float) -> None:
        """See talk.Speaker."""
        for message_id, sent in tuple(self.pending.items()):
            if sent.is_overdue and sent.at_s < since_s:
                self._late[message_id] = self.pending.pop(message_id)
        self.is_suspect = any(sent.is_overdue for sent in self.pending.values())

    def unwelcome(self, code: int, text: str) -> None:
        """See talk.Speaker."""
        self._events.unwelcome(self, code, text)
