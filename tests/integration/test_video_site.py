"""The video site itself: every legal link is taken by the real yt-dlp, every fault is real."""

import asyncio
import gc
import gzip
import http.client
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import av
import brotli
import imageio_ffmpeg
import pytest
import pytest_asyncio
import yt_dlp
from yt_dlp.utils import DownloadError

from tests import video_site
from tests.video_site import VideoSite
from tests.video_site.bodies import MIB
from tests.video_site.catalogue import HOSTILE_TITLES, LINKS
from tests.video_site.content import HUGE_PAGE_BYTES
from tests.video_site.packed import PART_BYTES, PARTS
from tests.video_site.recipes import Recipe
from tests.video_site.studio import RecipeError, make_media

pytestmark = pytest.mark.asyncio(loop_scope="module")

T = TypeVar("T")

FILES = (
    *("progressive", "moov_at_end", "webm", "silent", "mp3", "m4a"),
    *("four_by_three", "vertical", "anamorphic", "rotated"),
)
STREAM_HEIGHTS = {240, 480, 720}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running_site(request: pytest.FixtureRequest) -> AsyncIterator[VideoSite]:
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(running_site: VideoSite) -> VideoSite:
    await running_site.reset()
    return running_site


class _Silence:
    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


async def _extract(url: str, **options: Any) -> dict[str, Any]:
    def run() -> dict[str, Any]:
        with yt_dlp.YoutubeDL(_options(options)) as ydl:
            info: dict[str, Any] = ydl.sanitize_info(ydl.extract_info(url, download=False))
            return info

    return await asyncio.to_thread(_tidily, run)


async def _download(url: str, folder: Path, **options: Any) -> Path:
    options["outtmpl"] = {"default": str(folder / "out.%(ext)s")}

    def run() -> None:
        with yt_dlp.YoutubeDL(_options(options)) as ydl:
            ydl.extract_info(url)

    await asyncio.to_thread(_tidily, run)
    (file,) = (path for path in folder.iterdir() if path.stem == "out")
    return file


def _tidily(run: Callable[[], T]) -> T:
    """Run yt-dlp and close the connections it forgets, also those that an error holds."""
    results, failures = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            results.append(run())
        except DownloadError as error:
            failures.append(str(error))
        gc.collect()
    if failures:
        raise DownloadError(failures[0])
    return results[0]


def _options(more: dict[str, Any]) -> dict[str, Any]:
    return {
        "logger": _Silence(),
        "noprogress": True,
        "cachedir": False,
        "ffmpeg_location": shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe(),
        "proxy": "",
        "socket_timeout": 5,
        "retries": 2,
        "retry_sleep_functions": {"http": lambda n: 0, "fragment": lambda n: 0},
        **more,
    }


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes
    is_short: bool
    "The connection ended before the declared length."


async def _get(
    url: str,
    *,
    method: str = "GET",
    limit: int | None = None,
    headers: dict[str, str] | None = None,
) -> Got:
    return await asyncio.to_thread(_get_now, url, method, limit, headers or {})


def _get_now(url: str, method: str, limit: int | None, headers: dict[str, str]) -> Got:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=8)
    try:
        connection.request(
            method, parts.path + "?" + parts.query, headers={"Connection": "close", **headers}
        )
        response = connection.getresponse()
        try:
            body, is_short = response.read(limit), False
        except http.client.IncompleteRead as error:
            body, is_short = error.partial, True
        found = {name.lower(): value for name, value in response.getheaders()}
        return Got(response.status, found, body, is_short)
    finally:
        connection.close()


@dataclass(frozen=True)
class Probe:
    duration_s: float
    codecs: set[str]
    width: int
    height: int
    sample_aspect: float
    rotation: int


def _probe(path: Path) -> Probe:
    with av.open(str(path)) as container:
        assert container.duration is not None
        duration_s = container.duration / 1_000_000
        codecs = {stream.codec_context.name for stream in container.streams}
        if not container.streams.video:
            return Probe(duration_s, codecs, 0, 0, 1, 0)
        frame = next(container.decode(video=0))
        shape = container.streams.video[0].sample_aspect_ratio
        return Probe(
            duration_s,
            codecs,
            frame.width,
            frame.height,
            float(shape or 1),
            frame.rotation,
        )


