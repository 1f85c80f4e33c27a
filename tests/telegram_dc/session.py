"""Encrypted messages of one MTProto session: ids, sequence numbers, containers, acknowledgements.

https://core.telegram.org/mtproto/service_messages. Content the client has not acknowledged is sent
again when it comes back on a new connection, as Telegram does.
"""

import asyncio
import struct
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.crypto import Plain, encrypt
from tests.telegram_dc.transport import Link

_MESSAGE = struct.Struct("<qii")
_CONTAINER = 0x73F1F8DC
_MAX_CONTAINER_BYTES = 256 * 1024
_MAX_UNACKNOWLEDGED = 500
_MAX_KEPT_BYTES = 64 * 1024
_MAX_SEEN = 5000
_KEEP_DISCONNECTED_S = 600

_TOO_OLD_S, _TOO_NEW_S = 300, 30
MESSAGE_ID_TOO_LOW, MESSAGE_ID_TOO_HIGH, MESSAGE_ID_BITS = 16, 17, 18
SEQNO_EVEN_EXPECTED, SEQNO_ODD_EXPECTED = 34, 35


class MessageIds:
    """Ids of the server's messages: time, ever growing, 1 (answers) or 3 modulo 4."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, *, answer: bool) -> int:
        base = max(int(time.time() * 2**32) & ~3, self._last + 4)
        self._last = base
        return base | (1 if answer else 3)


@dataclass(frozen=True, slots=True)
class Outgoing:
    id: int
    seqno: int
    body: bytes

    def packed(self) -> bytes:
        return _MESSAGE.pack(self.id, self.seqno, len(self.body)) + self.body


@dataclass
class Session:
    id: bytes
    auth: AuthKey
    ids: MessageIds
    unique_id: int
    link: Link | None = None
    wants_updates: bool = False
    left_at: float = 0.0
    seen: OrderedDict[int, None] = field(default_factory=OrderedDict)
    _content_sent: int = 0
    _unacknowledged: OrderedDict[int, Outgoing] = field(default_factory=OrderedDict)
    _outbox: dict[Link, deque[Outgoing]] = field(default_factory=dict)
    _acknowledge: list[int] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Connected, or gone for so short a time that it may come back."""
        return self.link is not None or time.monotonic() - self.left_at < _KEEP_DISCONNECTED_S

    def attach(self, link: Link) -> None:
        """Makes `link` the one that updates go to; what was not acknowledged goes out first."""
        came_back = self.link is None
        self.link = link
        if came_back:
            for message in self._unacknowledged.values():
                self._put(link, message)

    def detach(self, link: Link) -> None:
        self._outbox.pop(link, None)
        if self.link is link:
            self.link = None
            self.left_at = time.monotonic()

    def is_new(self, message_id: int) -> bool:
        """False for a message that came before. Remembers it."""
        if message_id in self.seen:
            return False
        self.seen[message_id] = None
        if len(self.seen) > _MAX_SEEN:
            self.seen.popitem(last=False)
        return True

    def acknowledged(self, message_ids: list[int]) -> None:
        for message_id in message_ids:
            self._unacknowledged.pop(message_id, None)

    def will_acknowledge(self, message_id: int) -> None:
        """The acknowledgement travels with the next message."""
        self._acknowledge.append(message_id)

    def answer(self, link: Link | None, body: bytes, *, content: bool = True) -> None:
        """Sends over the connection that asked, or, should that be gone, the session's own."""
        self._post(link if link is not None and link.is_open else self.link, body, content, True)

    def notify(self, body: bytes, *, content: bool = True) -> None:
        """Sends on the server's own initiative; waits for a connection when there is none."""
        self._post(self.link, body, content, False)

    def _post(self, link: Link | None, body: bytes, content: bool, answer: bool) -> None:
        message = Outgoing(self.ids.next(answer=answer), self._seqno(content), body)
        if content and len(body) <= _MAX_KEPT_BYTES:
            self._unacknowledged[message.id] = message
            if len(self._unacknowledged) > _MAX_UNACKNOWLEDGED:
                self._unacknowledged.popitem(last=False)
        if link is not None:
            self._put(link, message)

    def _seqno(self, content: bool) -> int:
        seqno = self._content_sent * 2 + content
        self._content_sent += content
        return seqno

    def _put(self, link: Link, message: Outgoing) -> None:
        """Messages of one turn of the loop leave together, in a container."""
        if link not in self._outbox:
            self._outbox[link] = deque()
            asyncio.get_running_loop().call_soon(self._flush, link)
        self._outbox[link].append(message)

    def _flush(self, link: Link) -> None:
        waiting = self._outbox.pop(link, None)
        if not waiting or not link.is_open:
            return
        if self._acknowledge:
            ids, self._acknowledge = self._acknowledge, []
            body = tl.types.MsgsAck(msg_ids=ids).write()
            waiting.append(Outgoing(self.ids.next(answer=False), self._seqno(False), body))
        for group in _groups(waiting):
            link.send(encrypt(self.auth.key, self.auth.id, self._plain(group)))

    def _plain(self, group: list[Outgoing]) -> Plain:
        if len(group) == 1:
            (message,) = group
        else:
            body = struct.pack("<Ii", _CONTAINER, len(group))
            body += b"".join(item.packed() for item in group)
            message = Outgoing(self.ids.next(answer=True), self._seqno(False), body)
        view = memoryview(message.body)
        return Plain(self.auth.salt, self.id, message.id, message.seqno, view)


def _groups(waiting: deque[Outgoing]) -> Iterator[list[Outgoing]]:
    group: list[Outgoing] = []
    size = 0
    for message in waiting:
        if group and size + len(message.body) > _MAX_CONTAINER_BYTES:
            yield group
            group, size = [], 0
        group.append(message)
        size += len(message.body)
    if group:
        yield group


def message_id_error(message_id: int) -> int:
    """The code of bad_msg_notification for an id that cannot be; 0 for a good one."""
    if message_id % 4:
        return MESSAGE_ID_BITS
    age_s = time.time() - message_id / 2**32
    if age_s > _TOO_OLD_S:
        return MESSAGE_ID_TOO_LOW
    return MESSAGE_ID_TOO_HIGH if age_s < -_TOO_NEW_S else 0


def unpacked(plain: Plain) -> Iterator[tuple[int, int, memoryview]]:
    """(msg_id, seqno, body) of the messages in a packet, out of their container if in one.

    Raises struct.error or ValueError when the container is cut short.
    """
    body = plain.body
    if int.from_bytes(body[:4], "little") != _CONTAINER:
        yield plain.message_id, plain.seqno, body
        return
    offset = 8
    for _ in range(int.from_bytes(body[4:8], "little")):
        message_id, seqno, size = _MESSAGE.unpack_from(body, offset)
        offset += _MESSAGE.size
        if size < 0 or offset + size > len(body):
            raise ValueError("container cut short")
        yield message_id, seqno, body[offset : offset + size]
        offset += size
