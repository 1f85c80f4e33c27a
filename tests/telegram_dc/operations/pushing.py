"""Updates of any form, also of those that Telegram never sends."""

from dataclasses import dataclass

from tests.telegram_dc.server import Server


@dataclass
class Pushing:
    server: Server

    async def push(self, bodies: list[bytes]) -> None:
        """Sends TL as it is to whoever hears of updates; nothing of it is kept or numbered."""
        for session in self.server.sessions.listening():
            for body in bodies:
                session.notify(body)
