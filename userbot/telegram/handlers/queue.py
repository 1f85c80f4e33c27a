"""/queue: one's open links in pages, each with a Cancel button; the owner sees everybody's."""

from collections.abc import Callable

from pyrogram import Client
from pyrogram.types import InlineKeyboardMarkup, Message

from userbot.domain.jobs import JobId, Request, View
from userbot.domain.records import JobSummary
from userbot.services.access import Access
from userbot.services.board import Board
from userbot.services.jobs import Jobs
from userbot.telegram import keyboards
from userbot.telegram.api import Api, Caption
from userbot.telegram.callbacks import ListCancelPress, PagePress, Press, unpack
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.lists import PAGE_SIZE, Listed, Page, listing
from userbot.telegram.messages import Presser, request_of, target_of


class Lists:
    """Makes pages of open jobs, and turns them where they are."""

    def __init__(
        self,
        api: Api,
        access: Access,
        jobs: Jobs,
        latest: Callable[[JobId], View | None],
        board: Board,
    ) -> None:
        """Latest tells what the status message of a job says, None when it is not known."""
        self._board = board
        self._api = api
        self._access = access
        self._jobs = jobs
        self._latest = latest

    async def send(self, request: Request) -> None:
        """Answer a message with the first page."""
        chat_id = request.chat_id
        page = await self._page(request.user_id, chat_id if request.is_group else None, 0)
        await self._api.answer(listing(page), target_of(request), keyboards.for_list(page))

    async def turn(self, presser: Presser, asker_id: int, number: int) -> None:
        """Show another page in the message of a list, as soon as Telegram allows."""
        group_id = presser.chat_id if presser.is_group else None

        async def words() -> Caption:
            page = await self._page(asker_id, group_id, number)
            return Caption(listing(page), keyboards.for_list(page))

        await self._api.rewrite(presser.chat_id, presser.message_id, words)

    async def _page(self, asker_id: int, group_id: int | None, number: int) -> Page:
        """Return a page, or the last one there is. In a group nobody sees links from elsewhere."""
        sees_all = group_id is None and self._access.is_owner(asker_id)
        jobs = await self._jobs.open_of(None if sees_all else asker_id)
        if group_id is not None:
            jobs = [item for item in jobs if item.job.request.chat_id == group_id]
        number = min(number, max(len(jobs) - 1, 0) // PAGE_SIZE)
        first = number * PAGE_SIZE
        shown = await self._listed(jobs[first : first + PAGE_SIZE], first + 1)
        return Page(asker_id, number, len(jobs), shown)

    async def _listed(self, jobs: list[JobSummary], first: int) -> tuple[Listed, ...]:
        places = await self._jobs.line() if jobs else {}
        return tuple(
            [
                Listed(number, item, await self._view(item), places.get(item.job.id))
                for number, item in enumerate(jobs, first)
            ]
        )

    async def _view(self, item: JobSummary) -> View | None:
        view = self._latest(item.job.id)
        if view is None and item.is_claimed:
            return await self._board.find(item.job.id)
        return view


def is_list_of(message: Message | None, asker_id: int) -> bool:
    """Say whether a message is the list that asker_id has asked for; an emptied one is not."""
    markup = message.reply_markup if message else None
    if not isinstance(markup, InlineKeyboardMarkup):
        return False
    presses = (_press(button.callback_data) for row in markup.inline_keyboard for button in row)
    return any(
        isinstance(press, PagePress | ListCancelPress) and press.asker_id == asker_id
        for press in presses
    )


def _press(data: str | bytes | None) -> Press | None:
    """Return what a button means; None when it is not one of ours."""
    return unpack(data.encode() if isinstance(data, str) else data or b"")


class QueueHandler:
    """Answers /queue."""

    def __init__(self, strangers: Strangers, lists: Lists) -> None:
        self._strangers = strangers
        self._lists = lists

    async def handle(self, _client: Client, message: Message) -> None:
        """List open jobs. In a group everybody, the owner too, sees their own links there."""
        request = request_of(message)
        if request is not None and not await self._strangers.turned_away(request):
            await self._lists.send(request)
