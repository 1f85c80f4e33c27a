"""One MTProto session over one line, all but the parts: introduction, pings, salts, the clock.

https://core.telegram.org/mtproto/service_messages
"""

import asyncio
import logging
import os
import struct
from collections.abc import Callable
from typing import Protocol

from userbot.telegram.uploader import mtproto
from userbot.telegram.uploader.home import Home
from userbot.telegram.uploader.line import Line
from userbot.telegram.uploader.mtproto import Message

log = logging.getLogger(__name__)

_PING_EVERY_S, _DISCONNECT_AFTER_S = 30.0, 75
_FUTURE_SALTS = 8
_CLOCK_BEHIND, _CLOCK_AHEAD = 16, 17  # codes of bad_msg_notification


class Speaker(Protocol):
    """Who asks the questions that are none of ours."""

    def answered(self, question: int, answer: memoryview) -> None:
        """Take what Telegram said to a message."""

    def not_taken(self, message_id: int) -> None:
        """Send a message again: Telegram did not look at it."""

    def not_known(self, before_id: int) -> None:
        """Send all messages with smaller ids again: the session is a new one."""

    def heard(self, since_s: float) -> None:
        """Know that what was written at since_s has been reached by Telegram's answers."""

    def unwelcome(self, code: int, text: str) -> None:
        """Know that Telegram does not let us in; the line is closed."""


class Talk:
    """Says and understands what keeps a session going."""

    def __init__(self, home: Home, line: Line, speaker: Speaker) -> None:
        self.session = mtproto.Session(home.key, home.salts, home.clock)
        self.is_welcome = False  # our introduction was answered
        self._home = home
        self._line = line
        self._speaker = speaker
        self._loop = asyncio.get_running_loop()
        self._is_held = False
        self._later: list[Callable[[], None]] = []
        self._introduction_id = self._ping_id = 0
        self._ping_at_s = self._loop.time()
        self._acks: list[int] = []
        self._handlers: dict[int, Callable[[Message], None]] = {
            mtproto.RPC_RESULT: self._result,
            mtproto.BAD_SERVER_SALT: self._bad_salt,
            mtproto.BAD_MSG: self._bad_message,
            mtproto.NEW_SESSION: self._new_session,
            mtproto.PONG: self._pong,
            mtproto.FUTURE_SALTS: self._future_salts,
        }
        self._introduce()

    @property
    def is_waiting(self) -> bool:
        """Whether Telegram owes an answer."""
        return bool(self._ping_id) or not self.is_welcome

    def hold(self) -> None:
        """Say nothing, for messages have to be written in the order of their numbers."""
        self._is_held = True

    def release(self) -> None:
        """Say what was held back."""
        self._is_held = False
        later, self._later = self._later, []
        for say in later:
            say()

    def received(self, packets: list[memoryview]) -> None:
        """Understand what came. Raises ProtocolError, struct.error or IndexError on nonsense."""
        for packet in packets:
            if not self._line.is_open:
                return
            self._packet(packet)

    def acknowledge(self) -> None:
        """Acknowledge what came."""
        if self._acks and not self._is_held:
            ids, self._acks = self._acks, []
            self._say(mtproto.acknowledgement(ids), is_content=False)

    def ping(self, now_s: float, every_s: float = _PING_EVERY_S) -> None:
        """Ask for a sign of life, if the last one is longer ago."""
        if now_s - self._ping_at_s < every_s or self._is_held:
            return
        body = struct.pack(
            "<I8si", mtproto.PING_DELAY_DISCONNECT, os.urandom(8), _DISCONNECT_AFTER_S
        )
        self._ping_at_s = now_s
        self._ping_id = self._say(body)

    def _packet(self, packet: memoryview) -> None:
        if len(packet) == 4:
            # https://core.telegram.org/mtproto/mtproto-transports#transport-errors
            self._refused(int.from_bytes(packet, "little", signed=True), "")
            return
        for message in self.session.unpack(packet):
            if message.seqno % 2:
                self._acks.append(message.id)
            if handler := self._handlers.get(mtproto.constructor(message.body)):
                handler(message)

    def _result(self, message: Message) -> None:
        question, answer = mtproto.result(message)
        if question != self._introduction_id:
            self._speaker.answered(question, answer)
        elif mtproto.constructor(answer) == mtproto.RPC_ERROR:
            self._refused(*mtproto.error_of(answer))
        else:
            self.is_welcome = True

    def _refused(self, code: int, text: str) -> None:
        self._speaker.unwelcome(code, text)
        self._line.close()

    def _bad_salt(self, message: Message) -> None:
        self._home.salts.replace(bytes(message.body[20:28]))
        self._say_again(_long(message.body, 4))

    def _bad_message(self, message: Message) -> None:
        code = int.from_bytes(message.body[16:20], "little")
        log.warning("bad_msg_notification %d on a connection for uploads", code)
        if code in (_CLOCK_BEHIND, _CLOCK_AHEAD):
            self._home.clock.learn(message.id)
        if code == _CLOCK_BEHIND:
            self._say_again(_long(message.body, 4))
        else:  # ids that only grow cannot be repaired in this session
            self._line.close()

    def _new_session(self, message: Message) -> None:
        """Telegram knows nothing of what was sent before first_msg_id."""
        first_id = _long(message.body, 4)
        self._home.salts.replace(bytes(message.body[20:28]))
        if self._introduction_id < first_id:
            self._say_again(self._introduction_id)
        self._speaker.not_known(first_id)

    def _say_again(self, message_id: int) -> None:
        if message_id == self._introduction_id:
            self._when_free(self._introduce)
        elif message_id == self._ping_id:
            self._ping_id, self._ping_at_s = 0, 0.0
        else:
            self._speaker.not_taken(message_id)

    def _pong(self, message: Message) -> None:
        if _long(message.body, 4) == self._ping_id:
            self._ping_id = 0
            self._speaker.heard(self._ping_at_s)

    def _future_salts(self, message: Message) -> None:
        self._home.salts.learn(message.body)

    def _introduce(self) -> None:
        self._introduction_id = self._say(self._home.introduction)
        if self._home.salts.should_ask(self._home.clock.now()):
            self._say(struct.pack("<Ii", mtproto.GET_FUTURE_SALTS, _FUTURE_SALTS))

    def _when_free(self, say: Callable[[], None]) -> None:
        if self._is_held:
            self._later.append(say)
        else:
            say()

    def _say(self, body: bytes, *, is_content: bool = True) -> int:
        message_id, packet = self.session.pack(body, is_content=is_content)
        self._line.write(len(packet).to_bytes(4, "little") + packet)
        return message_id


def _long(body: memoryview, offset: int) -> int:
    return int.from_bytes(body[offset : offset + 8], "little", signed=True)
