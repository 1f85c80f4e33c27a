"""What people ask about themselves: /history, /mydata, /settings, and for an owner /stats.

All in private.
"""

from collections.abc import Awaitable, Callable
from functools import partial

from pyrogram import Client
from pyrogram.types import InlineKeyboardMarkup, Message

from userbot.domain.jobs import Request
from userbot.services.access import Access
from userbot.services.usage_report import UsageReports
from userbot.telegram import past_words, settings_words, stats_words
from userbot.telegram.api import Api
from userbot.telegram.callbacks import (
    AgainPress,
    DataPress,
    HistoryPress,
    OwnPress,
    Press,
    SettingsPress,
    unpack,
)
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.history import Histories
from userbot.telegram.handlers.mydata import MyData
from userbot.telegram.handlers.settings import PersonalSettings
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import Presser, name_of, request_of, target_of


class OwnCommands:
    """Answers the commands, and remembers who has written."""

    def __init__(
        self,
        strangers: Strangers,
        errands: Errands,
        histories: Histories,
        data: MyData,
        settings: PersonalSettings,
        stats: "Stats",
    ) -> None:
        self._strangers = strangers
        self._errands = errands
        self._histories = histories
        self._data = data
        self._settings = settings
        self._stats = stats

    async def history(self, _client: Client, message: Message) -> None:
        """Show the last links of whoever asks; to everybody who has some."""
        await self._own(message, self._histories.send)

    async def mydata(self, _client: Client, message: Message) -> None:
        """Send what is kept about whoever asks; to everybody about whom something is."""
        await self._own(message, self._data.send)

    async def settings(self, _client: Client, message: Message) -> None:
        """Show what is taken for whoever asks without asking them."""
        request = request_of(message)
        if request is not None and not await self._strangers.turned_away(request):
            self._run(request, self._settings.send)

    async def stats(self, _client: Client, message: Message) -> None:
        """Show the owner how much the bot did lately."""
        request = request_of(message)
        if request is not None and not await self._strangers.turned_away(request):
            self._run(request, self._stats.send)

    async def met(self, _client: Client, message: Message) -> None:
        """Remember whoever has written where the bot is used."""
        request = request_of(message)
        if request is not None and self._data.may_remember(request):
            name = name_of(message)
            self._errands.run(request.user_id, partial(self._data.meet, request.user_id, name))

    async def _own(self, message: Message, send: Callable[[Request], Awaitable[None]]) -> None:
        """Answer in private without asking who may use the bot: that is about them alone."""
        request = request_of(message)
        if request is None:
            return
        is_for_all = not request.is_group and not self._strangers.is_banned(request.user_id)
        if is_for_all or not await self._strangers.turned_away(request):
            self._run(request, send)

    def _run(self, request: Request, send: Callable[[Request], Awaitable[None]]) -> None:
        self._errands.run(request.chat_id, partial(send, request))


class Stats:
    """Shows an owner how much the bot did."""

    def __init__(self, api: Api, access: Access, reports: UsageReports) -> None:
        self._api = api
        self._access = access
        self._reports = reports

    async def send(self, request: Request) -> None:
        """Answer an owner in private; tell anybody else that it is not for them."""
        if not self._access.is_owner(request.user_id):
            text = past_words.OWNER_ALONE
        elif request.is_group:
            text = past_words.IN_PRIVATE
        else:
            text = stats_words.report(await self._reports.latest())
        await self._api.answer(text, target_of(request))


class OwnPresses:
    """The buttons under histories and under what is known about somebody."""

    def __init__(self, histories: Histories, data: MyData, settings: PersonalSettings) -> None:
        self._histories = histories
        self._data = data
        self._settings = settings

    async def act(self, presser: Presser, press: OwnPress, on: Message | None) -> str | None:
        """Act, and return the words that pop up.

        A button works for whoever asked for it, in their private chat, under a message that has
        such buttons: a forged press would write over any message of the bot.
        """
        is_theirs = presser.user_id == press.asker_id == presser.chat_id and not presser.is_group
        if not is_theirs:
            return past_words.NOT_YOURS
        return await self._do(presser, press) if has_button(on, press) else too_old(press)

    async def _do(self, presser: Presser, press: OwnPress) -> str | None:
        if isinstance(press, HistoryPress):
            self._histories.turn(presser, press)
            return None
        if isinstance(press, AgainPress):
            return await self._histories.again(presser, press)
        if isinstance(press, SettingsPress):
            return await self._settings.act(presser, press)
        return self._data.act(presser, press)


def too_old(press: OwnPress) -> str:
    """Return what to send for a message with buttons that work."""
    if isinstance(press, SettingsPress):
        return settings_words.SETTINGS_TOO_OLD
    is_data = isinstance(press, DataPress)
    return past_words.DATA_TOO_OLD if is_data else past_words.HISTORY_TOO_OLD


def has_button(message: Message | None, press: OwnPress) -> bool:
    """Say whether a message is one that has such buttons for the same person.

    Not whether it has this very one: Pyrogram may show a history as it was before it was turned.
    """
    markup = message.reply_markup if message else None
    if not isinstance(markup, InlineKeyboardMarkup):
        return False
    return any(
        _is_alike(_press_of(button.callback_data), press)
        for row in markup.inline_keyboard
        for button in row
    )


def _press_of(data: str | bytes | None) -> Press | None:
    return unpack(data.encode() if isinstance(data, str) else data or b"")


def _is_alike(there: Press | None, press: OwnPress) -> bool:
    """Compare what two buttons do; those of a history turn its pages and send its items."""
    if isinstance(press, DataPress | SettingsPress):
        return there == press
    return isinstance(there, HistoryPress | AgainPress) and there.asker_id == press.asker_id
