"""What the bot says: short, plain, escaped, within Telegram's limits."""

import dataclasses
import html
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot import errors
from userbot.domain.choices import Choice
from userbot.domain.jobs import (
    Failed,
    JobId,
    Menu,
    Progress,
    Remedy,
    Retrying,
    Stage,
    Waiting,
    WaitingForDisk,
    Working,
)
from userbot.domain.media import Extraction, MediaFile, MediaKind
from userbot.telegram import figures, texts
from userbot.telegram.markup import styled, utf16_units

FILE = MediaFile(
    MediaKind.VIDEO, Path("/x.mp4"), 10, 1.0, 2, 2, True, "video/mp4", True, "Boats & gulls"
)
EXTRACTION = Extraction("generic", "1", "Boats <b>", "http://x", (), "{}", "Pier", 605.0)


def leaves(kind):
    found = [leaf for child in kind.__subclasses__() for leaf in leaves(child)]
    return found or [kind]


def test_an_error_of_the_site_never_shows_its_own_text():
    hostile = errors.UnsupportedError("Use --cookies http://user:pw@x <b>")
    shown = texts.view(Failed(hostile, JobId("0123abcd"), "http://x"))
    assert "cookies" not in shown


def test_a_number_for_the_owner_is_there_with_the_button_that_tells_them():
    failed = Failed(errors.SiteDownError("503"), JobId("0123abcd"), "http://x")
    assert "owner" not in texts.view(failed)
    told = replace(failed, remedies=(Remedy.TRY_AGAIN, Remedy.TELL_OWNER))
    assert texts.view(told).endswith("Number for my owner: <code>0123abcd</code>")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.StoreAwayError("mongodb://10.0.0.1 refused"), "try again in a minute"),
        (errors.DiskFullError(), "disk is full"),
        (errors.RestartingError(), "being restarted"),
        (errors.InfrastructureError(), "on my side"),
    ],
)
def test_whatever_is_wrong_with_the_bot_itself_is_one_plain_sentence(error, words):
    told = texts.problem(error)
    assert words in told
    assert "10.0.0.1" not in told


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(1, "1 kB"), (950_000, "950 kB"), (999_999, "1.0 MB"), (8_240_000, "8.2 MB"),
     (9_960_000, "10 MB"), (145_400_000, "145 MB"), (999_700_000, "1.0 GB"),
     (1_440_000_000, "1.4 GB"), (2_097_152_000, "2.1 GB")],
)  # fmt: skip
def test_sizes_are_written_as_people_do(size_bytes, text):
    assert figures.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.4, "0:07"), (245, "4:05"), (3723, "1:02:03")]
)
def test_durations_are_written_as_players_do(seconds, text):
    assert figures.duration(seconds) == text


def test_a_progress_line_tells_share_amount_speed_and_time_left():
    progress = Progress(Stage.DOWNLOAD, 54_000_000, 145_000_000, 6_100_000)
    lines = texts.view(Working("Boats", progress)).splitlines()
    assert lines == [
        "<b>Boats</b>",
        "Downloading 37 %  ▰▰▰▰▱▱▱▱▱▱",
        "54 of 145 MB · 6.1 MB/s · 15 s left",
    ]


def test_progress_without_a_total_tells_what_is_known():
    shown = texts.view(Working("Boats", Progress(Stage.DOWNLOAD, 54_000_000)))
    assert shown.endswith("Downloading …\n54 MB")
    assert texts.view(Working("Boats", Progress(Stage.MERGE))).endswith("together …")
    estimate = Progress(Stage.DOWNLOAD, 1, 145_000_000, is_estimate=True)
    assert "of about 145 MB" in texts.view(Working("Boats", estimate))


@pytest.mark.parametrize(
    ("left", "text"),
    [(0.2, "1 s"), (59.7, "1 min"), (300, "5 min"), (3590, "1 h"), (5400, "1.5 h"), (7200, "2 h")],
)
def test_time_left_is_rounded(left, text):
    progress = Progress(Stage.UPLOAD, 0, int(left * 1_000_000), 1_000_000)
    assert f"{text} left" in texts.view(Working("Boats", progress))


