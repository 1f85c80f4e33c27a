"""Updates of any form."""

from collections.abc import Iterable

from tests.telegram_dc.client.remote import Remote


class Pushing(Remote):
    async def push(self, bodies: Iterable[bytes]) -> None:
        """Sends each body, TL or not, to the bot as what Telegram says on its own initiative.

        The data centre neither reads nor keeps them: messages in them are in no chat.
        """
        await self._call("push", bodies=list(bodies))
