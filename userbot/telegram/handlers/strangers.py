"""People whom the bot does not know."""

from userbot.domain.jobs import Request
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.messages import Seen, target_of


class Strangers:
    """Tells each of them once why nothing happens, whatever they wrote first."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._told = Seen()

    async def refuse(self, request: Request) -> None:
        """Answer in private, and the first time only; a group hears nothing."""
        if request.is_group or self._told.again(request.user_id):
            return
        await self._api.answer(texts.refusal(request.user_id), target_of(request))
