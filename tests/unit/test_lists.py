"""/queue: what each line says, and how pages are cut and turned."""

import itertools
from datetime import UTC, datetime

import pytest

from userbot import errors
from userbot.domain.jobs import (
    Job,
    JobId,
    Looking,
    Progress,
    Request,
    Retrying,
    Stage,
    Waiting,
    WaitingForDisk,
    Working,
)
from userbot.domain.records import JobState, JobSummary
from userbot.telegram import keyboards
from userbot.telegram.callbacks import unpack
from userbot.telegram.lists import PAGE_SIZE, Listed, Page, listing
from userbot.telegram.markup import styled, utf16_units

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB = 11, 12


def summary(number=1, state=JobState.QUEUED, *, user=ANN, title="Boats", is_claimed=False):
    job = Job(JobId(f"{number:08x}"), Request(user, 1, user, False), "http://x/boats")
    return JobSummary(job, state, NOW, NOW, None, False, is_claimed, title, None, None)


def one(job, view=None, place=None, asker=ANN):
    return listing(Page(asker, 0, 1, (Listed(1, job, view, place),)))


def page(number, total, title="Boats"):
    numbers = range(number * PAGE_SIZE + 1, min((number + 1) * PAGE_SIZE, total) + 1)
    jobs = tuple(Listed(each, summary(each, title=title), None, each) for each in numbers)
    return Page(ANN, number, total, jobs)


def buttons(shown):
    markup = keyboards.for_list(shown)
    return [button for row in (markup.inline_keyboard if markup else []) for button in row]


@pytest.mark.parametrize(
    ("job", "view", "place", "text"),
    [
        (summary(), Waiting("Boats", 2, 170), 2, "2nd in line, about 3 min"),
        (summary(), Waiting("Boats", 5, 170), 2, "2nd in line"),  # not told yet
        (summary(), None, 1, "1st in line"),
        (summary(), None, None, "waiting"),
        (summary(), WaitingForDisk("Boats", 10**9), 3, "waiting for disk space"),
        (summary(), Retrying(errors.SiteDownError(), 30), None, "trying again soon"),
        (summary(state=JobState.NEW), None, None, "to be looked at"),
        (summary(state=JobState.NEW, is_claimed=True), Looking(), None, "looking at the link"),
        (summary(state=JobState.OFFERED), None, None, "pick a quality"),
        (summary(state=JobState.SENDING), None, None, "being sent"),
        (summary(is_claimed=True), None, None, "at work"),
        (
            summary(is_claimed=True),
            Working("Boats", Progress(Stage.DOWNLOAD, 37, 100)),
            None,
            "downloading 37 %",
        ),
        (
            summary(is_claimed=True),
            Working("Boats", Progress(Stage.DOWNLOAD, 37)),
            None,
            "downloading",
        ),
        (
            summary(state=JobState.FETCHED, is_claimed=True),
            Working("Boats", Progress(Stage.UPLOAD, 5, 100)),
            None,
            "uploading 5 %",
        ),
        (
            summary(is_claimed=True),
            Working("Boats", Progress(Stage.MERGE)),
            None,
            "putting picture and sound together",
        ),
    ],
)
def test_a_line_tells_how_far_a_job_is(job, view, place, text):
    assert one(job, view, place) == f"1. Boats · {text}"


@pytest.mark.parametrize("state", [s for s in JobState if s.value not in ("delivered", "failed")])
def test_every_open_state_has_words(state):
    if state not in (JobState.CANCELLED, JobState.EXPIRED):
        assert one(summary(state=state)).startswith("1. Boats · ")


def test_a_job_without_a_title_is_named_by_its_link():
    assert one(summary(title=None)).startswith("1. http://x/boats · ")


def test_whose_a_link_is_is_told_to_others_only():
    assert str(ANN) not in one(summary())
    assert f"<code>{ANN}</code>" in one(summary(), asker=BOB)


def test_an_empty_list_says_so_and_has_no_buttons():
    empty = Page(ANN, 0, 0, ())
    assert listing(empty) == "Nothing is waiting. Send me a link."
    assert keyboards.for_list(empty) is None


@pytest.mark.parametrize(
    ("number", "total", "turns"),
    [(0, 8, []), (0, 9, ["›"]), (1, 9, ["‹"]), (1, 24, ["‹", "›"]), (2, 24, ["‹"])],  # noqa: RUF001
)
def test_pages_are_turned_where_there_are_more(number, total, turns):
    shown = page(number, total)
    labels = [button.text for button in buttons(shown)]
    count = len(shown.jobs)
    first = number * PAGE_SIZE + 1
    assert labels[:count] == [f"Cancel {each}" for each in range(first, first + count)]
    assert labels[count:] == turns
    heading = f"<b>{total} open links</b>, page {number + 1} of {-(-total // PAGE_SIZE)}\n"
    assert listing(shown).startswith(heading) is (total > PAGE_SIZE)


def test_every_button_of_a_list_is_understood_and_its_own():
    packed = [button.callback_data for button in buttons(page(1, 24))]
    presses = [unpack(data.encode()) for data in packed if isinstance(data, str)]
    assert None not in presses
    assert all(a != b for a, b in itertools.combinations(presses, 2))


def test_the_longest_page_fits_and_a_title_opens_no_tag():
    text = listing(page(0, 9999, title="<b>😀" * 500))
    plain, entities = styled(text)
    assert utf16_units(plain) <= 4096
    assert len(entities) == 1
