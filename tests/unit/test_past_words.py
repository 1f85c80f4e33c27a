"""What /history, /mydata and /stats say fits, is plain, and shows no hostile markup."""

from datetime import UTC, datetime

import pytest

from tests.unit.test_words import JARGON, LONG, MAX_POPUP_CHARACTERS, MAX_TEXT_UNITS
from userbot.domain.history import HistoryItem, Tally
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobState
from userbot.services.accounts import Forgotten
from userbot.services.history import PAGE_SIZE, HistoryPage
from userbot.services.numbers import Numbers
from userbot.telegram import keyboards, past_words
from userbot.telegram.markup import styled, utf16_units

WHEN = datetime(2030, 11, 2, 23, 59, tzinfo=UTC)
FIXED = {
    name: value
    for name, value in vars(past_words).items()
    if name.isupper() and isinstance(value, str)
}


def item(number=1, **values):
    base = {"title": f"Title {number}", "result": JobState.DELIVERED, "ended_at": WHEN}
    return HistoryItem(JobId(f"{number:08x}"), 1, 1, "http://x", **{**base, **values})


def shown(*items, number=0, has_more=False):
    return HistoryPage(1, number, items, has_more)


@pytest.mark.parametrize("name", FIXED)
def test_fixed_words_fit_and_are_plain(name):
    plain, _ = styled(FIXED[name])
    assert 0 < utf16_units(plain) <= 1024
    assert not JARGON.search(plain.replace("/queue", "")), plain


def test_what_pops_up_fits():
    for text in (past_words.NOT_YOURS, past_words.OWNER_ALONE):
        assert len(text) <= MAX_POPUP_CHARACTERS


def test_a_page_of_hostile_titles_fits():
    items = [item(n, title=LONG, result=end) for n, end in enumerate((*ENDS, JobState.DELIVERED))]
    plain, entities = styled(past_words.page(shown(*items, number=19)))
    assert len(items) == PAGE_SIZE
    assert utf16_units(plain) <= MAX_TEXT_UNITS
    assert len(entities) == 1, "the headline alone is bold"
    assert not JARGON.search(plain.replace(LONG[:10], ""))


def test_a_line_tells_what_matters():
    video = item(1, kind=MediaKind.VIDEO, height=720, size_bytes=8_200_000)
    audio = item(2, kind=MediaKind.AUDIO, title="", size_bytes=900_000)
    lines = past_words.page(shown(video, audio, item(3, result=JobState.FAILED))).splitlines()
    assert lines[1:4] == [
        "1. Title 1 · 720p · 8.2 MB · 2 Nov",
        "2. http://x · audio · 900 kB · 2 Nov",
        "3. Title 3 · did not work · 2 Nov",
    ]


def labels(markup):
    return [[button.text for button in row] for row in markup.inline_keyboard]


def test_the_buttons_of_a_page_carry_its_items_and_turn_it():
    page = shown(item(6), item(7), number=1, has_more=True)
    assert labels(keyboards.for_history(page)) == [["Send 6", "Send 7"], ["◀", "▶"]]
    assert labels(keyboards.for_history(shown(item(1)))) == [["Send 1"]]
    assert keyboards.for_history(shown()) is None
    assert past_words.page(shown()) == past_words.NOTHING_YET


def test_what_was_deleted_is_told_and_what_stays():
    assert "1 link of your history" in past_words.forgotten(Forgotten(1, 0))
    assert "still open" not in past_words.forgotten(Forgotten(0, 0))
    assert "1 link is still open" in past_words.forgotten(Forgotten(2, 1))
    assert "3 links are still open" in past_words.forgotten(Forgotten(2, 3))


def test_the_numbers_fit_whatever_the_sites_are_called():
    tally = Tally(10**6, 10**6, 10**6, 10**15)
    most = Numbers(tally, tally, [(LONG, tally)] * 5, [(2**52, tally)] * 5, [("<b>", 10**6)] * 5)
    plain, _ = styled(past_words.numbers(most))
    assert utf16_units(plain) <= MAX_TEXT_UNITS
    none = past_words.numbers(Numbers(Tally(), Tally(), [], [], []))
    assert "0 links, 0 delivered, 0 did not work, 0 MB" in none
    assert "Sites" not in none
    unread = Numbers(tally, tally, [("", Tally(1))], [], [])
    assert "never read: 1 link" in past_words.numbers(unread)
