"""What a worker learns from a page: real yt-dlp, the loopback video site, nothing in between."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from yt_dlp.extractor.common import InfoExtractor

from tests import video_site
from tests.video_site import VideoSite
from tests.video_site.catalogue import HOSTILE_TITLES
from userbot import errors
from userbot.domain.calls import ExtractCall
from userbot.domain.choices import choices_for
from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, MediaKind
from userbot.worker.calls import run
from userbot.worker.extract import find_video
from userbot.worker.options import VendorLog, open_downloader

pytestmark = pytest.mark.asyncio(loop_scope="module")

Extract = Callable[..., Coroutine[Any, Any, Extraction]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running_site(request: pytest.FixtureRequest) -> AsyncIterator[VideoSite]:
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(running_site: VideoSite) -> VideoSite:
    await running_site.reset()
    return running_site


@pytest.fixture
def extract(site: VideoSite, tmp_path: Path) -> Extract:
    async def extract(name: str, **query: str | int) -> Extraction:
        call = ExtractCall(site.url_of(name, **query), tmp_path)
        found = await asyncio.to_thread(run, call, lambda progress: None)
        assert isinstance(found, Extraction)
        return found

    return extract


async def test_a_page_with_several_qualities(extract, tmp_path):
    found = await extract("page")
    assert (found.title, found.extractor) == ("Harbour at dawn", "HTML5MediaEmbed")
    assert {item.height for item in found.formats} >= {240, 360, 480, 720}
    assert all(item.is_size_exact and item.size_bytes for item in found.formats)
    assert found.cover == tmp_path / "cover.jpg"
    with Image.open(found.cover) as cover:
        assert (cover.format, max(cover.size)) == ("JPEG", 640)
    best, *_, audio = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)
    assert (best.height, best.is_size_exact, audio.kind) == (720, True, MediaKind.AUDIO)


async def test_a_direct_link_has_its_size_and_nothing_else(extract, site):
    found = await extract("progressive")
    (item,) = found.formats
    assert item.size_bytes == site.file_of("progressive").stat().st_size
    assert (item.video_codec, item.audio_codec, item.height) == ("", "", None)
    assert (found.title, found.cover, found.duration_s) == ("progressive", None, None)


async def test_a_link_to_sound_has_no_picture(extract):
    for name in ("mp3", "m4a"):
        (item,) = (await extract(name)).formats
        assert (item.has_video, item.has_audio) == (False, True)


@pytest.mark.parametrize("name", ["hls", "hls_fmp4", "dash"])
async def test_streams_have_a_length_and_therefore_sizes(extract, name):
    found = await extract(name)
    assert found.duration_s == pytest.approx(10, abs=0.5)
    videos = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[:-1]
    assert [choice.height for choice in videos] == [720, 480, 240]
    for choice in videos:
        assert choice.size_bytes
        assert not choice.is_size_exact
        assert len(choice.format_ids) == 2


async def test_a_page_of_json_ld_tells_its_length(extract):
    found = await extract("json_ld")
    assert found.duration_s == 10
    assert found.cover is not None


@pytest.mark.parametrize("name", ["thumbnail_webp", "thumbnail_png"])
async def test_a_cover_of_another_kind_becomes_a_jpeg(extract, name):
    cover = (await extract(name)).cover
    assert cover is not None
    assert cover.read_bytes().startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize("name", ["thumbnail_huge", "thumbnail_broken", "thumbnail_missing"])
async def test_a_cover_that_is_none_hurts_nobody(extract, name, tmp_path):
    found = await extract(name)
    assert found.cover is None
    assert len(found.formats) >= 4
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gallery", errors.PlaylistError),
        ("feed", errors.PlaylistError),
        ("live", errors.LiveError),
        ("drm", errors.DrmError),
        ("no_video", errors.NoVideoError),
        ("unauthorized", errors.LoginNeededError),
        ("forbidden", errors.ForbiddenError),
        ("not_found", errors.RemovedError),
        ("gone", errors.RemovedError),
        ("too_many_requests", errors.RateLimitedError),
        ("server_error", errors.SiteDownError),
        ("unavailable", errors.SiteDownError),
        ("redirect_loop", errors.SiteDownError),
        ("endless_page", errors.NoVideoError),
        ("huge_page", errors.NoVideoError),
        ("gzip_bomb", errors.NoVideoError),
    ],
)
async def test_a_page_without_a_video_to_give_is_an_error(extract, name, expected):
    with pytest.raises(errors.SourceError) as caught:
        await extract(name)
    assert type(caught.value) is expected
    assert len(caught.value.detail) <= 500


async def test_a_site_that_is_not_there_is_down(tmp_path):
    with pytest.raises(errors.SiteDownError):
        await asyncio.to_thread(run, ExtractCall("http://127.0.0.1:1/x", tmp_path), print)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://127.0.0.1/x",
        "file:///etc/passwd",
        "nonsense",
        "ytsearch:boats",
        "http://",
        "http://[::1/x",
        "http://%zz/",
        "http://a..b/",
        "http://a\u202e.example/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/\ud800",
    ],
)
async def test_what_is_no_web_link_is_unsupported(url, tmp_path):
    with pytest.raises(errors.UnsupportedError):
        await asyncio.to_thread(run, ExtractCall(url, tmp_path), print)


@pytest.mark.parametrize("path", ["/media/thumbnail.jpg", "/media/subtitles.vtt"])
async def test_a_link_to_something_else_is_no_video(site, path, tmp_path):
    with pytest.raises(errors.NoVideoError):
        await asyncio.to_thread(run, ExtractCall(site.url + path, tmp_path), print)


async def test_a_link_cannot_speak_to_extractors(site, tmp_path):
    note = "#__youtubedl_smuggle=%7B%22force_videoid%22%3A+%22mine%22%7D"
    call = ExtractCall(site.url_of("progressive") + note, tmp_path)
    found = await asyncio.to_thread(run, call, print)
    assert isinstance(found, Extraction)
    assert found.media_id == "progressive"


async def test_redirects_are_followed(extract):
    assert (await extract("redirect_chain")).title == "progressive"


@pytest.mark.parametrize("name", sorted(HOSTILE_TITLES))
async def test_hostile_titles_are_one_bounded_visible_line(extract, name, tmp_path):
    found = await extract(f"hostile_{name}")
    assert 1 <= len(found.title) <= 300
    assert not set(found.title) & set("\r\n\t\x0b\u2028\u202e\u202c\u2066\u2069\u200f\u200b")
    assert {path.name for path in tmp_path.iterdir()} <= {"cover.jpg"}


async def test_the_record_holds_what_a_download_needs_and_no_more(extract):
    record = json.loads((await extract("needs_referer")).info_json)
    assert "Referer" in record["http_headers"] or "Referer" in record["formats"][0]["http_headers"]
    assert not {"requested_formats", "requested_downloads", "cookies"} & set(record)


async def test_a_page_tells_which_links_led_to_it(extract, site):
    target = site.url_of("page")
    found = await extract("redirect", to=target)
    assert found.links == (site.url_of("redirect", to=target), target)
    assert (await extract("page")).links == (target,)


class Retelling(InfoExtractor):  # type: ignore[misc]  # yt_dlp has no types
    """A page that gives a video of elsewhere a title of its own."""

    _VALID_URL = r"https://tales\.example/(?P<id>\d+)"
    of: str

    def _real_extract(self, url):
        title = f"Tale {self._match_id(url)}"
        return {"_type": "url_transparent", "url": self.of, "title": title}


async def test_what_a_page_makes_of_a_video_of_elsewhere_is_not_said_of_that_video(site, tmp_path):
    link = "https://tales.example/7"
    with open_downloader(tmp_path, None, VendorLog(), format="best") as ydl:
        ydl.add_info_extractor(tale := Retelling())
        tale.of = site.url_of("progressive")
        info = await asyncio.to_thread(find_video, ydl, link)
    assert info["title"] == "Tale 7"
    assert ydl.links == [link]
