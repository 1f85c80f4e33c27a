"""What the bot knows about somebody: sent to them as a file, deleted when they want it."""

import logging
import secrets
from functools import partial

import aiofiles
from pyrogram import raw

from userbot.domain.jobs import JobId, Request
from userbot.errors import InfrastructureError
from userbot.services.access import Access
from userbot.services.accounts import Accounts
from userbot.services.folders import Folders
from userbot.telegram import keyboards, past_words, texts
from userbot.telegram.api import Api, Caption, Target
from userbot.telegram.callbacks import DataPress, DataWish
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import Presser, target_of
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)

FILE_NAME = "my-data.json"


class MyData:
    """Sends and deletes what is kept about people."""

    def __init__(
        self,
        api: Api,
        access: Access,
        strangers: Strangers,
        accounts: Accounts,
        documents: "Documents",
        errands: Errands,
    ) -> None:
        self._api = api
        self._access = access
        self._strangers = strangers
        self._accounts = accounts
        self._documents = documents
        self._errands = errands

    def may_remember(self, request: Request) -> bool:
        """Say whether whoever wrote is one of the people the bot is for."""
        return request.user_id > 0 and self._access.allows(request)

    async def meet(self, user_id: int, name: str) -> None:
        """Remember somebody."""
        await self._accounts.touch(user_id, name)

    async def send(self, request: Request) -> None:
        """Send whoever asks all there is about them."""
        if request.is_group:
            await self._api.answer(past_words.IN_PRIVATE, target_of(request))
        elif await self._accounts.is_known(request.user_id):
            content = await self._accounts.export(request.user_id)
            caption = Caption(past_words.DATA, keyboards.for_data(request.user_id))
            await self._documents.send(target_of(request), content, caption)
        elif not await self._strangers.turned_away(request):
            await self._api.answer(past_words.NOTHING_KEPT, target_of(request))

    def act(self, presser: Presser, press: DataPress) -> str | None:
        """Ask whether it is to be deleted, or take the answer; soon."""
        act = self._ask if press.wish is DataWish.DELETE else partial(self._decide, press.wish)
        if not self._errands.run(presser.user_id, partial(act, presser)):
            return texts.TOO_MUCH
        return texts.ON_IT if press.wish is DataWish.YES else None

    async def _ask(self, presser: Presser) -> None:
        to = Target(presser.chat_id, presser.message_id)
        await self._api.answer(past_words.SURE, to, keyboards.for_deletion(presser.user_id))

    async def _decide(self, wish: DataWish, presser: Presser) -> None:
        text = past_words.NOTHING_DELETED
        if wish is DataWish.YES:
            text = await self._forget(presser.user_id)

        async def words() -> Caption:
            return Caption(text)

        await self._api.rewrite(presser.chat_id, presser.message_id, words)

    async def _forget(self, user_id: int) -> str:
        try:
            forgotten = await self._accounts.forget(user_id)
        except InfrastructureError as error:
            log.warning("not all data of somebody was deleted: %r", error)
            return past_words.NOT_DELETED
        log.info("somebody had their data deleted")
        return past_words.forgotten(forgotten)


class Documents:
    """Sends contents as files. They lie on the disk while they are uploaded, and not longer."""

    def __init__(self, api: Api, uploads: Uploads, folders: Folders) -> None:
        """Folders: those of jobs; what a crash leaves there is swept at the next start."""
        self._api = api
        self._uploads = uploads
        self._folders = folders

    async def send(self, to: Target, content: bytes, caption: Caption) -> None:
        """Send content as FILE_NAME."""
        folder_id = JobId(f"data-{secrets.token_hex(8)}")
        try:
            path = await self._folders.make(folder_id) / FILE_NAME
            async with aiofiles.open(path, "wb") as file:
                await file.write(content)
            handle = await self._uploads.upload(path)
        finally:
            await self._folders.remove(folder_id)
        document = raw.types.InputMediaUploadedDocument(
            file=handle,
            mime_type="application/json",
            attributes=[raw.types.DocumentAttributeFilename(file_name=FILE_NAME)],
            force_file=True,
        )
        await self._api.send_media(to, document, caption, secrets.randbits(63))
