"""Reading what the bot did."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.telegram_dc import views
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.server import Server
from tests.telegram_dc.wire import Delivery, Media


@dataclass
class Reading:
    server: Server

    async def messages(self, chat_id: int) -> Any:
        """All of a chat, in order, deleted ones too."""
        chat = self.server.world.chat(chat_id)
        return [views.message(message) for message in chat.messages.values()]

    async def reactions(self, chat_id: int, message_id: int) -> list[str]:
        message = self.server.world.message(chat_id, message_id)
        if message is None:
            raise ControlError(f"no message {message_id} in {chat_id}")
        return message.reactions

    async def stats(self) -> dict[str, Any]:
        server, journal = self.server, self.server.journal
        return {
            "rpc": dict(journal.rpc),
            "floods": journal.floods,
            "violations": journal.violations,
            "bytes_received": server.bytes_received,
            "connections": len(server.links),
            "connections_made": server.connections_made,
            "parts": server.files.parts,
        }

    async def wait_online(self, timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            await self.server.sessions.wait_online()

    async def deliveries(self) -> list[Delivery]:
        return list(self._deliveries())

    def _deliveries(self) -> Iterator[Delivery]:
        for chat in self.server.world.chats.values():
            for message in chat.messages.values():
                if message.out and message.media is not None:
                    yield views.delivery(message, message.media)

    async def repeated_random_ids(self) -> list[tuple[int, int, int]]:
        repeated = self.server.world.repeated_random_ids
        return [(chat_id, random_id, count) for (chat_id, random_id), count in repeated.items()]

    async def documents(self) -> list[Media]:
        made = self.server.world.media.values()
        return [views.media(media) for media in made if media.is_uploaded]
