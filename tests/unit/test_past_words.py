"""What /history, /mydata and /stats say fits, is plain, and shows no hostile markup."""

from datetime import UTC, datetime

import pytest

from tests.unit.test_words import (
    JARGON,
    LONG,
    MAX_POPUP_CHARACTERS,
    MAX_TEXT_UNITS,
    all_errors,
)
from userbot.domain.history import ErrorEntry, HistoryItem, Tally
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobState
from userbot.services.accounts import Forgotten
from userbot.services.history import PAGE_SIZE, HistoryPage
from userbot.services.usage_report import UsageReport
from userbot.telegram import keyboards, past_words, stats_words
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
    assert "owner" not in past_words.forgotten(Forgotten(0, 0))
    assert "my owner has decided" in past_words.forgotten(Forgotten(0, 1, is_decided=True))
    assert "1 link is still open" in past_words.forgotten(Forgotten(2, 1))
    assert "3 links are still open" in past_words.forgotten(Forgotten(2, 3))


def report(**values):
    nothing = dict.fromkeys(("days", "sites", "users", "errors", "last_errors"), ())
    return UsageReport(**{"today": Tally(), "week": Tally(), **nothing, **values})


def test_a_report_fits_whatever_the_sites_are_called():
    tally = Tally(10**6, 10**6, 10**6, 10**15)
    most = report(
        today=tally,
        week=tally,
        days=[(WHEN.date(), tally)] * 7,
        sites=[(LONG, tally)] * 5,
        users=[(2**52, tally)] * 5,
        errors=[("<b>", 10**6)] * 5,
        last_errors=[ErrorEntry(JobId("x"), 1, WHEN, LONG, LONG, LONG)] * 3,
    )
    plain, _ = styled(stats_words.report(most))
    assert utf16_units(plain) <= MAX_TEXT_UNITS


def test_a_report_says_what_there_is_in_plain_words():
    none = stats_words.report(report())
    assert "0 links, 0 delivered, 0 did not work, 0 MB" in none
    assert "Sites" not in none
    assert "went wrong" not in none
    error = ErrorEntry(JobId("x"), 1, WHEN, "SiteDownError", "youtube", "HTTP Error\n503")
    tally = Tally(2, 1, 1, 1_500_000)
    days, sites = [(WHEN.date(), tally)], [("", Tally(1))]
    some = report(days=days, sites=sites, errors=[(error.label, 2)], last_errors=[error])
    assert stats_words.report(some).splitlines()[4:-1] == [
        "<b>Day by day</b>",
        "2 Nov: 2 links, 1 delivered, 1 did not work, 1.5 MB",
        "<b>Sites</b>",
        "pages that I could not read: 1 link",
        "<b>What went wrong</b>",
        "the site did not answer properly: 2",
        "<b>The last of it</b>",
        "2 Nov 23:59, youtube: the site did not answer properly",
        "<code>HTTP Error 503</code>",
    ]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_plain_words_for_an_owner(kind):
    assert stats_words.trouble(kind.__name__) != kind.__name__
