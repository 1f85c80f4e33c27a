"""Presses of buttons: every one is answered, also the forged and the late ones."""

import contextlib
import logging
from dataclasses import dataclass
from functools import partial

from pyrogram import Client
from pyrogram.types import CallbackQuery, Message, User

from userbot.errors import DeliveryError, UserbotError
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.callbacks import (
    AgainPress,
    CancelPress,
    ChoicePress,
    DataPress,
    FreshPress,
    HistoryPress,
    ListCancelPress,
    PagePress,
    Press,
    RemedyPress,
    SettingsPress,
    unpack,
)
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.own import OwnPresses
from userbot.telegram.handlers.pace import Pace
from userbot.telegram.handlers.presses import EndedJobPresses, OpenJobPresses
from userbot.telegram.handlers.queue import Lists, is_list_of
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.messages import Presser, presser_of

log = logging.getLogger(__name__)

NOBODY = 0


@dataclass(frozen=True, slots=True)
class Presses:
    """Who knows what to do, by what a button is about."""

    open_jobs: OpenJobPresses
    ended_jobs: EndedJobPresses
    own: OwnPresses


def _press_of(query: CallbackQuery) -> Press | None:
    data = query.data or b""
    return unpack(data.encode() if isinstance(data, str) else data)


class ButtonHandler:
    """Finds out what a press means, and answers it."""

    def __init__(
        self,
        api: Api,
        errands: Errands,
        pace: Pace,
        rights: Rights,
        presses: Presses,
        lists: Lists,
    ) -> None:
        self._api = api
        self._errands = errands
        self._pace = pace
        self._rights = rights
        self._presses = presses
        self._lists = lists

    async def handle(self, _client: Client, query: CallbackQuery) -> None:
        """Do what a button says, if whoever pressed it may."""
        user: User | None = query.from_user  # None where Telegram does not describe them
        press = _press_of(query)
        self._errands.run(
            user.id if user else NOBODY,
            partial(self._handle, query, press),
            is_urgent=isinstance(press, CancelPress | ListCancelPress),
        )

    async def _handle(self, query: CallbackQuery, press: Press | None) -> None:
        presser = presser_of(query)
        if press is None or presser is None:
            await self._api.answer_press(query.id, texts.PRESS_TOO_OLD)
            return
        if (objection := await self._objection(presser, press)) is not None:
            await self._api.answer_press(query.id, objection)
            return
        on = query.message
        words = await self._act(presser, press, on)
        with contextlib.suppress(DeliveryError):  # too late for words: the list is turned anyhow
            await self._api.answer_press(query.id, words)
        if isinstance(press, PagePress | ListCancelPress):
            await self._turn(presser, press, on)

    async def _objection(self, presser: Presser, press: Press) -> str | None:
        """Return what pops up instead of what a press asks for; None: it is done."""
        if self._rights.is_banned(presser):
            return texts.PRESS_NO_ACCESS
        return await self._pace.objection(presser, press)

    async def _act(self, presser: Presser, press: Press, on: Message | None) -> str | None:
        """Act, and return the words that pop up; an error becomes words too."""
        try:
            return await self._dispatch(presser, press, on)
        except UserbotError as error:
            log.warning("a press was in vain: %r", error)
            return texts.problem(error)

    async def _dispatch(self, presser: Presser, press: Press, on: Message | None) -> str | None:
        if isinstance(press, HistoryPress | AgainPress | DataPress | SettingsPress):
            return await self._presses.own.act(presser, press, on)
        if isinstance(press, PagePress):
            return None if await self._may_turn(presser, press, on) else texts.LIST_NOT_YOURS
        if isinstance(press, RemedyPress):
            return await self._presses.ended_jobs.remedy(presser, press)
        return await self._open_job(presser, press)

    async def _open_job(
        self, presser: Presser, press: CancelPress | ListCancelPress | ChoicePress | FreshPress
    ) -> str | None:
        if isinstance(press, ChoicePress | FreshPress):
            return await self._presses.open_jobs.pick(presser, press)
        return await self._presses.open_jobs.cancel(presser, press.job_id)

    async def _turn(
        self, presser: Presser, press: PagePress | ListCancelPress, on: Message | None
    ) -> None:
        """Show a page of a list as it is now."""
        if await self._may_turn(presser, press, on):
            await self._lists.turn(presser, press.asker_id, press.page)

    async def _may_turn(
        self, presser: Presser, press: PagePress | ListCancelPress, on: Message | None
    ) -> bool:
        """Allow it on that very list: a forged press would write over any message of the bot."""
        is_list = is_list_of(on, press.asker_id)
        return is_list and await self._rights.may_read(presser, press.asker_id)
