"""Which update goes to which handler. The one place where handlers are registered."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pyrogram import Client, filters
from pyrogram.handlers import CallbackQueryHandler, MessageHandler

from userbot.errors import UserbotError
from userbot.telegram.handlers.buttons import ButtonHandler
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.links import LinkHandler
from userbot.telegram.handlers.queue import QueueHandler

log = logging.getLogger(__name__)

Handler = Callable[[Client, Any], Awaitable[None]]


def register(
    client: Client,
    commands: CommandHandler,
    queue: QueueHandler,
    links: LinkHandler,
    buttons: ButtonHandler,
) -> None:
    """Tell the client about the handlers; call it before the client is started."""
    incoming = filters.incoming
    for handler in (
        MessageHandler(_contained(commands.start), incoming & filters.command("start")),
        MessageHandler(_contained(commands.help), incoming & filters.command("help")),
        MessageHandler(_contained(queue.handle), incoming & filters.command("queue")),
        MessageHandler(_contained(commands.joined), filters.new_chat_members),
        MessageHandler(_contained(links.handle), incoming & ~filters.service),
        CallbackQueryHandler(_contained(buttons.handle)),
    ):
        client.add_handler(handler)


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