# files


@pytest.mark.parametrize("name", FILES)
async def test_a_direct_link_is_downloaded_as_it_is(site: VideoSite, name: str, tmp_path: Path):
    file = await _download(site.url_of(name), tmp_path)
    assert file.read_bytes() == site.file_of(name).read_bytes()
    assert file.suffix == site.file_of(name).suffix


async def test_the_files_are_what_their_names_say(site: VideoSite):
    probes = {name: _probe(site.file_of(name)) for name in (*FILES, "medium")}
    assert probes["progressive"].codecs == {"h264", "aac"}
    assert probes["progressive"].duration_s == pytest.approx(10, abs=0.2)
    assert probes["medium"].duration_s == pytest.approx(60, abs=0.2)
    assert probes["silent"].codecs == {"h264"}
    assert probes["webm"].codecs == {"libvpx-vp9", "libopus"} or "vp9" in probes["webm"].codecs
    assert (probes["mp3"].height, probes["m4a"].height) == (0, 0)
    assert (probes["four_by_three"].width, probes["four_by_three"].height) == (320, 240)
    assert (probes["vertical"].width, probes["vertical"].height) == (240, 426)
    assert probes["anamorphic"].sample_aspect == pytest.approx(16 / 11)
    assert abs(probes["rotated"].rotation) == 90
    assert probes["progressive"].rotation == 0


async def test_moov_stands_where_the_names_say(site: VideoSite):
    first, last = (site.file_of(name).read_bytes() for name in ("progressive", "moov_at_end"))
    assert first.index(b"moov") < first.index(b"mdat")
    assert last.index(b"mdat") < last.index(b"moov")
    assert 25 * MIB < site.file_of("medium").stat().st_size < 35 * MIB


