"""/queue: one's open links, each with a Cancel button; the owner sees everybody's."""

from pyrogram import Client
from pyrogram.types import Message

from userbot.services.access import Access
from userbot.services.jobs import Jobs
from userbot.telegram import keyboards, texts
from userbot.telegram.api import Api
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import request_of, target_of

SHOWN = 10


class QueueHandler:
    """Lists open jobs."""

    def __init__(self, api: Api, access: Access, strangers: Strangers, jobs: Jobs) -> None:
        self._api = api
        self._access = access
        self._strangers = strangers
        self._jobs = jobs

    async def handle(self, _client: Client, message: Message) -> None:
        """Answer /queue. In a group everybody, the owner too, sees their own links alone."""
        request = request_of(message)
        if request is None:
            return
        if not self._access.allows(request):
            await self._strangers.refuse(request)
            return
        sees_all = self._access.is_owner(request.user_id) and not request.is_group
        jobs = await self._jobs.open_of(None if sees_all else request.user_id)
        shown = jobs[:SHOWN]
        text = texts.queue(shown, len(jobs), request.user_id)
        await self._api.answer(text, target_of(request), keyboards.for_queue(shown))
