"""Puts a view of a job into its chat: a text or a picture, new or in place of the last one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from userbot.domain.jobs import JobId, Menu, View
from userbot.errors import (
    ChatGoneError,
    DeliveryError,
    InfrastructureError,
    NoRightError,
    TopicClosedError,
)
from userbot.telegram import failures, keyboards
from userbot.telegram.api import Api, Caption
from userbot.telegram.find import mentions
from userbot.telegram.status import Status
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)

PICTURE_TIMEOUT_S = 2.0  # a menu is not worth waiting for longer
MESSAGE_GONE = ("MESSAGE_ID_INVALID", "MESSAGE_AUTHOR_REQUIRED", "MESSAGE_EDIT_TIME_EXPIRED")

OnMessage = Callable[[JobId, int], Awaitable[None]]


class StatusWriter:
    """Writes for `Reporter`, one status at a time. `on_message` is told where each one is."""

    def __init__(self, api: Api, uploads: Uploads, on_message: OnMessage) -> None:
        self._api = api
        self._uploads = uploads
        self._on_message = on_message

    async def put(self, status: Status, view: View, text: str) -> None:
        """Say view, whose words are text. Raises DeliveryError; may be repeated without harm."""
        caption = Caption(text, keyboards.for_view(status.job, view))
        was_in = status.message_id
        if status.must_look:
            await self._look(status)
        picture = await self._picture(view)
        if picture is None or not await self._put_picture(status, picture, caption):
            await self._put_caption(status, None, caption)
        if status.message_id not in (None, was_in):
            await self._on_message(status.job.id, status.message_id)

    async def remove(self, status: Status) -> None:
        """Delete the message, if there is one. Raises DeliveryError."""
        if status.must_look:
            await self._look(status)
        if status.message_id is not None:
            await self._api.delete(status.job.request.chat_id, status.message_id)

    async def _look(self, status: Status) -> None:
        """Find the message that was sent and that nobody noted."""
        known = mentions(status.job.id)
        message = await self._api.find_answer(status.target, known)
        status.message_id, status.must_look = message.id if message else None, False

    async def _picture(self, view: View) -> Any:
        """Return the uploaded cover of a menu; None when there is none, or not in time."""
        if not isinstance(view, Menu) or view.extraction.cover is None:
            return None
        try:
            async with asyncio.timeout(PICTURE_TIMEOUT_S):
                return await self._uploads.upload(view.extraction.cover)
        except (InfrastructureError, TimeoutError) as error:
            log.info("menu without a picture: %r", error)
            return None

    async def _put_picture(self, status: Status, picture: Any, caption: Caption) -> bool:
        """Say caption under a picture; False when Telegram does not take the picture."""
        try:
            await self._put_caption(status, picture, caption)
        except DeliveryError as error:
            if not _may_be_the_picture(error):
                raise
            log.info("menu without a picture: %s", error.code)
            return False
        return True

    async def _put_caption(self, status: Status, picture: Any, caption: Caption) -> None:
        if status.message_id is None and not await self._send(status, picture, caption):
            return
        chat_id, message_id = status.job.request.chat_id, status.message_id
        assert message_id is not None
        if picture is None:
            await self._api.edit_text(chat_id, message_id, caption)
        else:
            await self._api.edit_photo(chat_id, message_id, picture, caption)

    async def _send(self, status: Status, picture: Any, caption: Caption) -> bool:
        """Send the first message; True when one is there that has to be changed."""
        status.tried_text = status.tried_text or caption.text
        if picture is None:
            sent = await self._api.send_text(status.target, caption, status.random_id)
        else:
            sent = await self._api.send_photo(status.target, picture, caption, status.random_id)
        status.message_id = sent
        if sent is not None:
            return False
        await self._look(status)  # Telegram has it, and its answer got lost
        if status.message_id is None and status.tried_text != caption.text:
            status.forget_message()
            return await self._send(status, picture, caption)
        return status.message_id is not None


def _may_be_the_picture(error: DeliveryError) -> bool:
    if isinstance(error, NoRightError):
        return error.may_write
    if isinstance(error, ChatGoneError | TopicClosedError):
        return False
    return error.code not in failures.PASSING and error.code not in MESSAGE_GONE