async def test_a_big_file_of_any_size_is_a_video_with_real_content(site: VideoSite, tmp_path: Path):
    file = await _download(site.url_of("big", size=40), tmp_path)
    assert file.stat().st_size == 40 * MIB
    assert _probe(file).duration_s == pytest.approx(10, abs=0.2)
    with av.open(str(file)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 250
        assert sum(len(bytes(packet)) for packet in _packets(container)) > 38 * MIB


def _packets(container: av.container.InputContainer) -> Iterator[Any]:
    container.seek(0)
    return container.demux(video=0)


async def test_a_big_file_is_not_stored_and_any_part_of_it_can_be_read(site: VideoSite):
    url = site.url_of("big", size=2100)
    assert (await _get(url, method="HEAD")).headers["content-length"] == str(2100 * MIB)
    tail = await _get(url, headers={"Range": "bytes=-5"})
    assert (tail.status, len(tail.body), tail.body[-1:]) == (206, 5, b"\x80")
    small = (await _get(site.url_of("big", size=5))).body
    middle = await _get(site.url_of("big", size=5), headers={"Range": "bytes=1230000-4000000"})
    assert middle.body == small[1_230_000:4_000_001]
    assert [(await _get(site.url_of("big", size=size))).status for size in (2, 3001)] == [400, 400]


# ranges


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-199", slice(100, 200)),
        ("bytes=2000000-", slice(2_000_000, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=0-999999999", slice(0, None)),
    ],
)
async def test_a_range_is_that_part_of_the_file(site: VideoSite, asked: str, expected: slice):
    whole = site.file_of("progressive").read_bytes()
    got = await _get(site.url_of("progressive"), headers={"Range": asked})
    assert (got.status, got.body) == (206, whole[expected])
    first = expected.indices(len(whole))[0]
    assert got.headers["content-range"] == (
        f"bytes {first}-{first + len(got.body) - 1}/{len(whole)}"
    )


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=-"])
async def test_an_odd_range_is_answered_with_everything(site: VideoSite, asked: str):
    got = await _get(site.url_of("m4a"), headers={"Range": asked})
    assert (got.status, got.body) == (200, site.file_of("m4a").read_bytes())


async def test_a_range_beyond_the_end_is_refused(site: VideoSite):
    size = site.file_of("m4a").stat().st_size
    got = await _get(site.url_of("m4a"), headers={"Range": f"bytes={size}-"})
    assert (got.status, got.headers["content-range"]) == (416, f"bytes */{size}")


async def test_if_range_with_an_old_tag_gets_everything(site: VideoSite):
    tag = (await _get(site.url_of("m4a"), method="HEAD")).headers["etag"]
    fresh = await _get(site.url_of("m4a"), headers={"Range": "bytes=5-9", "If-Range": tag})
    stale = await _get(site.url_of("m4a"), headers={"Range": "bytes=5-9", "If-Range": '"old"'})
    assert (fresh.status, stale.status) == (206, 200)


# pages, feeds, streams


async def test_the_page_offers_four_qualities_with_its_metadata(site: VideoSite, tmp_path: Path):
    info = await _extract(site.url_of("page"))
    assert {format_["height"] for format_ in info["formats"]} == {240, 360, 480, 720}
    assert info["title"] == "Harbour at dawn (1)"
    assert "boats & gulls" in info["description"]
    assert (await _get(info["thumbnail"])).body[:3] == b"\xff\xd8\xff"
    file = await _download(site.url_of("page"), tmp_path, format="best[height=480]")
    assert file.read_bytes() == (site.media_dir / "480p.mp4").read_bytes()


@pytest.mark.parametrize(
    ("name", "file"),
    [("opengraph", "720p.mp4"), ("json_ld", "480p.mp4"), ("subtitled", "360p.mp4")],
)
async def test_other_pages_lead_to_their_video(
    site: VideoSite, name: str, file: str, tmp_path: Path
):
    info = await _extract(site.url_of(name))
    assert info["title"].startswith("Harbour at dawn")
    got = await _download(site.url_of(name), tmp_path)
    assert got.read_bytes() == (site.media_dir / file).read_bytes()


async def test_json_ld_tells_duration_and_date(site: VideoSite):
    info = await _extract(site.url_of("json_ld"))
    assert (info["duration"], info["upload_date"]) == (10, "20260517")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("thumbnail_webp", b"RIFF"),
        ("thumbnail_png", b"\x89PNG"),
        ("thumbnail_huge", b"\x89PNG"),
        ("thumbnail_broken", b"\xff\xd8\xff\xe0 not"),
        ("thumbnail_missing", b"<!doctype"),
    ],
)
async def test_odd_thumbnails(site: VideoSite, name: str, start: bytes):
    info = await _extract(site.url_of(name))
    assert (await _get(info["thumbnail"])).body.startswith(start)


@pytest.mark.parametrize("name", ["hls", "hls_fmp4", "dash", "watch"])
async def test_streams_have_separate_sound_and_merge(site: VideoSite, name: str, tmp_path: Path):
    info = await _extract(site.url_of(name))
    heights = {item["height"] for item in info["formats"] if item.get("height")}
    assert heights == STREAM_HEIGHTS
    assert any(item["vcodec"] == "none" for item in info["formats"])
    assert len(info["requested_formats"]) == 2
    file = await _download(site.url_of(name), tmp_path, format="bv[height=240]+ba")
    probe = _probe(file)
    assert (probe.codecs, probe.height) == ({"h264", "aac"}, 240)
    assert probe.duration_s == pytest.approx(10, abs=0.3)


@pytest.mark.parametrize("name", ["hls_muxed", "hls_encrypted"])
async def test_single_streams_are_downloaded(site: VideoSite, name: str, tmp_path: Path):
    probe = _probe(await _download(site.url_of(name), tmp_path))
    assert (probe.codecs, probe.height) == ({"h264", "aac"}, 360)
    assert probe.duration_s == pytest.approx(10, abs=0.3)