@pytest.mark.parametrize(
    ("position", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")],
)
def test_the_place_in_line_is_told(position, text):
    assert f"{text} in line, about 2 min" in texts.view(Waiting("Boats", position, 110))


def test_a_link_that_was_not_looked_at_has_a_place_and_no_title():
    assert texts.view(Waiting("", 3, None)) == "Waiting: 3rd in line"


def test_the_menu_tells_title_channel_and_duration_escaped():
    assert texts.view(Menu(EXTRACTION, ())) == "<b>Boats &lt;b&gt;</b>\nPier · 10:05"
    bare = dataclasses.replace(EXTRACTION, channel=None, duration_s=None)
    assert texts.view(Menu(bare, ())) == "<b>Boats &lt;b&gt;</b>"


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (Choice(MediaKind.VIDEO, ("1",), 1080, None, 145_000_000, True), "1080p · 145 MB"),
        (Choice(MediaKind.VIDEO, ("1",), 720, size_bytes=145_000_000), "720p · ~145 MB"),
        (Choice(MediaKind.VIDEO, ("1",), 1080, fps=60), "1080p60"),
        (Choice(MediaKind.VIDEO, ("1",), 720, fps=25), "720p"),
        (Choice(MediaKind.VIDEO, ("1",)), "Video"),
        (Choice(MediaKind.AUDIO, ("1",), size_bytes=2_000_000), "🎵 Audio · ~2.0 MB"),
    ],
)
def test_a_button_tells_quality_and_size(choice, text):
    assert texts.menu_button(choice) == text


def test_a_second_try_tells_why_and_when():
    retrying = texts.view(Retrying(errors.SiteDownError(), 30))
    assert retrying == "The site does not answer properly. Trying again in 30 s …"


def test_waiting_for_the_disk_tells_how_much_is_needed():
    shown = texts.view(WaitingForDisk("Boats", 1_234_000_000))
    assert shown == "<b>Boats</b>\nWaiting for disk space: needs about 1.2 GB"


def test_a_caption_is_the_title_and_the_link():
    assert texts.caption(FILE, "http://x/?a&b") == "<b>Boats &amp; gulls</b>\nhttp://x/?a&amp;b"


@tries(200)
@given(st.text(max_size=3000), st.text(max_size=3000))
def test_a_caption_always_fits_and_its_title_opens_no_tag(title, url):
    caption = texts.caption(dataclasses.replace(FILE, title=title), url)
    plain, entities = styled(caption)
    assert utf16_units(plain) <= texts.MAX_CAPTION_UNITS
    assert len(entities) <= 1
    assert caption.count("<") == 2


@tries(200)
@given(st.text(alphabet="a😀é", max_size=50), st.integers(1, 60))
def test_a_cut_never_splits_a_character(text, units):
    cut = figures.cut(text, units)
    assert utf16_units(cut) <= units
    assert cut == text or cut.endswith("…")
    cut.encode()


def test_markup_becomes_entities_counted_in_utf16_units():
    plain, entities = styled("<b>😀 &amp;amp; &lt;b&gt;</b>\n<code>0123abcd</code>")
    assert plain == "😀 &amp; <b>\n0123abcd"
    assert [(entity.offset, entity.length) for entity in entities] == [(0, 12), (13, 8)]


def test_an_empty_style_is_no_entity():
    assert styled("<b></b>x") == ("x", [])


def test_blocks_and_links_become_entities_too():
    plain, entities = styled('<a href="http://x/?a&amp;b">An&lt;n</a>\n<pre>1\n2</pre> end')
    assert plain == "An<n\n1\n2 end"
    link, block = entities
    assert (link.offset, link.length, link.url) == (0, 4, "http://x/?a&b")
    assert (block.offset, block.length, block.language) == (5, 3, "")


@tries(300)
@given(st.text(alphabet='<>/abpreco& ;"h=x😀', max_size=60))
def test_no_markup_raises_and_entities_stay_inside(markup):
    plain, entities = styled(markup)
    for entity in entities:
        assert entity.length > 0
        assert entity.offset + entity.length <= utf16_units(plain)


@tries(300)
@given(st.text(alphabet='<>/abpreco& ;"h=x😀', max_size=60))
def test_what_is_escaped_comes_out_as_it_was(text):
    assert styled(f"<pre>{html.escape(text)}</pre>")[0] == text
