"""The data centre: connections in, sessions and service messages, calls out to `rpc`, updates."""

import asyncio
import gzip
import logging
import random
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.telegram_dc import crypto, native, render, rpc, tl, world
from tests.telegram_dc.auth_keys import AuthKey, AuthKeys
from tests.telegram_dc.crypto import BadMessageError, Plain
from tests.telegram_dc.errors import FloodError, RpcError
from tests.telegram_dc.faults import Faults
from tests.telegram_dc.files import Files
from tests.telegram_dc.flood import Flood, FloodLimits
from tests.telegram_dc.handshake import Handshake
from tests.telegram_dc.journal import Journal
from tests.telegram_dc.model import Logged, StoredMessage, User
from tests.telegram_dc.parts import SAVE_BIG_FILE_PART, SAVE_FILE_PART, PartReceiver
from tests.telegram_dc.rsa_key import load_or_make
from tests.telegram_dc.service import SERVICE
from tests.telegram_dc.session import (
    SEQNO_EVEN_EXPECTED,
    SEQNO_ODD_EXPECTED,
    MessageIds,
    Session,
    message_id_error,
    unpacked,
)
from tests.telegram_dc.transport import Link

log = logging.getLogger(__name__)

_DECRYPT_INLINE_BYTES = 8192
_MAX_BUSY = 8  # packets of one connection in decryption
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the data centre knows as the bot, fixed values."""

    api_id: int = 12345
    api_hash: str = "0123456789abcdef0123456789abcdef"
    bot_id: int = 7000000001
    bot_username: str = "loopback_video_bot"

    @property
    def bot_token(self) -> str:
        return f"{self.bot_id}:AAloopback-token-loopback-token-123"


class Server:
    """Everything of one data centre. `tasks` carries the calls that are being answered."""

    def __init__(
        self,
        directory: Path,
        limits: FloodLimits,
        tasks: asyncio.TaskGroup,
        *,
        native_crypto: bool = False,
    ) -> None:
        tl.read_as_a_server()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.tasks = tasks
        self.loop = asyncio.get_running_loop()
        self.identity = Identity()
        self.rsa = load_or_make(directory)
        self.keys = AuthKeys(directory)
        self.journal = Journal()
        self.faults = Faults()
        self.flood = Flood(limits, self.loop.time)
        self.files = Files(directory, self.journal.violation)
        self.threads = ThreadPoolExecutor(2, thread_name_prefix="crypto")
        self.links: set[Link] = set()
        self.connections_made = 0
        self.bytes_received = 0
        self.callbacks: dict[int, asyncio.Future[Any]] = {}
        self.exported: dict[int, tuple[bytes, int]] = {}
        self.in_place = native.decryption(directory) if native_crypto else None
        self.port = 0
        self._ids = MessageIds()
        self._parts = PartReceiver(self)
        self._sessions: dict[tuple[bytes, bytes], Session] = {}
        self._listener: asyncio.Server | None = None
        self._online: asyncio.Event = asyncio.Event()
        name = self.identity.bot_username
        bot = User(
            self.identity.bot_id, "Loopback", name, is_bot=True, started=True, reads_all=True
        )
        self.world = world.load(directory / "world.pickle", bot)

    @property
    def public_key_path(self) -> Path:
        return self.directory / "public_key.pem"

    async def listen(self, port: int) -> None:
        self.public_key_path.write_text(self.rsa.pem)
        self._listener = await self.loop.create_server(lambda: Link(self), "127.0.0.1", port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for link in tuple(self.links):
            link.abort()
        self.threads.shutdown(wait=True, cancel_futures=True)
        self.world.save(self.directory / "world.pickle")

    # what a Link needs

    def opened(self, link: Link) -> bool:
        if self.faults.refuse_connections:
            return False
        self.links.add(link)
        self.connections_made += 1
        self.journal.add("connect", open=len(self.links))
        return True

    def closed(self, link: Link) -> None:
        if link in self.links:
            self.links.discard(link)
            for session in self._sessions.values():
                session.detach(link)
            self._note_presence()
            self.journal.add("disconnect", open=len(self.links))

    def received(self, link: Link, count: int) -> None:
        self.bytes_received += count
        if self.faults.drop_after_bytes:
            self.faults.drop_after_bytes = max(0, self.faults.drop_after_bytes - count)
            if not self.faults.drop_after_bytes:
                link.abort()

    def malformed(self, link: Link, why: str) -> None:
        self.journal.violation("malformed_packet", "", why)
        link.abort()

    def packet(self, link: Link, packet: bytes | bytearray) -> None:
        key_id = bytes(packet[:8])
        if len(packet) < 20 or key_id == bytes(8):
            self._unencrypted(link, packet)
            return
        auth = self.keys.get(key_id)
        if auth is None:
            link.fail(_NOT_FOUND)
            return
        if len(packet) > _DECRYPT_INLINE_BYTES:
            self._decrypt_in_thread(link, auth, packet)
            return
        try:
            plain = crypto.decrypt(auth.key, packet)
        except BadMessageError as error:
            self.malformed(link, str(error))
            return
        self._decrypted(link, auth, plain)

    # messages

    def _unencrypted(self, link: Link, packet: bytes | bytearray) -> None:
        if link.handshake is None:
            link.handshake = Handshake(self.rsa, self.keys)
        length = int.from_bytes(packet[16:20], "little")
        try:
            answer = tl.dump(link.handshake.answer(bytes(packet[20 : 20 + length])))
        except BadMessageError as error:
            self.malformed(link, str(error))
            return
        header = bytes(8) + struct.pack("<qi", self._ids.next(answer=True), len(answer))
        link.send(header + answer)

    def _decrypt_in_thread(self, link: Link, auth: AuthKey, packet: bytes | bytearray) -> None:
        link.busy += 1
        if link.busy >= _MAX_BUSY:
            link.hold("busy")
        future = self.loop.run_in_executor(
            self.threads, crypto.decrypt, auth.key, packet, self.in_place
        )
        future.add_done_callback(partial(self._decrypted_in_thread, link, auth))

    def _decrypted_in_thread(
        self, link: Link, auth: AuthKey, future: "asyncio.Future[Plain]"
    ) -> None:
        link.busy -= 1
        link.release("busy")
        if future.cancelled():
            return
        if error := future.exception():
            self.malformed(link, str(error))
        else:
            self._decrypted(link, auth, future.result())

    def _decrypted(self, link: Link, auth: AuthKey, plain: Plain) -> None:
        session = self._session(link, auth, plain)
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
            self.malformed(link, f"{type(error).__name__}: {error}")

    def _session(self, link: Link, auth: AuthKey, plain: Plain) -> Session:
        key = (auth.id, plain.session_id)
        session = self._sessions.get(key)
        if session is None:
            session = Session(plain.session_id, auth, self._ids, random.getrandbits(63))
            session.wants_updates = plain.session_id in self.world.listening
            self._sessions[key] = session
            session.attach(link)
            created = tl.types.NewSessionCreated(
                first_msg_id=plain.message_id, unique_id=session.unique_id, server_salt=auth.salt
            )
            session.notify(created.write())
        elif session.link is not link:
            session.attach(link)
            self._note_presence()
        return session

    def _bad_message(
        self, session: Session, link: Link, message_id: int, seqno: int, code: int
    ) -> None:
        self.journal.violation("bad_message", "", f"error_code {code}")
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
                self._parts.receive(session, link, message_id, body)
            return
        if constructor == tl.GZIP_PACKED:
            body = memoryview(gzip.decompress(tl.bytes_at(body, 4)))
        try:
            request = tl.load(body)
        except KeyError:
            self._unknown(session, link, message_id, body)
            return
        if not self._service(session, link, message_id, seqno, request):
            self._call(session, link, message_id, seqno, request)

    def _unknown(self, session: Session, link: Link, message_id: int, body: memoryview) -> None:
        detail = f"constructor {int.from_bytes(body[:4], 'little'):#x}"
        self.journal.violation("unknown_constructor", "", detail)
        self.answer(session, link, message_id, tl.rpc_error(400, "INPUT_METHOD_INVALID"))

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
        answer = handler(self, session, message_id, request)
        if answer is not None:
            session.answer(link, tl.dump(answer), content=False)
        return True

    def destroy_session(self, session: Session, session_id: int) -> Any:
        key = (session.auth.id, session_id.to_bytes(8, "little", signed=True))
        if self._sessions.pop(key, None) is None:
            return tl.types.DestroySessionNone(session_id=session_id)
        return tl.types.DestroySessionOk(session_id=session_id)

    # calls

    def _call(
        self, session: Session, link: Link, message_id: int, seqno: int, request: Any
    ) -> None:
        if not seqno % 2:
            self._bad_message(session, link, message_id, seqno, SEQNO_ODD_EXPECTED)
        elif session.is_new(message_id):
            session.will_acknowledge(message_id)
            self.tasks.create_task(self._run(session, link, message_id, request))

    async def _run(self, session: Session, link: Link, message_id: int, request: Any) -> None:
        query, updates = rpc.unwrapped(session.auth, request)
        if isinstance(
            query, (tl.functions.upload.SaveFilePart, tl.functions.upload.SaveBigFilePart)
        ):
            self._parts.receive(session, link, message_id, memoryview(query.write()))
            return
        call = rpc.Call(self, session, link, tl.method_name(query))
        error = ""
        try:
            self.faults.refuse(call.method)
            result = await rpc.execute(call, query)
        except RpcError as fault:
            error = fault.text
            result = tl.rpc_error(fault.code, fault.text)
            if isinstance(fault, FloodError):
                self.journal.flood(call.method, call.chat_id, fault.seconds)
        except Exception:
            log.exception("%s failed", call.method)
            self.journal.violation("server_error", call.method, "see the log")
            result = tl.rpc_error(500, "RPC_CALL_FAIL")
        self.journal.call(call.method, error)
        if updates and rpc.wants_updates(call.method) and session.auth.user_id is not None:
            link.is_main = session.wants_updates = True
            self.world.listening.add(session.id)
            self._note_presence()
        if not self.faults.swallows(call.method):
            self.answer(session, link, message_id, result)

    def answer(self, session: Session, link: Link, message_id: int, result: Any) -> None:
        session.answer(link, tl.rpc_result(message_id, result))

    # updates

    def publish(self, entry: Logged | None, *, but: Session | None = None) -> None:
        """Pushes a logged update to the bot's sessions, except the one that caused it."""
        if entry is None:
            return
        update = render.update(self.world, entry)
        users, chats = render.around(self.world, [entry])
        if update is not None:
            self.push(update, users, chats, but=but)

    def push(
        self, update: Any, users: list[Any], chats: list[Any], *, but: Session | None = None
    ) -> None:
        now = int(self._now())
        body = tl.types.Updates(updates=[update], users=users, chats=chats, date=now, seq=0)
        written = body.write()
        for session in self.listening():
            if session is not but:
                session.notify(written)

    def listening(self) -> Iterator[Session]:
        for session in tuple(self._sessions.values()):
            logged_in = session.auth.user_id == self.identity.bot_id
            if session.wants_updates and logged_in and session.is_alive:
                yield session

    async def wait_online(self) -> None:
        await self._online.wait()

    def _note_presence(self) -> None:
        if any(session.link is not None for session in self.listening()):
            self._online.set()
        else:
            self._online.clear()

    def forget_sessions(self, auth: AuthKey) -> None:
        for key in [key for key in self._sessions if key[0] == auth.id]:
            self._sessions[key].wants_updates = False
        self._note_presence()

    def note(self, kind: str, message: StoredMessage, method: str = "", **data: Any) -> None:
        """Records what happened to a message."""
        self.journal.add(
            kind,
            method=method,
            chat_id=message.chat_id,
            message=render.plain_message(message),
            **data,
        )

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.loop.run_in_executor(self.threads, function, *args)

    def _now(self) -> float:
        return self._ids.next(answer=True) / 2**32
