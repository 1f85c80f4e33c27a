"""A button about somebody works for them alone, where it was shown."""

import pytest

from tests.unit.test_list_presses import message
from userbot.domain.jobs import JobId
from userbot.telegram.callbacks import (
    AgainPress,
    CancelPress,
    DataPress,
    DataWish,
    HistoryPress,
    unpack,
)
from userbot.telegram.handlers.own import has_button

ANN, BOB = 1001, 1002
PRESSES = [
    HistoryPress(0, ANN),
    HistoryPress(9999, ANN),
    AgainPress(JobId("0123abcd"), ANN),
    *(DataPress(wish, ANN) for wish in DataWish),
]


@pytest.mark.parametrize("press", PRESSES)
def test_what_is_packed_is_unpacked(press):
    data = press.pack().encode()
    assert len(data) <= 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton
    assert unpack(data) == press


@pytest.mark.parametrize(
    "data",
    [b"h:", b"h:1", b"h::1", b"h:-1:1", b"h:12345:1", b"h:1:1:1", b"g:0123abcd", b"g:0123abcg:1",
     b"g:0123abcd:", b"g:0123abcd:1\n", b"d:x:1", b"d:y", b"d::1", b"d:yy:1", b"d:y:--1"],
)  # fmt: skip
def test_anything_else_is_nothing(data):
    assert unpack(data) is None


@pytest.mark.parametrize("press", PRESSES)
def test_a_press_is_known_by_the_buttons_that_are_there(press):
    assert has_button(message(press), press)
    assert has_button(message(press.pack().encode()), press)
    assert not has_button(message(), press)
    assert not has_button(message("elsewhere", CancelPress(JobId("0123abcd"))), press)
    assert not has_button(None, press)
    assert not has_button(message(HistoryPress(0, BOB), AgainPress(JobId("0123abcd"), BOB)), press)


def test_a_history_is_turned_though_it_was_turned_before():
    assert has_button(message(HistoryPress(1, ANN)), HistoryPress(0, ANN))
    assert has_button(message(AgainPress(JobId("0123abcd"), ANN)), HistoryPress(1, ANN))


def test_nothing_is_deleted_by_a_button_that_was_not_shown():
    asked = message(DataPress(DataWish.DELETE, ANN))
    assert not has_button(asked, DataPress(DataWish.YES, ANN))
    assert not has_button(message(HistoryPress(0, ANN)), DataPress(DataWish.YES, ANN))