async def test_the_live_stream_is_live_and_moves_on(site: VideoSite):
    assert (await _extract(site.url_of("live")))["is_live"]
    before = (await _get(site.url_of("live"))).body
    async with asyncio.timeout(5):
        while (await _get(site.url_of("live"))).body == before:
            await asyncio.sleep(0.2)


async def test_the_protected_stream_is_refused(site: VideoSite):
    with pytest.raises(DownloadError, match="DRM"):
        await _extract(site.url_of("drm"))


@pytest.mark.parametrize(("name", "count"), [("feed", 3), ("gallery", 3)])
async def test_lists_have_entries_with_links_of_their_own(site: VideoSite, name: str, count: int):
    info = await _extract(site.url_of(name))
    assert info["_type"] == "playlist"
    assert len({entry["url"] for entry in info["entries"]}) == count


async def test_a_feed_may_be_long(site: VideoSite):
    info = await _extract(site.url_of("long_feed", items=400), extract_flat="in_playlist")
    assert len(info["entries"]) == 400


@pytest.mark.parametrize("name", ["subtitled", "hls"])
async def test_subtitles_are_found(site: VideoSite, name: str):
    info = await _extract(site.url_of(name))
    (track,) = info["subtitles"]["en"]
    assert track["ext"] == "vtt"
    got = await _get(site.url + "/media/subtitles.vtt")
    assert got.body.startswith(b"WEBVTT")


async def test_every_named_link_is_answered(site: VideoSite):
    for name in LINKS.keys() - {"stuck"}:
        got = await _get(site.url_of(name), method="HEAD")
        assert got.status in {200, 302} or "status=" in LINKS[name], name


# misbehaviour


async def test_a_cut_download_is_resumed_to_the_same_bytes(site: VideoSite, tmp_path: Path):
    file = await _download(site.url_of("cut_once"), tmp_path)
    assert file.read_bytes() == site.file_of("medium").read_bytes()
    requests = await site.requests("/media/medium.mp4")
    assert [entry.ending for entry in requests].count("cut") == 1
    assert requests[-1].headers["range"].startswith("bytes=8")
    assert requests[-1].status == 206


async def test_a_link_that_always_cuts_never_arrives(site: VideoSite, tmp_path: Path):
    with pytest.raises(DownloadError):
        await _download(site.url_of("cut_always"), tmp_path)


async def test_a_stalled_answer_waits_for_its_release(site: VideoSite, tmp_path: Path):
    async with asyncio.TaskGroup() as group:
        url = site.url_of("stalled", hold="dam", times=1)
        download = group.create_task(_download(url, tmp_path))
        await site.held("dam")
        assert (await site.stats()).held == {"dam": 1}
        assert await site.release("dam") == 1
    assert download.result().read_bytes() == site.file_of("medium").read_bytes()


async def test_a_hanging_page_answers_when_released(site: VideoSite):
    async with asyncio.TaskGroup() as group:
        extraction = group.create_task(_extract(site.url_of("stuck")))
        await site.held("stuck")
        assert not extraction.done()
        await site.release("stuck")
    assert len(extraction.result()["formats"]) == 4


async def test_a_client_that_leaves_a_hanging_page_is_noticed(site: VideoSite):
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(site.url).port)
    writer.write(b"GET /page?hang=me HTTP/1.1\r\nHost: x\r\n\r\n")
    await site.held("me")
    writer.close()
    await writer.wait_closed()
    await _nobody_is_there(site)
    (entry,) = await site.requests()
    assert (entry.ending, entry.status) == ("client left", None)


async def _nobody_is_there(site: VideoSite) -> None:
    async with asyncio.timeout(5):
        while (await site.stats()).open_connections:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", ["m4a", "big"])
async def test_the_rate_is_kept(site: VideoSite, name: str):
    started_at = time.monotonic()
    got = await _get(site.url_of(name, rate=200_000), headers={"Range": "bytes=0-99999"})
    assert len(got.body) == 100_000
    assert 0.4 < time.monotonic() - started_at < 4


