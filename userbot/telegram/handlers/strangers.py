"""People whom the bot does not know, or whom its owner has banned."""

from userbot.domain.jobs import Request
from userbot.services.access import Access
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.messages import Seen, target_of


class Strangers:
    """Tells each of them once why nothing happens, whatever they wrote first."""

    def __init__(self, api: Api, access: Access) -> None:
        self._api = api
        self._access = access
        self._told = Seen()

    async def turned_away(self, request: Request) -> bool:
        """Say whether a message is not served; if so its sender is told, a group is not."""
        if self._access.allows(request):
            return False
        user_id = request.user_id
        if not request.is_group and not self._told.again((user_id, self.is_banned(user_id))):
            await self._api.answer(self._refusal(request.user_id), target_of(request))
        return True

    def is_banned(self, user_id: int) -> bool:
        """Say whether somebody gets no answer but that they are turned away."""
        return self._access.is_banned(user_id)

    def _refusal(self, user_id: int) -> str:
        if self._access.is_banned(user_id):
            return texts.PRESS_NO_ACCESS  # no word of how to be let in
        return texts.refusal(user_id)
