"""All that the bot can say: nothing is missing, too long, or in words that only we understand."""

import re
import typing
from pathlib import Path

import pytest

from userbot import errors
from userbot.domain.choices import Choice
from userbot.domain.jobs import (
    Cancelled,
    Chosen,
    Expired,
    Failed,
    Job,
    JobId,
    Looking,
    Menu,
    Paused,
    Progress,
    Remedy,
    Request,
    Retrying,
    Stage,
    View,
    Waiting,
    WaitingForDisk,
    Working,
)
from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, MediaFile, MediaKind
from userbot.domain.urls import LinkProblem
from userbot.telegram import decision_words, keyboards, problems, settings_words, texts
from userbot.telegram.markup import styled, utf16_units
from userbot.telegram.views import STAGES

MAX_TEXT_UNITS = 4096
MAX_POPUP_CHARACTERS = 200  # https://core.telegram.org/bots/api#answercallbackquery
MAX_SENTENCE = 140
JARGON = re.compile(
    r"\b(timeout|timed out|HTTP|\d{3} error|null|None|exception|extractor|error|traceback|errno"
    r"|codec|format|bitrate|stream copy|worker|process|database|API|token|proxy|cookies?|yt-dlp"
    r"|ffmpeg|metadata|payload|request|response|server error|disk quota|invalid|retry|abort(ed)?"
    r"|media|upload failed|job|queue|parse|fatal)\b"
)
LONG = "<b>😀&" * 1000
EXTRACTION = Extraction("generic", "1", LONG, "http://x", (), "{}", LONG, 605.0)
FILE = MediaFile(MediaKind.VIDEO, Path("/x"), 10, 1.0, 2, 2, True, "video/mp4", True, LONG)
JOB = Job(JobId("0123abcd"), Request(1, 2, 3, False), "http://x")
VIEWS: dict[type, list[View]] = {
    Looking: [Looking()],
    Menu: [Menu(EXTRACTION, (Choice(MediaKind.VIDEO, ("1",), 720),))],
    Chosen: [Chosen(LONG, Choice(MediaKind.VIDEO, ("1",), 720, size_bytes=10**8))],
    Waiting: [Waiting(LONG, 12, 500)],
    WaitingForDisk: [WaitingForDisk(LONG, 1_200_000_000)],
    Working: [Working(LONG, Progress(stage, 1, 2, 3, True)) for stage in Stage],
    Retrying: [Retrying(errors.SiteDownError(), 30)],
    Paused: [Paused()],
    Failed: [Failed(errors.RemovedError(), JOB.id, JOB.url, tuple(Remedy))],
    Cancelled: [Cancelled()],
    Expired: [Expired(LONG)],
}
SAMPLES = {int: 2_000_000, float: 60.0, str: "MEDIA_EMPTY"}


def all_errors(kind: type[errors.UserbotError] = errors.UserbotError):
    return [kind, *(each for child in kind.__subclasses__() for each in all_errors(child))]


def made(kind: type[errors.UserbotError]) -> errors.UserbotError:
    if kind is errors.NoRightError:
        return kind("CHAT_SEND_VIDEOS_FORBIDDEN", "videos")
    hints = typing.get_type_hints(kind.__init__)
    hints.pop("return", None)
    return kind(*(SAMPLES.get(hint) for hint in hints.values()))


def fixed_words(module) -> dict[str, str]:
    words = {name: value for name, value in vars(module).items() if name.isupper()}
    return {name: value for name, value in words.items() if isinstance(value, str)}


TEXTS = fixed_words(texts)
FIXED = {**TEXTS, **fixed_words(settings_words), **decision_words.USAGE}
POPUPS = {name: text for name, text in TEXTS.items() if name.startswith(("PRESS_", "OWNER_"))}


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_one_plain_sentence(kind):
    for sentence in (texts.problem(made(kind)), problems.hiccup(made(kind))):
        assert re.fullmatch(r"[A-Z][^<>&\n]+[.!]", sentence)
        assert len(sentence) < MAX_SENTENCE
        assert not JARGON.search(sentence), sentence


@pytest.mark.parametrize("problem", LinkProblem)
def test_every_problem_of_a_link_has_one_plain_sentence(problem):
    sentence = texts.problem(errors.LinkRefusedError(problem))
    assert len(sentence) < MAX_SENTENCE
    assert not JARGON.search(sentence)


def test_no_two_links_are_refused_in_the_same_words():
    said = {texts.problem(errors.LinkRefusedError(problem)) for problem in LinkProblem}
    assert len(said) > len(LinkProblem) // 2


@pytest.mark.parametrize("kind", typing.get_args(View), ids=lambda kind: kind.__name__)
def test_every_view_has_words_that_fit_whatever_the_title_is(kind):
    for shown in VIEWS[kind]:
        text = texts.view(shown)
        plain, _ = styled(text)
        assert utf16_units(plain) <= texts.MAX_CAPTION_UNITS  # a menu may be under a picture
        assert not JARGON.search(plain)
        assert text.count("<b>") == text.count("</b>") <= 1


def test_every_stage_has_a_name():
    assert set(STAGES) == set(Stage)


@pytest.mark.parametrize("name", FIXED)
def test_fixed_words_fit_and_are_plain(name):
    plain, _ = styled(FIXED[name])
    assert 0 < utf16_units(plain) <= MAX_TEXT_UNITS
    assert not JARGON.search(plain.replace("/queue", "")), plain


@pytest.mark.parametrize("name", POPUPS)
def test_what_pops_up_fits(name):
    assert len(POPUPS[name]) <= MAX_POPUP_CHARACTERS
    assert POPUPS[name] == styled(POPUPS[name])[0]  # no styles in a pop-up


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(MAX_UPLOAD_BYTES + 1, "2.10 GB"), (2_140_000_000, "2.14 GB"), (5_000_000_000, "5.0 GB")],
)
def test_what_is_too_big_reads_larger_than_the_limit(size_bytes, words):
    said = texts.problem(errors.TooLargeError(size_bytes, MAX_UPLOAD_BYTES))
    assert said == f"This video is too big: {words}, but Telegram takes up to 2 GB."


def test_a_stranger_reads_their_number():
    assert "8589934592" in texts.refusal(8589934592)


@pytest.mark.parametrize("kind", typing.get_args(View), ids=lambda kind: kind.__name__)
def test_every_open_view_can_be_cancelled_and_no_ended_one(kind):
    markup = keyboards.for_view(JOB, VIEWS[kind][0])
    labels = [button.text for row in (markup.inline_keyboard if markup else []) for button in row]
    assert (labels[-1:] == ["Cancel"]) is (kind not in (Failed, Cancelled, Expired))
    assert all(len(label) <= 30 for label in labels)


def test_a_failed_job_offers_what_helps_at_most_two_in_a_row():
    markup = keyboards.for_view(JOB, VIEWS[Failed][0])
    assert markup is not None
    assert [[button.text for button in row] for row in markup.inline_keyboard] == [
        ["Try again", "Other quality"],
        ["Audio only", "Tell the owner"],
    ]
    assert keyboards.for_view(JOB, Failed(errors.PrivateError(), JOB.id, JOB.url)) is None


def test_an_expired_menu_can_be_shown_again():
    markup = keyboards.for_view(JOB, Expired("Boats"))
    assert markup is not None
    assert [button.text for row in markup.inline_keyboard for button in row] == [
        "Show the menu again"
    ]
