"""Whatever a title or a name says, it is said as text: no style, no link, nothing cut in two."""

import dataclasses
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from tests.unit.test_texts import FILE
from userbot.domain.history import HistoryItem
from userbot.domain.jobs import (
    Expired,
    Job,
    JobId,
    Menu,
    Progress,
    Request,
    Stage,
    View,
    Waiting,
    WaitingForDisk,
    Working,
)
from userbot.domain.media import Extraction
from userbot.domain.records import JobState, JobSummary
from userbot.services.history import HistoryPage
from userbot.telegram import past_words, texts
from userbot.telegram.figures import cut
from userbot.telegram.lists import MAX_NAME_UNITS, Listed, Page, listing
from userbot.telegram.markup import styled, utf16_units
from userbot.telegram.views import MAX_TITLE_UNITS

bounded = tries(200)

MAX_TEXT_UNITS = 4096  # https://core.telegram.org/api/config#message-length-limit
NOW = datetime(2026, 11, 22, tzinfo=UTC)
HOSTILE = st.sampled_from(
    [
        *("<b>", "</b>", "<a href='tg://user?id=1'>", '<a href="http://x">', "</a>", "&lt;b&gt;"),
        *("&amp;lt;", "&#60;b&#62;", "<pre>", "**", "__", "[x](http://y)", "\u202e", "\u200b"),
        *("\U0001f600", "e\u0301", "\U0001f1e9\U0001f1ea", "\n", "\0", "a", " ", '"', "'"),
    ]
)
TITLES = st.lists(HOSTILE, max_size=60).map("".join) | st.text(max_size=1500)


def checked(markup: str, said: str) -> list[tuple[int, int]]:
    """Check that a message says `said` as it is; return where its styles are."""
    plain, entities = styled(markup)
    assert said in plain
    units = plain.encode("utf-16-le")
    assert len(units) // 2 <= MAX_TEXT_UNITS
    for entity in entities:
        assert entity.offset >= 0
        assert 0 < entity.length <= len(units) // 2 - entity.offset
        units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")
        assert entity.url is None
    return [(entity.offset, entity.length) for entity in entities]


@bounded
@given(TITLES, st.text(max_size=700))
def test_a_caption_has_one_style_at_most_and_fits(title, link):
    caption = texts.caption(dataclasses.replace(FILE, title=title), link)
    plain, entities = styled(caption)
    assert utf16_units(plain) <= texts.MAX_CAPTION_UNITS
    said = cut(title, texts.MAX_CAPTION_UNITS - utf16_units(link) - 2)
    assert len(checked(caption, said if len(link) <= 512 else "")) <= 1
    assert all(entity.offset == 0 for entity in entities)


def views_of(title: str) -> list[View]:
    extraction = Extraction("generic", "1", title, "http://x", (), "{}", title or None, 605.0)
    return [
        Menu(extraction, ()),
        Waiting(title, 3, 60.0),
        WaitingForDisk(title, 10**9),
        Working(title, Progress(Stage.DOWNLOAD, 1, 2, 3.0)),
        Expired(title),
    ]


@bounded
@given(TITLES)
def test_a_status_message_has_one_style_at_most(title):
    for view in views_of(title):
        assert len(checked(texts.view(view), cut(title, MAX_TITLE_UNITS))) <= 1, view


@bounded
@given(TITLES, st.text(min_size=1, max_size=300))
def test_lists_and_histories_style_their_heads_alone(title, url):
    job = Job(JobId("0123abcd"), Request(1, 2, 3, is_group=False), url)
    summary = JobSummary(job, JobState.QUEUED, NOW, NOW, None, False, False, title, None, None)
    listed = listing(Page(3, 0, 1, (Listed(1, summary, None, None),)))
    name = cut(title or url, MAX_NAME_UNITS)
    assert checked(listed, name) == []
    item = HistoryItem(job.id, 3, 3, url, JobState.FAILED, NOW, title=title)
    shown = past_words.page(HistoryPage(3, 0, (item,), has_more=False))
    assert [offset for offset, _ in checked(shown, name)] == [0]
