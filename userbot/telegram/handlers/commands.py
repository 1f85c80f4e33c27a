"""/start and /help, and the first word in a group."""

import logging
from functools import partial

from pyrogram import Client
from pyrogram.types import Message

from userbot.domain.jobs import Request
from userbot.services.access import Access, OwnerCode
from userbot.telegram import texts
from userbot.telegram.api import Api
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.messages import request_of, target_of

log = logging.getLogger(__name__)


class CommandHandler:
    """Answers commands in private, and in groups that may use the bot."""

    def __init__(
        self,
        api: Api,
        access: Access,
        strangers: Strangers,
        owner_code: OwnerCode,
        errands: Errands,
    ) -> None:
        self._api = api
        self._access = access
        self._strangers = strangers
        self._owner_code = owner_code
        self._errands = errands

    async def start(self, client: Client, message: Message) -> None:
        """Say hello; make whoever brings the one-time code the owner."""
        request = request_of(message)
        if request is None:
            return
        code = (message.command or [""])[1:]
        if not request.is_group and code and self._owner_code.redeem(code[0], request.user_id):
            await self._api.answer(texts.OWNER_WELCOME, target_of(request))
            return
        await self._say(client, request, texts.START)

    async def help(self, client: Client, message: Message) -> None:
        """Say how it works."""
        request = request_of(message)
        if request is not None:
            is_owners = not request.is_group and self._access.is_owner(request.user_id)
            text = f"{texts.HELP}\n\n{texts.HELP_FOR_OWNERS}" if is_owners else texts.HELP
            await self._say(client, request, text)

    async def joined(self, client: Client, message: Message) -> None:
        """Say in a group, when the bot was added to it or it was made with it, what to do."""
        request = request_of(message)
        bot = client.me
        if request is None or bot is None:
            return
        newcomers = message.new_chat_members or []
        if message.group_chat_created or any(user.id == bot.id for user in newcomers):
            await self._greet(client, request)

    async def _greet(self, client: Client, request: Request) -> None:
        if self._access.is_known_chat(request.chat_id):
            await self._say(client, request, texts.GROUP_HINT)
        elif self._access.is_owner(request.user_id):
            await self._api.answer(texts.unknown_group(request.chat_id), target_of(request))
        else:
            log.info("added to the group %d, which is not in AUTHORIZED_CHATS", request.chat_id)

    async def _say(self, client: Client, request: Request, text: str) -> None:
        if not await self._strangers.turned_away(request):
            self._errands.run(request.chat_id, partial(self._explain, client, request, text))

    async def _explain(self, client: Client, request: Request, text: str) -> None:
        if request.is_group and not await self._sees_links(client, request):
            text = f"{text}\n\n{texts.PRIVACY_HINT}"
        await self._api.answer(text, target_of(request))

    async def _sees_links(self, client: Client, request: Request) -> bool:
        """Say whether links in a group reach the bot: privacy mode is off, or it is an admin."""
        if client.me is None or client.me.can_read_all_group_messages:
            return True
        return await self._api.asides.is_admin(request.chat_id, client.me.id, is_fresh=True)
