"""A file id becomes what Telegram is asked for; one that somebody has made up harms nobody."""

import base64
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Menu, Request
from userbot.domain.media import Extraction, MediaKind
from userbot.errors import FileRefusedError
from userbot.telegram import failures, keyboards, media, texts

DOCUMENT = SimpleNamespace(dc_id=2, id=-5, access_hash=2**63 - 1, file_reference=b"\0ref\xff")
CHOICES = (Choice(MediaKind.VIDEO, ("1",), 720), Choice(MediaKind.AUDIO, ("2",)))
PAGE = Extraction("Site", "1", "A title", "https://a.example/", (), "")
JOB = Job(JobId("0123abcd"), Request(1, 2, 3, is_group=False), "https://a.example/")


def rows(menu):
    markup = keyboards.for_view(JOB, menu)
    assert markup
    return [
        [(button.text, button.callback_data) for button in row] for row in markup.inline_keyboard
    ]


@pytest.mark.parametrize("kind", MediaKind)
def test_a_file_id_names_the_document_it_was_made_of(kind):
    document = media.known(media.file_id(DOCUMENT, kind)).id
    assert (document.id, document.access_hash) == (DOCUMENT.id, DOCUMENT.access_hash)
    assert document.file_reference == DOCUMENT.file_reference


@tries(100)
@given(
    st.text(max_size=80)
    | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="))
)
def test_what_is_no_file_id_is_refused(text):
    try:
        media.known(text)
    except FileRefusedError as error:
        assert error.code == "FILE_ID_INVALID"


@pytest.mark.parametrize(
    "code", ["FILE_REFERENCE_EXPIRED", "FILE_REFERENCE_0_EXPIRED", "FILE_ID_INVALID", "MEDIA_EMPTY"]
)
def test_what_telegram_says_of_old_ids_is_about_the_file(code):
    assert isinstance(failures.failure(code), FileRefusedError)


def test_what_is_there_already_has_a_flash_and_can_be_had_anew():
    quality, audio, fresh, _cancel = (
        button for row in rows(Menu(PAGE, CHOICES, frozenset({0}))) for button in row
    )
    assert quality == ("⚡ 720p", "q:0123abcd:0")
    assert audio[0] == "🎵 Audio"
    assert fresh == (texts.FRESH_COPY, "f:0123abcd")


def test_a_menu_where_nothing_is_there_says_nothing_of_it():
    words = [text for row in rows(Menu(PAGE, CHOICES)) for text, _ in row]
    assert words == ["720p", "🎵 Audio", "Cancel"]


def test_the_menu_for_a_fresh_copy_looks_different_and_its_buttons_say_so():
    menu = Menu(PAGE, CHOICES, is_fresh=True)
    assert texts.view(menu) != texts.view(Menu(PAGE, CHOICES))
    assert [data for row in rows(menu) for _, data in row][:2] == ["f:0123abcd:0", "f:0123abcd:1"]
