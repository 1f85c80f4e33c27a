"""All sessions there are, and which of them hear of updates."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.crypto import Plain
from tests.telegram_dc.session import MessageIds, Session
from tests.telegram_dc.transport import Link


class Sessions:
    def __init__(self, ids: MessageIds, bot_id: int, wanting_updates: set[bytes]) -> None:
        """`wanting_updates` has the ids of the sessions that asked for them, kept by others."""
        self._ids = ids
        self._bot_id = bot_id
        self._wanting_updates = wanting_updates
        self._sessions: dict[tuple[bytes, bytes], Session] = {}
        self._online = asyncio.Event()

    def of(self, link: Link, auth: AuthKey, plain: Plain) -> Session:
        """The session of a message, which is now to be reached over the message's connection."""
        session = self._sessions.get((auth.id, plain.session_id))
        if session is None:
            return self._created(link, auth, plain)
        if session.link is not link:
            session.attach(link)
            self._note_presence()
        return session

    def _created(self, link: Link, auth: AuthKey, plain: Plain) -> Session:
        session = Session(plain.session_id, auth, self._ids, random.getrandbits(63))
        session.wants_updates = plain.session_id in self._wanting_updates
        self._sessions[auth.id, plain.session_id] = session
        session.attach(link)
        created = tl.types.NewSessionCreated(
            first_msg_id=plain.message_id, unique_id=session.unique_id, server_salt=auth.salt
        )
        session.notify(created.write())
        return session

    def detach(self, link: Link) -> None:
        for session in self._sessions.values():
            session.detach(link)
        self._note_presence()

    def destroy(self, session: Session, session_id: int) -> Any:
        key = (session.auth.id, session_id.to_bytes(8, "little", signed=True))
        if self._sessions.pop(key, None) is None:
            return tl.types.DestroySessionNone(session_id=session_id)
        return tl.types.DestroySessionOk(session_id=session_id)

    def wants_updates(self, session: Session) -> None:
        session.wants_updates = True
        self._wanting_updates.add(session.id)
        self._note_presence()

    def logged_out(self, auth: AuthKey) -> None:
        for session in self._sessions.values():
            if session.auth.id == auth.id:
                session.wants_updates = False
        self._note_presence()

    def listening(self) -> Iterator[Session]:
        for session in tuple(self._sessions.values()):
            is_bot = session.auth.user_id == self._bot_id
            if session.wants_updates and is_bot and session.is_alive:
                yield session

    async def wait_online(self) -> None:
        """Until one that hears of updates is connected."""
        await self._online.wait()

    def _note_presence(self) -> None:
        if any(session.link is not None for session in self.listening()):
            self._online.set()
        else:
            self._online.clear()
