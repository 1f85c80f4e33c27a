"""What a worker hands over is a file of its own folder, or the call has failed."""

import os
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from tests.integration.pool_calls import extraction, media_file, video
from userbot.domain.answers import MAX_RECORD_BYTES
from userbot.domain.calls import ExtractCall
from userbot.domain.media import Format, Growth, Thumbnail
from userbot.errors import TooLargeError, WorkerDiedError
from userbot.pool.findings import MAX_COVER_BYTES, Growing, check_answer

LIMIT = 10_000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "job"
    made.mkdir()
    return made


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "session"
    path.write_text("secret")
    return path


def test_a_file_of_the_folder_is_taken(folder):
    made, found = video(folder), extraction()
    assert checked(made, folder) == made
    assert checked(found, folder) == found


def checked(answer, folder):
    return check_answer(answer, ExtractCall("http://site.example/v", folder), LIMIT)


def refuse(answer, folder):
    with pytest.raises(WorkerDiedError):
        checked(answer, folder)


def test_a_second_name_of_another_file_is_refused(folder, outside):
    (folder / "video.mp4").hardlink_to(outside)
    refuse(media_file(folder / "video.mp4"), folder)


def test_a_link_to_another_file_is_refused(folder, outside):
    (folder / "cover.jpg").symlink_to(outside)
    refuse(extraction(cover=folder / "cover.jpg"), folder)


def test_what_is_no_file_is_refused(folder):
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    for name in ("pipe", "folder", "nothing"):
        refuse(extraction(cover=folder / name), folder)


@pytest.mark.parametrize("path", ["video.mp4", "/", "/proc/self/environ", "\0", "x" * 5000])
def test_a_path_of_another_place_is_refused(folder, path):
    refuse(extraction(cover=Path(path)), folder)


def test_a_file_is_named_by_no_way_that_may_lead_elsewhere_later(folder):
    made = video(folder)
    (folder / "sub").mkdir()
    (folder / "sub" / "cover.jpg").touch()
    for path in (folder / "sub" / "cover.jpg", folder / ".." / folder.name / "video.mp4"):
        refuse(extraction(cover=path), folder)
    here = os.open(folder, os.O_RDONLY)
    refuse(replace(made, path=Path(f"/proc/self/fd/{here}/video.mp4")), folder)
    os.close(here)


def test_one_file_grows_and_never_beyond_what_may_be_sent(folder):
    growing = Growing(folder, LIMIT)
    here, elsewhere = folder / "film.part", folder.parent / "session"
    assert not growing.takes(Growth(elsewhere, 1))
    for numbers in ((2**53,), (1, 2**53), (1, None, 2**53)):
        assert not growing.takes(Growth(here, *numbers))
    assert growing.takes(Growth(here, 1, None, 1))
    assert growing.takes(Growth(here, LIMIT, LIMIT))
    assert not growing.takes(Growth(folder / "other", 1))


def test_more_than_agreed_is_refused(folder):
    (folder / "video.mp4").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(TooLargeError):
        checked(media_file(folder / "video.mp4"), folder)


HIDING = "\u202egpj.exe\u200b\x1b[2J\ud800"


@pytest.mark.parametrize("ending", [".exe", ".html", ".MP4", ".mp4.js", "", ".\u202e4pm"])
def test_a_file_of_a_kind_that_no_call_makes_is_refused(folder, ending):
    (folder / f"x{ending}").write_bytes(b"MZ")
    refuse(media_file(folder / f"x{ending}"), folder)


def test_the_ending_tells_what_a_file_is(folder):
    made = replace(video(folder), mime_type="application/x-msdownload")
    assert checked(made, folder).mime_type == "video/mp4"


def test_texts_of_a_file_are_fit_to_show(folder):
    made = replace(video(folder), title=HIDING + "x" * 5_000_000, performer=HIDING * 100_000)
    fit = checked(made, folder)
    assert fit.title.startswith("gpj.exe[2Jxxx")
    assert (len(fit.title), len(fit.performer)) == (300, 100)
    assert checked(replace(made, title="\u200b"), folder).title == "video"


def test_numbers_of_a_file_are_ones_that_telegram_can_take(folder):
    most = 2**53
    fit = checked(replace(video(folder), duration_s=most, width=most, height=most), folder)
    assert fit.duration_s == 10_000_000
    assert (fit.width, fit.height) == (65_535, 65_535)


@pytest.mark.parametrize(
    ("name", "side", "size_bytes"),
    [("t.jpg", 321, 1), ("t.jpg", 0, 1), ("t.exe", 320, 1), ("t.jpg", 320, 200_001)],
)
def test_a_thumbnail_that_telegram_would_not_take_is_refused(folder, name, side, size_bytes):
    (folder / name).write_bytes(b"x" * size_bytes)
    refuse(replace(video(folder), thumbnail=Thumbnail(folder / name, 100, side)), folder)


def test_texts_of_an_extraction_are_fit_to_show(folder):
    form = Format("1", HIDING * 99, HIDING * 99, HIDING * 99, None)
    names = dict.fromkeys(("extractor", "media_id", "title", "channel"), HIDING * 1000)
    fit = checked(replace(extraction(), **names, formats=(form,), duration_s=2.0**53), folder)
    shown = [fit.extractor, fit.media_id, fit.title, fit.channel, *astuple(fit.formats[0])[1:4]]
    assert all(text.startswith("gpj.exe[2J") and len(text) <= 300 for text in shown)
    assert not set("".join(shown)) & set(HIDING[:1] + "\u200b\x1b\ud800")
    assert fit.duration_s == 10_000_000


@pytest.mark.parametrize(
    "url",
    [
        "http://user:word@site.example/",
        "http://site.example/\u202egpj.4pm",
        "http://site.example/" + "x" * 2048,
        "http://[site.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_hides_something_gives_way_to_the_link(folder, url):
    assert checked(replace(extraction(), page_url=url), folder).page_url == "http://site.example/v"


def test_an_extraction_is_bounded(folder):
    forms = (*(Format(str(n), "mp4", "http", "", "") for n in range(300)),)
    long = Format("x" * 501, "mp4", "http", "", "")
    fit = checked(replace(extraction(), formats=(*forms, long)), folder)
    assert fit.formats == forms[-200:]
    refuse(replace(extraction(), info_json="x" * (MAX_RECORD_BYTES + 1)), folder)
    (folder / "cover.jpg").write_bytes(bytes(MAX_COVER_BYTES + 1))
    refuse(extraction(cover=folder / "cover.jpg"), folder)