async def test_pages_and_manifests_pass_rate_and_media_parameters_on(site: VideoSite):
    for name in ("page", "watch", "hls", "dash", "opengraph", "feed"):
        await site.reset()
        link = site.url_of(name, rate=9_000_000, n=7, **{"media.status": 418})
        with pytest.raises(DownloadError, match="418"):
            await _download(link, Path("/nonexistent"), skip_unavailable_fragments=False)
        refused = [entry for entry in await site.requests() if entry.status == 418]
        assert all("rate=9000000" in entry.target for entry in refused), name


async def test_the_first_byte_can_be_late(site: VideoSite):
    started_at = time.monotonic()
    assert (await _get(site.url_of("page", delay=0.4))).status == 200
    assert time.monotonic() - started_at >= 0.4


async def test_a_wrong_length_is_declared(site: VideoSite):
    size = site.file_of("progressive").stat().st_size
    short = await _get(site.url_of("too_short"))
    assert (short.is_short, len(short.body)) == (True, size)
    long = await _get(site.url_of("too_long"))
    assert int(long.headers["content-length"]) == len(long.body) == size - 100_000
    unknown = await _get(site.url_of("unknown_length"))
    assert "content-length" not in unknown.headers
    assert len(unknown.body) == size


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("unauthorized", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("gone", 410),
        ("too_many_requests", 429),
        ("server_error", 500),
        ("unavailable", 503),
    ],
)
async def test_a_refusal_reaches_yt_dlp(site: VideoSite, name: str, status: int):
    with pytest.raises(DownloadError, match=f"HTTP Error {status}"):
        await _extract(site.url_of(name))


async def test_a_refusal_may_end_after_some_times(site: VideoSite):
    url = site.url_of("too_many_requests", times=2)
    statuses = [(await _get(url, limit=1)).status for _ in range(3)]
    assert statuses == [429, 429, 200]
    assert (await _get(site.url_of("too_many_requests"))).headers["retry-after"] == "30"


async def test_redirects_are_followed_to_the_end(site: VideoSite, tmp_path: Path):
    for name in ("redirect", "redirect_chain"):
        file = await _download(site.url_of(name), tmp_path)
        assert file.read_bytes() == site.file_of("progressive").read_bytes()
        file.unlink()
    assert len(await site.requests("/redirect/chain")) == 5
    with pytest.raises(DownloadError, match="redirect"):
        await _extract(site.url_of("redirect_loop"))
    private = await _get(site.url_of("redirect_private"))
    assert private.headers["location"] == "http://10.0.0.1/secret.mp4"


async def test_an_expired_link_is_refused_and_a_new_visit_gets_a_good_one(
    site: VideoSite, tmp_path: Path
):
    with pytest.raises(DownloadError, match="403"):
        await _download(site.url_of("expired"), tmp_path)
    with pytest.raises(DownloadError, match="403"):
        await _download(site.url_of("expiring"), tmp_path)
    file = await _download(site.url_of("expiring"), tmp_path)
    assert file.read_bytes() == (site.media_dir / "360p.mp4").read_bytes()


async def test_some_media_wants_a_referer(site: VideoSite, tmp_path: Path):
    file = await _download(site.url_of("needs_referer"), tmp_path)
    assert file.stat().st_size
    assert (await _get(site.url + "/media/360p.mp4?referer=/with-referer")).status == 403


@pytest.mark.parametrize("name", HOSTILE_TITLES)
async def test_hostile_titles_come_through(site: VideoSite, name: str):
    info = await _extract(site.url + f"/hostile/{name}")
    title = info["title"]
    assert title.split() == HOSTILE_TITLES[name].split() or not HOSTILE_TITLES[name]


@pytest.mark.parametrize("name", ["endless", "endless_untyped", "endless_page"])
async def test_an_endless_body_ends_with_the_client(site: VideoSite, name: str):
    got = await _get(site.url_of(name), limit=5 * MIB)
    assert len(got.body) == 5 * MIB
    assert ("content-type" in got.headers) == (name != "endless_untyped")
    await _nobody_is_there(site)


