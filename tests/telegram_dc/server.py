"""The data centre: connections in, sessions and service messages, calls out to `rpc`, updates."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.telegram_dc import native, render, rpc, tl, views, world
from tests.telegram_dc.auth_keys import AuthKeys
from tests.telegram_dc.buffers import Buffers
from tests.telegram_dc.errors import FloodError, RpcError
from tests.telegram_dc.faults import NOTIFICATION, Faults
from tests.telegram_dc.files import Files
from tests.telegram_dc.flood import Flood, FloodLimits
from tests.telegram_dc.gate import Gate
from tests.telegram_dc.journal import Journal
from tests.telegram_dc.model import Logged, StoredMessage, User
from tests.telegram_dc.outage import Outage
from tests.telegram_dc.parts import PartReceiver
from tests.telegram_dc.reception import Reception
from tests.telegram_dc.rsa_key import load_or_make
from tests.telegram_dc.session import (
    MessageIds,
    Session,
)
from tests.telegram_dc.sessions import Sessions
from tests.telegram_dc.transport import Link

log = logging.getLogger(__name__)


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


def _bot(identity: Identity) -> User:
    return User(
        identity.bot_id,
        "Loopback",
        identity.bot_username,
        is_bot=True,
        started=True,
        reads_all=True,
    )


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
        self.gate = Gate()
        self.buffers = Buffers()
        self.flood = Flood(limits, self.loop.time)
        self.files = Files(directory, self.journal.violation)
        self.threads = ThreadPoolExecutor(2, thread_name_prefix="crypto")
        self.links: set[Link] = set()
        self.outage = Outage(lambda: self.links, self.journal)
        self.connections_made = 0
        self.bytes_received = 0
        self.callbacks: dict[int, asyncio.Future[Any]] = {}
        self.exported: dict[int, tuple[bytes, int]] = {}
        self.port = 0
        self.ids = MessageIds()
        self.parts = PartReceiver(self)
        library = native.build(directory) if native_crypto else None
        self._reception = Reception(self, library)
        self._listener: asyncio.Server | None = None
        self.world = world.load(directory / "world.pickle", _bot(self.identity))
        self.sessions = Sessions(self.ids, self.identity.bot_id, self.world.listening)

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
        if self.faults.refuse_connections or not self.outage.admits(link):
            return False
        self.links.add(link)
        self.connections_made += 1
        self.journal.add("connect", open=len(self.links))
        return True

    def closed(self, link: Link) -> None:
        if link in self.links:
            self.links.discard(link)
            self.sessions.detach(link)
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

    def packet(self, link: Link, packet: bytes | memoryview) -> None:
        if code := self.gate.refusal(link, self.faults):
            link.fail(code)
        else:
            self._reception.packet(link, packet)

    # calls

    def call(self, session: Session, link: Link, message_id: int, request: Any) -> None:
        """Begins to answer a call."""
        session.will_acknowledge(message_id)
        self.tasks.create_task(self._run(session, link, message_id, request))

    async def _run(self, session: Session, link: Link, message_id: int, request: Any) -> None:
        query, updates = rpc.unwrapped(session.auth, request)
        if isinstance(
            query, (tl.functions.upload.SaveFilePart, tl.functions.upload.SaveBigFilePart)
        ):
            self.parts.receive(session, link, message_id, memoryview(query.write()))
            return
        call = rpc.Call(self, session, link, tl.method_name(query))
        error = ""
        try:
            self.faults.refuse(call.method)
            result = await rpc.execute(call, query)
        except RpcError as fault:
            if fault.text == NOTIFICATION:
                self._reception.bad_message(session, link, message_id, fault.code)
                return
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
            link.is_main = True
            self.sessions.wants_updates(session)
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
        for session in self.sessions.listening():
            if session is not but:
                session.notify(written)

    def note(self, kind: str, message: StoredMessage, method: str = "", **data: Any) -> None:
        """Records what happened to a message."""
        self.journal.add(
            kind,
            method=method,
            chat_id=message.chat_id,
            message=views.message(message),
            **data,
        )

    async def in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self.loop.run_in_executor(self.threads, function, *args)

    def _now(self) -> float:
        return self.ids.next(answer=True) / 2**32
