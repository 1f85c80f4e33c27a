"""What handlers read from Telegram's messages: which words are links, and who wrote."""

import pytest
from pyrogram.enums import ChatType, MessageEntityType
from pyrogram.types import (
    Chat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    Message,
    MessageEntity,
    User,
)
from pyrogram.types.messages_and_media.message import Str

from userbot.telegram.handlers.links import links_in
from userbot.telegram.messages import request_of

CLUB = Chat(id=-1002147483900, type=ChatType.SUPERGROUP)
CHANNEL = Chat(id=-1002147483999, type=ChatType.CHANNEL)


def message_with(*words):
    """A message in which Telegram takes each of these words for a link."""
    text, entities = "", []
    for word in words:
        kind = MessageEntityType.URL
        entities.append(MessageEntity(type=kind, offset=len(text), length=len(word)))
        text += f"{word} "
    return Message(id=1, chat=CLUB, text=Str(text), entities=entities)


@pytest.mark.parametrize("name", ["run.py", "readme.md", "example.com"])
def test_a_bare_name_is_a_link_in_private_alone(name):
    assert links_in(message_with(name), is_group=False) == [name]
    assert links_in(message_with(name), is_group=True) == []


@pytest.mark.parametrize("link", ["youtu.be/abc", "https://example.com", "http://run.py/"])
def test_what_has_a_scheme_or_a_path_is_a_link_everywhere(link):
    for is_group in (False, True):
        assert links_in(message_with("run.py", link), is_group=is_group)[-1] == link


def with_buttons(text, *urls):
    buttons = [InlineKeyboardButton(url, url=url) for url in urls]
    plain = InlineKeyboardButton("Like", callback_data="like")
    markup = InlineKeyboardMarkup([[plain], buttons])
    return Message(id=1, chat=CLUB, text=Str(text), entities=[], reply_markup=markup)


def test_a_post_without_a_link_has_those_of_its_buttons():
    urls = ["https://example.com/v", "https://example.com/w", "https://example.com/v"]
    for is_group in (False, True):
        assert links_in(with_buttons("Look!", *urls), is_group=is_group) == urls[:2]


def test_a_post_with_a_link_has_no_others():
    post = with_buttons("https://example.com/v", "https://t.me/join")
    assert links_in(post, is_group=False) == ["https://example.com/v"]


def test_a_post_of_the_linked_channel_asks_for_nothing():
    post = Message(id=1, chat=CLUB, sender_chat=CHANNEL, automatic_forward=True, text=Str("x"))
    assert request_of(post) is None


def test_whoever_writes_as_a_channel_or_forwards_from_one_is_served():
    as_channel = Message(id=1, chat=CLUB, sender_chat=CHANNEL, text=Str("x"))
    request = request_of(as_channel)
    assert request
    assert request.user_id == CHANNEL.id
    person = User(id=7, first_name="Ann")
    forward = Message(id=2, chat=CLUB, from_user=person, automatic_forward=True, text=Str("x"))
    request = request_of(forward)
    assert request
    assert request.user_id == 7
