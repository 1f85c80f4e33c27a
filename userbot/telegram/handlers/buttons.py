"""Presses of buttons: who pressed, whether they may, and what it does."""

from pyrogram import Client
from pyrogram.types import CallbackQuery

from userbot.domain.jobs import Job
from userbot.services.jobs import Jobs
from userbot.services.offers import Offers
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.callbacks import CancelPress, Press, unpack


class ButtonHandler:
    """Answers every press, also the forged and the late ones."""

    def __init__(self, api: Api, jobs: Jobs, offers: Offers) -> None:
        self._api = api
        self._jobs = jobs
        self._offers = offers

    async def handle(self, _client: Client, query: CallbackQuery) -> None:
        """Do what a button says, if whoever pressed it may."""
        data = query.data or b""
        press = unpack(data.encode() if isinstance(data, str) else data)
        await self._api.answer_press(query.id, await self._answer(query, press))

    async def _answer(self, query: CallbackQuery, press: Press | None) -> str | None:
        """Act, and return the words that pop up; None where the message itself shows it."""
        job = self._jobs.find(press.job_id) if press else None
        chat_id = query.message.chat.id if query.message and query.message.chat else None
        if press is None or job is None or job.request.chat_id != chat_id:
            return texts.PRESS_TOO_OLD
        if not await self._may_press(query.from_user.id, job, press):
            return texts.PRESS_NOT_YOURS
        is_done = (
            self._jobs.cancel(job.id)
            if isinstance(press, CancelPress)
            else self._offers.pick(job.id, press.index)
        )
        return None if is_done else texts.PRESS_TOO_OLD

    async def _may_press(self, user_id: int, job: Job, press: Press) -> bool:
        """Allow the requester everything, the group's admins Cancel.

        A link that an anonymous admin sent belongs to all admins: Telegram does not say to whom.
        """
        request = job.request
        if user_id == request.user_id:
            return True
        is_anonymous = request.user_id == request.chat_id
        if not request.is_group or not (is_anonymous or isinstance(press, CancelPress)):
            return False
        return await self._api.is_admin(request.chat_id, user_id)
