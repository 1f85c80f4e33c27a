"""Presses of buttons: who pressed, whether they may, and what it does."""

from pyrogram import Client
from pyrogram.types import CallbackQuery

from userbot.domain.jobs import Job
from userbot.services.access import Access
from userbot.services.jobs import Jobs
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.callbacks import CancelPress, Press, unpack


class ButtonHandler:
    """Answers every press, also the forged and the late ones."""

    def __init__(self, api: Api, access: Access, jobs: Jobs, offers: Offers, queue: Queue) -> None:
        self._api = api
        self._access = access
        self._jobs = jobs
        self._offers = offers
        self._queue = queue

    async def handle(self, _client: Client, query: CallbackQuery) -> None:
        """Do what a button says, if whoever pressed it may."""
        data = query.data or b""
        press = unpack(data.encode() if isinstance(data, str) else data)
        await self._api.answer_press(query.id, await self._answer(query, press))

    async def _answer(self, query: CallbackQuery, press: Press | None) -> str | None:
        """Act, and return the words that pop up; None where the message itself shows it."""
        job = await self._jobs.find(press.job_id) if press else None
        if press is None or job is None:
            return texts.PRESS_TOO_OLD
        chat_id = query.message.chat.id if query.message and query.message.chat else None
        if not await self._may_press(query.from_user.id, chat_id, job, press):
            return texts.PRESS_NOT_YOURS
        is_done = (
            await self._jobs.cancel(job.id)
            if isinstance(press, CancelPress)
            else await self._offers.pick(job.id, press.index, self._queue)
        )
        return None if is_done else texts.PRESS_TOO_OLD

    async def _may_press(self, user_id: int, chat_id: int | None, job: Job, press: Press) -> bool:
        """Allow the requester everything, the owner Cancel anywhere, a group's admins Cancel there.

        A link that an anonymous admin sent belongs to all admins: Telegram does not say to whom.
        """
        request = job.request
        if isinstance(press, CancelPress) and self._access.is_owner(user_id):
            return True
        if user_id == request.user_id:
            return chat_id == request.chat_id or isinstance(press, CancelPress)
        if chat_id != request.chat_id:
            return False
        is_anonymous = request.user_id == request.chat_id
        if not request.is_group or not (is_anonymous or isinstance(press, CancelPress)):
            return False
        return await self._api.is_admin(request.chat_id, user_id)
