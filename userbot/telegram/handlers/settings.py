"""/settings: what somebody wants without being asked, chosen once with a button."""

from functools import partial

from userbot.domain.jobs import Request
from userbot.domain.people import Preferences
from userbot.services.accounts import Accounts
from userbot.telegram import keyboards, past_words, settings_words, texts
from userbot.telegram.api import Api, Caption
from userbot.telegram.callbacks import SettingsPress
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.messages import Presser, target_of


class PersonalSettings:
    """Shows people's own settings, and changes them."""

    def __init__(self, api: Api, accounts: Accounts, errands: Errands) -> None:
        self._api = api
        self._accounts = accounts
        self._errands = errands

    async def send(self, request: Request) -> None:
        """Answer a message with the buttons, in private."""
        if request.is_group:
            await self._api.answer(past_words.IN_PRIVATE, target_of(request))
            return
        shown = _caption(request.user_id, await self._accounts.preferences(request.user_id))
        await self._api.answer(shown.text, target_of(request), shown.buttons)

    async def act(self, presser: Presser, press: SettingsPress) -> str | None:
        """Keep what was chosen, and mark it in the message, soon; return words that pop up.

        Raises InfrastructureError when it could not be kept.
        """
        wanted = settings_words.DEFAULTS[press.default]
        await self._accounts.prefer(presser.user_id, wanted)
        is_soon = self._errands.run(presser.user_id, partial(self._mark, presser))
        return None if is_soon else texts.TOO_MUCH

    async def _mark(self, presser: Presser) -> None:
        async def words() -> Caption:
            return _caption(presser.user_id, await self._accounts.preferences(presser.user_id))

        await self._api.rewrite(presser.chat_id, presser.message_id, words)


def _caption(user_id: int, preferences: Preferences) -> Caption:
    return Caption(settings_words.TEXT, keyboards.for_settings(user_id, preferences))
