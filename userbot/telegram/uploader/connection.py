"""One TCP connection and its MTProto session, from the introduction to its end."""

import asyncio
import logging
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, cast

from userbot.telegram.uploader import mtproto
from userbot.telegram.uploader.envelope import PartMessage, part_message
from userbot.telegram.uploader.home import Home
from userbot.telegram.uploader.mtproto import Message, ProtocolError
from userbot.telegram.uploader.pace import Window
from userbot.telegram.uploader.upload import Upload

log = logging.getLogger(__name__)

_INTERMEDIATE = b"\xee\xee\xee\xee"  # https://core.telegram.org/mtproto/mtproto-transports
_HIGH_WATER_BYTES, _LOW_WATER_BYTES = 64 * 1024, 16 * 1024
_MAX_PACKET_BYTES = 4 * 1024 * 1024
_MAX_UNACKNOWLEDGED = 16
_PING_EVERY_S, _DISCONNECT_AFTER_S = 30.0, 75
_SILENCE_S = 15.0
_FUTURE_SALTS = 8
_MAX_DOUBLINGS = 1  # of the time after which a part is sent once more
_CLOCK_BEHIND, _CLOCK_AHEAD = 16, 17  # codes of bad_msg_notification


@dataclass(slots=True)
class Sent:
    """A part on a connection. in_flight: how many there were, with this one."""

    upload: Upload
    index: int
    in_flight: int
    epoch: int = field(init=False)  # before a restart of the upload, or after
    at_s: float = 0.0
    is_overdue: bool = False

    def __post_init__(self) -> None:
        self.epoch = self.upload.epoch

    @property
    def is_wanted(self) -> bool:
        """Whether the upload still waits for this part."""
        upload = self.upload
        is_current = self.epoch == upload.epoch and not upload.is_over
        return is_current and self.index not in upload.state.done

    def put_back(self) -> None:
        """Have the part sent again, if it is still wanted."""
        if self.is_wanted:
            self.upload.put_back(self.index)


class Events(Protocol):
    """Who is told what happens on a connection."""

    def opened(self, connection: "Connection") -> None:
        """Use it: it takes parts."""

    def lost(self, connection: "Connection") -> None:
        """Forget it: its pending parts are not answered any more."""

    def acknowledged(self, connection: "Connection", sent: Sent, sample_s: float) -> None:
        """Count a part that Telegram has, sample_s after it was written."""

    def refused(self, connection: "Connection", sent: Sent, code: int, text: str) -> None:
        """Take Telegram's error about a part."""

    def unwelcome(self, connection: "Connection", code: int, text: str) -> None:
        """Take an error that concerns no part; it is closed next."""

    def wake(self) -> None:
        """Look again: it may have room."""


