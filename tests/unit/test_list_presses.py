"""A list is turned where it is, and nothing else is."""

import pytest
from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from userbot.domain.jobs import JobId, Remedy
from userbot.telegram.callbacks import CancelPress, ListCancelPress, PagePress, Press, RemedyPress
from userbot.telegram.handlers.queue import is_list_of

ASKER, OTHER = 1001, 1002
JOB_ID = JobId("0123abcd")


def message(*presses: Press | str | bytes) -> Message:
    data = [item if isinstance(item, str | bytes) else item.pack() for item in presses]
    buttons = [[InlineKeyboardButton("x", callback_data=item)] for item in data]
    return Message(id=1, reply_markup=InlineKeyboardMarkup(buttons) if buttons else None)


@pytest.mark.parametrize(
    "listed",
    [
        message(ListCancelPress(JOB_ID, 0, ASKER)),
        message(ListCancelPress(JOB_ID, 0, ASKER), PagePress(1, ASKER)),
        message(PagePress(0, ASKER).pack().encode()),
    ],
)
def test_a_list_is_known_by_its_buttons(listed):
    assert is_list_of(listed, ASKER)
    assert not is_list_of(listed, OTHER)


@pytest.mark.parametrize(
    "other",
    [
        None,
        message(),
        message("elsewhere"),
        message(CancelPress(JOB_ID), RemedyPress(JOB_ID, Remedy.TRY_AGAIN)),
    ],
)
def test_no_other_message_is_a_list(other):
    assert not is_list_of(other, ASKER)
