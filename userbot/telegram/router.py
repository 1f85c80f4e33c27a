"""Which update goes to which handler. The one place where handlers are registered."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pyrogram import Client, filters
from pyrogram.handlers import CallbackQueryHandler, MessageHandler

from userbot.errors import UserbotError
from userbot.telegram.handlers.buttons import ButtonHandler
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.decisions import OwnerCommands
from userbot.telegram.handlers.links import LinkHandler
from userbot.telegram.handlers.own import OwnCommands
from userbot.telegram.handlers.pace import Pace
from userbot.telegram.handlers.queue import QueueHandler

log = logging.getLogger(__name__)

BESIDE = 1  # Pyrogram runs one handler of each group

Handler = Callable[[Client, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who answers what."""

    commands: CommandHandler
    queue: QueueHandler
    links: LinkHandler
    buttons: ButtonHandler
    own: OwnCommands
    owner: OwnerCommands


def register(client: Client, pace: Pace, handlers: Handlers) -> None:
    """Tell the client about the handlers; call it before the client is started."""
    incoming, is_created = filters.incoming, filters.group_chat_created
    commands, own, owner = handlers.commands, handlers.own, handlers.owner
    for name, handle in {
        "start": commands.start,
        "help": commands.help,
        "queue": handlers.queue.handle,
        "history": own.history,
        "mydata": own.mydata,
        "settings": own.settings,
        "stats": own.stats,
        "ban": owner.ban,
        "unban": owner.unban,
        "allow": owner.allow,
        "disallow": owner.disallow,
        "limit": owner.limit,
    }.items():
        paced = _contained(pace.command(handle))
        client.add_handler(MessageHandler(paced, incoming & filters.command(name)))
    for handler in (
        MessageHandler(_contained(commands.joined), filters.new_chat_members | is_created),
        MessageHandler(_contained(handlers.links.handle), incoming & ~filters.service),
        CallbackQueryHandler(_contained(handlers.buttons.handle)),
    ):
        client.add_handler(handler)
    beside = MessageHandler(_contained(own.met), incoming & ~filters.service)
    client.add_handler(beside, group=BESIDE)


def _contained(handle: Handler) -> Handler:
    """Keep a handler's failure to that one update."""

    async def contained(client: Client, update: Any) -> None:
        try:
            await handle(client, update)
        except UserbotError as error:
            log.warning("an update went unanswered: %r", error)
        except Exception:  # where a handler ends
            log.exception("a handler failed")

    return contained