class Connection(asyncio.Protocol):
    """Carries parts. Once lost it is never used again; its parts are put back."""

    def __init__(self, home: Home, events: Events, window: Window) -> None:
        self.home = home
        self.window = window
        self.pending: dict[int, Sent] = {}
        self.is_welcome = False  # our introduction was answered
        self.has_worked = False  # a part was acknowledged
        self.is_suspect = False  # a part is overdue
        self.used_at_s = 0.0
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._session = mtproto.Session(home.key, home.salts, home.clock)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._is_preparing = False
        self._is_blocked = False
        self._introduction_id = self._ping_id = 0
        self._ping_at_s = self._moved_at_s = 0.0
        self._queued_bytes = 0
        self._acks: list[int] = []
        self._handlers: dict[int, Callable[[Message], None]] = {
            mtproto.RPC_RESULT: self._result,
            mtproto.BAD_SERVER_SALT: self._bad_salt,
            mtproto.BAD_MSG: self._bad_message,
            mtproto.NEW_SESSION: self._new_session,
            mtproto.PONG: self._pong,
            mtproto.FUTURE_SALTS: self._future_salts,
        }

    @property
    def is_open(self) -> bool:
        """Whether it can be written to."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def is_free(self) -> bool:
        """Whether it takes another part now."""
        busy = self._is_preparing or self._is_blocked or self.is_suspect
        return not busy and len(self.pending) < self.window.size

    def close(self) -> None:
        """Drop it at once."""
        if self._transport is not None:
            self._transport.abort()

    def retire(self) -> None:
        """Drop it although nothing is wrong with it."""
        self.has_worked = True
        self.close()

    # parts

    def begin(self, upload: Upload, index: int) -> PartMessage:
        """Give a part its number. `send` or `take_back` has to follow before anything else."""
        self._is_preparing = True
        return part_message(self._session, upload, index)

    def take_back(self, message_id: int) -> None:
        """Forget what was begun: it will not be sent."""
        self._is_preparing = False
        self._session.take_back(message_id)

    def send(self, message_id: int, packet: memoryview | bytes, sent: Sent) -> None:
        """Write a part that was begun."""
        self._is_preparing = False
        sent.at_s = self.used_at_s = self._loop.time()
        if not self.pending:
            self._moved_at_s = sent.at_s
        self.pending[message_id] = sent
        self._write(packet)
        self._acknowledge(_MAX_UNACKNOWLEDGED)

    # what the clock brings

    def check(self, now_s: float, too_late_s: float) -> None:
        """Ping, acknowledge, put back what is overdue, and drop a connection that is silent."""
        if self._is_silent(now_s, _SILENCE_S + too_late_s):
            log.info("a connection for uploads is silent; it is dropped")
            self.close()
            return
        for message_id, sent in tuple(self.pending.items()):
            self._check_part(message_id, sent, now_s, too_late_s)
        self.is_suspect = any(sent.is_overdue for sent in self.pending.values())
        if not self._is_preparing:
            self._acknowledge(1)
            self._ping(now_s)

    def _check_part(self, message_id: int, sent: Sent, now_s: float, too_late_s: float) -> None:
        overdue = sent.upload.overdue
        patience = 2 ** min(_MAX_DOUBLINGS, overdue[sent.index])
        if now_s - sent.at_s < too_late_s * patience:
            return
        if not sent.is_wanted:
            del self.pending[message_id]
        elif not sent.is_overdue:
            sent.is_overdue = True
            overdue[sent.index] += 1
            sent.put_back()

    def _is_silent(self, now_s: float, limit_s: float) -> bool:
        queued = self._transport.get_write_buffer_size() if self._transport else 0
        if queued < self._queued_bytes:
            self._moved_at_s = now_s
        self._queued_bytes = queued
        return bool(self.pending or self._ping_id) and now_s - self._moved_at_s > limit_s

    def _ping(self, now_s: float) -> None:
        if now_s - self._ping_at_s < _PING_EVERY_S or not self.is_open:
            return
        if not self.pending and not self._ping_id:
            self._moved_at_s = now_s
        body = struct.pack(
            "<I8si", mtproto.PING_DELAY_DISCONNECT, os.urandom(8), _DISCONNECT_AFTER_S
        )
        self._ping_at_s = now_s
        self._ping_id = self._send_small(body)

    def _acknowledge(self, at_least: int) -> None:
        if len(self._acks) >= at_least and self.is_open:
            ids, self._acks = self._acks, []
            self._send_small(mtproto.acknowledgement(ids), is_content=False)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves; parts may follow without waiting for the answer."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.set_write_buffer_limits(_HIGH_WATER_BYTES, _LOW_WATER_BYTES)
        self._transport.write(_INTERMEDIATE)
        now_s = self._loop.time()
        self._ping_at_s = self._moved_at_s = self.used_at_s = now_s
        self._introduce()
        self._events.opened(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """End; what is pending will not be answered."""
        self._events.lost(self)
        self.pending.clear()

    def pause_writing(self) -> None:
        """Take no parts while the last one has not left."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """Take parts again."""
        self._is_blocked = False
        self._events.wake()

    def data_received(self, data: bytes) -> None:
        """Take the packets apart."""
        self._moved_at_s = self._loop.time()
        self._buffer += data
        try:
            while packet := self._next_packet():
                self._packet(packet)
        except (ProtocolError, struct.error, IndexError) as error:
            log.warning("a connection for uploads speaks no MTProto: %s", error)
            self.close()
        self._events.wake()

    def _next_packet(self) -> memoryview | None:
        length = int.from_bytes(self._buffer[:4], "little")
        if length > _MAX_PACKET_BYTES:
            raise ProtocolError("length")
        if len(self._buffer) < 4 + length or not length or not self.is_open:
            return None
        packet = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return memoryview(packet)

    def _packet(self, packet: memoryview) -> None:
        if (
            len(packet) == 4
        ):  # https://core.telegram.org/mtproto/mtproto-transports#transport-errors
            code = int.from_bytes(packet, "little", signed=True)
            self._events.unwelcome(self, code, "")
            self.close()
            return
        for message in self._session.unpack(packet):
            if message.seqno % 2:
                self._acks.append(message.id)
            if handler := self._handlers.get(mtproto.constructor(message.body)):
                handler(message)

    # messages of the server

    def _result(self, message: Message) -> None:
        question, answer = mtproto.result(message)
        is_error = mtproto.constructor(answer) == mtproto.RPC_ERROR
        if question == self._introduction_id:
            self.is_welcome = not is_error
            if is_error:
                self._events.unwelcome(self, *mtproto.error_of(answer))
                self.close()
        sent = self.pending.pop(question, None)
        if sent is None:
            return
        if is_error:
            self._events.refused(self, sent, *mtproto.error_of(answer))
        elif mtproto.constructor(answer) == mtproto.BOOL_TRUE:
            self.has_worked = True
            self._events.acknowledged(self, sent, self._loop.time() - sent.at_s)
        else:
            self._events.refused(self, sent, 500, "NOT_SAVED")

    def _bad_salt(self, message: Message) -> None:
        self.home.salts.replace(bytes(message.body[20:28]))
        self._send_again(_long(message.body, 4))

    def _bad_message(self, message: Message) -> None:
        code = int.from_bytes(message.body[16:20], "little")
        log.warning("bad_msg_notification %d on a connection for uploads", code)
        if code in (_CLOCK_BEHIND, _CLOCK_AHEAD):
            self.home.clock.learn(message.id)
        if code == _CLOCK_BEHIND:
            self._send_again(_long(message.body, 4))
        else:  # ids that only grow cannot be repaired in this session
            self.close()

    def _new_session(self, message: Message) -> None:
        """Telegram knows nothing of what was sent before first_msg_id."""
        first_id = _long(message.body, 4)
        self.home.salts.replace(bytes(message.body[20:28]))
        for message_id in [*self.pending, self._introduction_id]:
            if message_id < first_id:
                self._send_again(message_id)

    def _send_again(self, message_id: int) -> None:
        if sent := self.pending.pop(message_id, None):
            sent.put_back()
        elif message_id == self._introduction_id:
            self._introduce()
        elif message_id == self._ping_id:
            self._ping_id, self._ping_at_s = 0, 0.0

    def _pong(self, message: Message) -> None:
        if _long(message.body, 4) == self._ping_id:
            self._ping_id = 0

    def _future_salts(self, message: Message) -> None:
        self.home.salts.learn(message.body)

    # short messages

    def _introduce(self) -> None:
        self._introduction_id = self._send_small(self.home.introduction)
        if self.home.salts.should_ask(self.home.clock.now()):
            self._send_small(struct.pack("<Ii", mtproto.GET_FUTURE_SALTS, _FUTURE_SALTS))

    def _send_small(self, body: bytes, *, is_content: bool = True) -> int:
        message_id, packet = self._session.pack(body, is_content=is_content)
        self._write(len(packet).to_bytes(4, "little") + packet)
        return message_id

    def _write(self, packet: bytes | memoryview) -> None:
        assert self._transport is not None
        self._transport.write(packet)


def _long(body: memoryview, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 8], "little", signed=True)
