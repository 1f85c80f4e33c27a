"""From packets to messages: what MTProto itself decides, before any call is looked at."""

import gzip
import struct
from typing import TYPE_CHECKING, Any

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.crypto import BadMessageError, Plain, decrypt
from tests.telegram_dc.handshake import Handshake
from tests.telegram_dc.native import Native
from tests.telegram_dc.opening import Opener
from tests.telegram_dc.parts import SAVE_BIG_FILE_PART, SAVE_FILE_PART
from tests.telegram_dc.service import SERVICE
from tests.telegram_dc.session import (
    SEQNO_EVEN_EXPECTED,
    SEQNO_ODD_EXPECTED,
    Session,
    message_id_error,
    unpacked,
)
from tests.telegram_dc.transport import Link

if TYPE_CHECKING:
    from tests.telegram_dc.server import Server

_OPEN_INLINE_BYTES = 8192
_NOT_FOUND = 404


class Reception:
    def __init__(self, server: "Server", native: Native | None) -> None:
        self._server = server
        self._opener = Opener(server.threads, native, self._opened)

    def packet(self, link: Link, packet: bytes | memoryview) -> None:
        key_id = bytes(packet[:8])
        if len(packet) < 20 or key_id == bytes(8):
            self._unencrypted(link, packet)
            return
        auth = self._server.keys.get(key_id)
        if auth is None:
            link.fail(_NOT_FOUND)
            return
        if len(packet) > _OPEN_INLINE_BYTES:
            long = packet if isinstance(packet, memoryview) else memoryview(bytearray(packet))
            self._opener.put(link, auth, long)
            return
        try:
            plain = decrypt(auth.key, packet)
        except BadMessageError as error:
            self._server.malformed(link, str(error))
            return
        self._decrypted(link, auth, plain)

    def _unencrypted(self, link: Link, packet: bytes | memoryview) -> None:
        if link.handshake is None:
            link.handshake = Handshake(self._server.rsa, self._server.keys)
        length = int.from_bytes(packet[16:20], "little")
        try:
            answer = tl.dump(link.handshake.answer(bytes(packet[20 : 20 + length])))
        except BadMessageError as error:
            self._server.malformed(link, str(error))
            return
        header = bytes(8) + struct.pack("<qi", self._server.ids.next(answer=True), len(answer))
        link.send(header + answer)

    def _opened(self, link: Link, auth: AuthKey, content: Plain | BadMessageError) -> None:
        if isinstance(content, BadMessageError):
            self._server.malformed(link, str(content))
        else:
            self._decrypted(link, auth, content)

    def _decrypted(self, link: Link, auth: AuthKey, plain: Plain) -> None:
        session = self._server.sessions.of(link, auth, plain)
        if code := message_id_error(plain.message_id):
            self._bad_message(session, link, plain.message_id, plain.seqno, code)
            return
        if plain.salt != auth.salt:
            answer = tl.types.BadServerSalt(
                bad_msg_id=plain.message_id,
                bad_msg_seqno=plain.seqno,
                error_code=48,
                new_server_salt=auth.salt,
            )
            session.answer(link, answer.write(), content=False)
            return
        try:
            for message_id, seqno, body in unpacked(plain):
                self._message(session, link, message_id, seqno, body)
        except (struct.error, ValueError, IndexError) as error:
            self._server.malformed(link, f"{type(error).__name__}: {error}")

    def _bad_message(
        self, session: Session, link: Link, message_id: int, seqno: int, code: int
    ) -> None:
        self._server.journal.violation("bad_message", "", f"error_code {code}")
        self.bad_message(session, link, message_id, code, seqno)

    def bad_message(
        self, session: Session, link: Link, message_id: int, code: int, seqno: int = 1
    ) -> None:
        """Says that a message is not taken."""
        answer = tl.types.BadMsgNotification(
            bad_msg_id=message_id, bad_msg_seqno=seqno, error_code=code
        )
        session.answer(link, answer.write(), content=False)

    def _message(
        self, session: Session, link: Link, message_id: int, seqno: int, body: memoryview
    ) -> None:
        constructor = int.from_bytes(body[:4], "little")
        if constructor in (SAVE_FILE_PART, SAVE_BIG_FILE_PART):
            if session.is_new(message_id):
                self._server.parts.receive(session, link, message_id, body)
            return
        if constructor == tl.GZIP_PACKED:
            body = memoryview(gzip.decompress(tl.bytes_at(body, 4)))
        try:
            request = tl.load(body)
        except KeyError:
            self._unknown(session, link, message_id, body)
            return
        if self._service(session, link, message_id, seqno, request):
            return
        if not seqno % 2:
            self._bad_message(session, link, message_id, seqno, SEQNO_ODD_EXPECTED)
        elif session.is_new(message_id):
            self._server.call(session, link, message_id, request)

    def _unknown(self, session: Session, link: Link, message_id: int, body: memoryview) -> None:
        detail = f"constructor {int.from_bytes(body[:4], 'little'):#x}"
        self._server.journal.violation("unknown_constructor", "", detail)
        self._server.answer(session, link, message_id, tl.rpc_error(400, "INPUT_METHOD_INVALID"))

    def _service(
        self, session: Session, link: Link, message_id: int, seqno: int, request: Any
    ) -> bool:
        """Handles what is no call. False when it is one."""
        handler = SERVICE.get(type(request))
        if handler is None:
            return False
        if isinstance(request, tl.types.MsgsAck) and seqno % 2:
            self._bad_message(session, link, message_id, seqno, SEQNO_EVEN_EXPECTED)
            return True
        answer = handler(self._server, session, message_id, request)
        if answer is not None:
            session.answer(link, tl.dump(answer), content=False)
        return True
