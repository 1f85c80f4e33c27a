"""How the bot finds its own messages again, and how many calls that takes."""

from collections.abc import Sequence
from typing import Any

import pytest
from pyrogram import raw
from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from userbot.telegram import texts
from userbot.telegram.find import CALLS_AHEAD, IDS_PER_CALL, MAX_CALLS, Search, has_file, mentions

LINK = 1000
NO_CLIENT: Any = None  # buttons need one for peers alone


class Box:
    """All messages of a bot's private chats, by number; a call reads a hundred of them."""

    def __init__(self, newest: int, *, deleted: Sequence[int] = ()) -> None:
        self.newest = newest
        self.deleted = set(deleted)
        self.answers: dict[int, int] = {}
        self.calls = 0

    async def get(self, numbers: Sequence[int]) -> Sequence[Any]:
        self.calls += 1
        assert len(numbers) <= IDS_PER_CALL
        return [self._message(number) for number in numbers]

    def _message(self, number: int) -> Any:
        if number > self.newest or number in self.deleted:
            return raw.types.MessageEmpty(id=number)
        reply_to = self.answers.get(number)
        header = raw.types.MessageReplyHeader(reply_to_msg_id=reply_to) if reply_to else None
        return raw.types.Message(
            id=number,
            peer_id=raw.types.PeerUser(user_id=1),
            date=0,
            message="A title\nhttps://a.org/1",
            out=reply_to is not None,
            reply_to=header,
        )

    async def find(self) -> int | None:
        message = await Search(self.get, LINK, lambda _message: True).run()
        return message.id if message else None


async def test_an_answer_that_follows_soon_is_found_in_one_call():
    box = Box(newest=LINK + 30)
    box.answers[LINK + 3] = LINK
    assert await box.find() == LINK + 3
    assert box.calls == 1


async def test_a_quiet_chat_without_an_answer_is_known_after_one_call():
    box = Box(newest=LINK + 5)
    assert await box.find() is None
    assert box.calls == 1


async def test_an_answer_to_somebody_else_is_not_taken():
    box = Box(newest=LINK + 5)
    box.answers[LINK + 2] = LINK - 1
    assert await box.find() is None


@pytest.mark.parametrize(("further", "most"), [(1_000, 12), (10_000, 20), (100_000, 26)])
async def test_on_a_busy_bot_it_is_found_from_the_end(further, most):
    box = Box(newest=LINK + further)
    box.answers[box.newest - 150] = LINK
    assert await box.find() == box.newest - 150
    assert box.calls <= most


async def test_deleted_messages_do_not_hide_the_end():
    box = Box(newest=LINK + 5000, deleted=[n for n in range(LINK, LINK + 5001) if n % 3])
    box.answers[LINK + 4902] = LINK
    box.deleted.discard(LINK + 4902)
    assert await box.find() == LINK + 4902


async def test_a_search_that_finds_nothing_ends():
    box = Box(newest=LINK + 1_000_000)
    assert await box.find() is None
    assert CALLS_AHEAD < box.calls <= MAX_CALLS


async def test_a_message_is_known_by_its_file_or_by_its_buttons():
    document = raw.types.Document(
        id=1,
        access_hash=1,
        file_reference=b"",
        date=0,
        mime_type="",
        size=77,
        dc_id=2,
        attributes=[],
    )
    buttons = InlineKeyboardMarkup([[InlineKeyboardButton("Cancel", callback_data="c:4711")]])
    message = raw.types.Message(
        id=1,
        peer_id=raw.types.PeerUser(user_id=1),
        date=0,
        message="A title\nhttps://a.org/1",
        media=raw.types.MessageMediaDocument(document=document),
        reply_markup=await buttons.write(NO_CLIENT),
    )
    assert has_file(77, "https://a.org/1")(message)
    assert not has_file(78, "https://a.org/1")(message)
    assert not has_file(77, "https://a.org/2")(message), "another link of the same request"
    assert not has_file(77, "https://a.org/")(message), "the beginning of another link"
    message.message = "A title https://a.org/2\nhttps://a.org/11"
    assert not has_file(77, "https://a.org/1")(message)
    assert not has_file(77, "https://a.org/2")(message), "a word of the title"
    message.message = "A title"
    assert has_file(77, texts.link_in_caption("https://a.org/" + 500 * "x"))(message)
    assert mentions("4711")(message)
    assert not mentions("4712")(message)
    message.message = "It failed.\n4712"
    assert mentions("4712")(message)
