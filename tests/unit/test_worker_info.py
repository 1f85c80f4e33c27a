"""How yt-dlp's record reads as domain values, and what of it is kept for the download."""

import json

import pytest

from userbot.domain.answers import MAX_FORMATS, MAX_RECORD_BYTES
from userbot.errors import BrokenMediaError, LiveError
from userbot.worker import info as infos
from userbot.worker.info import (
    extraction_of,
    formats_of,
    lacks_cookies,
    lacks_fragments,
    record_of,
    refuse_live,
)

URL = "https://site.example/watch"


def record(*formats, **more):
    return {"id": "7", "title": "Title", "extractor_key": "Site", "formats": list(formats)} | more


def form(format_id="f", **more):
    return {"format_id": format_id, "url": "https://cdn.example/f", "ext": "mp4"} | more


def test_codecs_say_whether_there_is_none_or_nobody_told():
    silent, unknown, song, direct_song = extraction_of(
        record(
            form(vcodec="avc1.64001f", acodec="none", protocol="https"),
            form(protocol="https"),
            form(vcodec="none", acodec="mp4a.40.2", protocol="https"),
            form(ext="mp3", acodec="mp3", protocol="https"),
        ),
        URL,
        None,
    ).formats
    assert (silent.video_codec, silent.audio_codec) == ("avc1.64001f", None)
    assert (unknown.video_codec, unknown.audio_codec) == ("", "")
    assert (song.video_codec, song.audio_codec) == (None, "mp4a.40.2")
    assert (direct_song.video_codec, direct_song.audio_codec) == (None, "mp3")


def test_sizes_are_exact_estimated_or_unknown():
    exact, estimated, unknown, absurd = extraction_of(
        record(
            form(filesize=10, filesize_approx=12),
            form(filesize_approx=12.7),
            form(),
            form(filesize=-1, filesize_approx=float("nan"), height="720", tbr=True),
        ),
        URL,
        None,
    ).formats
    assert (exact.size_bytes, exact.is_size_exact) == (10, True)
    assert (estimated.size_bytes, estimated.is_size_exact) == (12, False)
    assert (unknown.size_bytes, unknown.is_size_exact) == (None, False)
    assert (absurd.size_bytes, absurd.height, absurd.bitrate_kbps) == (None, None, None)


def test_a_language_nobody_named_ranks_as_yt_dlp_sorts_it():
    found = extraction_of(
        record(form(), form(language_preference=-1), form(language_preference=10)), URL, None
    )
    assert [item.language_rank for item in found.formats] == [-1, -1, 10]


def test_hdr_is_what_is_not_sdr():
    ranges = (None, "SDR", "HDR10", "HLG", "DV")
    found = extraction_of(record(*(form(dynamic_range=name) for name in ranges)), URL, None)
    assert [item.is_hdr for item in found.formats] == [False, False, True, True, True]


def test_separate_hls_sound_has_an_estimate_although_the_manifest_tells_none():
    (sound,) = extraction_of(record(form(vcodec="none", protocol="m3u8_native")), URL, None).formats
    assert sound.bitrate_kbps == 128


def test_pictures_and_storyboards_are_no_formats():
    kept = form("kept")
    info = record(
        form(ext="mhtml", protocol="mhtml"),
        form(vcodec="none", acodec="none"),
        form(ext="jpg"),
        kept,
    )
    assert formats_of(info) == [kept]
    assert json.loads(record_of(info))["formats"] == [kept]


def test_a_record_without_a_list_is_its_own_format():
    info = form("0") | {"id": "7", "title": "T"}
    assert [item.format_id for item in extraction_of(info, URL, None).formats] == ["0"]


def test_a_format_whose_name_is_endless_is_not_told_of():
    info = {"id": "1", "formats": [form("x" * 501), form("x" * 500)]}
    assert [len(item.format_id) for item in extraction_of(info, URL, None).formats] == [500]


def test_texts_have_fallbacks_and_bounds():
    bare = extraction_of(record(form(), id="", title="\u202e"), URL, None)
    assert (bare.title, bare.media_id, bare.channel, bare.page_url) == (
        "site.example",
        "",
        None,
        URL,
    )
    long = extraction_of(record(form(), title="x" * 999, uploader="y" * 999), URL, None)
    assert (len(long.title), len(long.channel or "")) == (300, 100)


def test_the_page_url_is_never_one_that_cannot_be_opened():
    info = record(form(), webpage_url="file:///etc/passwd")
    assert extraction_of(info, URL, None).page_url == URL
    info["webpage_url"] = "https://site.example/7"
    assert extraction_of(info, URL, None).page_url == "https://site.example/7"


def test_cookies_and_secret_headers_are_not_kept():
    headers = {"Cookie": "secret", "authorization": "secret", "Referer": URL}
    info = record(
        form(http_headers=headers, cookies="secret"), http_headers=headers, cookies="secret"
    )
    text = record_of(info)
    assert "secret" not in text
    (kept,) = json.loads(text)["formats"]
    assert kept["http_headers"] == {"Referer": URL}
    assert lacks_cookies(kept)
    assert not lacks_cookies(json.loads(record_of(record(form())))["formats"][0])
    assert headers["Cookie"] == "secret", "the record in use keeps what it needs"


def test_a_large_record_loses_first_what_a_download_can_do_without():
    fragments = [{"url": "u" * 100}] * 5
    dash = form(protocol="http_dash_segments", fragments=fragments)
    text = record_of(record(dash, subtitles={"en": ["x" * MAX_RECORD_BYTES]}))
    kept = json.loads(text)
    assert "subtitles" not in kept
    assert not lacks_fragments(kept["formats"][0])


def test_a_larger_one_loses_its_fragments_and_says_so():
    fragments = [{"url": "u" * 100}] * (MAX_RECORD_BYTES // 100)
    dash = form(protocol="http_dash_segments", fragments=fragments)
    (kept,) = json.loads(record_of(record(dash)))["formats"]
    assert lacks_fragments(kept)


def test_the_largest_and_the_deepest_are_refused():
    with pytest.raises(BrokenMediaError):
        record_of(record(form(), blob=["x" * (MAX_RECORD_BYTES + 1)]))
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"in": deep}
    with pytest.raises(BrokenMediaError):
        record_of(record(form(), deep=deep))


def test_a_title_of_megabytes_is_cut_and_an_address_is_not():
    info = record(
        form(), title="x" * (MAX_RECORD_BYTES + 1), webpage_url="http://x/" + "y" * 20_000
    )
    kept = json.loads(record_of(info))
    assert len(kept["title"]) == infos.MAX_TEXT_LENGTH
    assert len(kept["webpage_url"]) > 20_000


def test_ten_thousand_formats_are_cut_to_the_best():
    info = record(*(form(str(number)) for number in range(10_000)))
    kept = formats_of(info)
    assert len(kept) == MAX_FORMATS
    assert kept[-1]["format_id"] == "9999"


@pytest.mark.parametrize(
    "live", [{"is_live": True}, {"live_status": "is_live"}, {"live_status": "is_upcoming"}]
)
def test_what_is_live_or_to_come_is_refused(live):
    with pytest.raises(LiveError):
        refuse_live(record(form(), **live))
    refuse_live(record(form(), live_status="was_live"))