async def test_pages_without_video_and_video_without_content(site: VideoSite, tmp_path: Path):
    with pytest.raises(DownloadError, match="Unsupported URL"):
        await _extract(site.url_of("no_video"))
    with pytest.raises(DownloadError, match="data blocks"):
        await _download(site.url_of("empty"), tmp_path)
    assert b"<title>Sorry" in (await _get(site.url_of("html_as_video"))).body


async def test_heavy_pages_are_heavy(site: VideoSite):
    huge = await _get(site.url_of("huge_page"))
    assert len(huge.body) == HUGE_PAGE_BYTES
    bomb = (await _get(site.url_of("gzip_bomb"))).body
    assert len(bomb) < 2 * MIB
    assert len(gzip.decompress(bomb[: len(bomb) // PARTS])) == PART_BYTES
    bomb = (await _get(site.url_of("br_bomb"))).body
    assert len(bomb) < MIB
    unpacked = brotli.Decompressor().process(bomb, output_buffer_limit=MIB)
    assert len(unpacked) >= MIB


async def test_nonsense_is_refused_and_the_site_lives_on(site: VideoSite):
    for words in (
        b"\x16\x03\x01 hello\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(site.url).port)
        writer.write(words)
        assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert (await _get(site.url_of("page", rate="fast"))).status == 400
    assert (await _get(site.url_of("page"), method="POST")).status == 405
    assert (await _get(site.url + "/../../etc/passwd")).status == 404


# the house


async def test_two_hundred_connections_at_once_each_asking_five_times(site: VideoSite):
    whole = site.file_of("m4a").read_bytes()
    port = urlsplit(site.url).port

    async def visit(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for turn in range(5):
            path = f"/media/audio.m4a?n={number * 5 + turn}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"keep-alive" in head
            assert await reader.readexactly(len(whole)) == whole
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(visit(number))
    await _nobody_is_there(site)
    stats = await site.stats()
    assert (stats.total_requests, stats.total_connections) == (1000, 200)
    assert stats.total_bytes == 1000 * len(whole)
    assert len({entry.target for entry in await site.requests()}) == 1000


async def test_the_journal_tells_what_was_asked_and_sent(site: VideoSite):
    await _get(site.url_of("m4a", n=3), headers={"Range": "bytes=0-9"})
    (entry,) = await site.requests("/media/audio.m4a")
    assert (entry.method, entry.target) == ("GET", "/media/audio.m4a?n=3")
    assert entry.headers["range"] == "bytes=0-9"
    assert (entry.status, entry.bytes_sent, entry.ending) == (206, 10, "complete")
    assert entry.ended_at is not None
    assert entry.ended_at >= entry.started_at
    await site.reset()
    assert await site.requests() == []


@pytest.mark.parametrize("way", ["stdin", "SIGTERM"])
async def test_the_process_ends_at_once_with_clients_hanging(site: VideoSite, way: str):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.video_site", "--until-stdin-closes", "--dir", str(site.media_dir.parent)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(video_site.__file__).parents[2],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(8):
        port = int((await process.stdout.readline()).split(b'"')[3].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /page?hang=x HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        if way == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert await reader.read() == b""
        _, errors = await process.communicate()
        writer.close()
        await writer.wait_closed()
    assert (process.returncode, errors) == (0, b"")


async def test_media_is_made_once_by_two_that_start_together(tmp_path: Path):
    runs, both = [], threading.Barrier(2, timeout=5)

    def step(folder: Path) -> None:
        runs.append(folder)
        (folder / "file").touch()

    def start() -> Path:
        both.wait()
        return make_media(tmp_path, (step,))

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(start), threads.submit(start)
    assert first.result() == second.result()
    assert len(runs) == 1
    assert [path.name for path in first.result().iterdir()] == ["file"]


async def test_media_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "making-left-by-a-killed-process").mkdir()
    with pytest.raises(RecipeError, match="no-such-file"):
        make_media(tmp_path, ((Recipe(("-i", "no-such-file", "out.mp4")),),))
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
