"""What a worker makes of a link: real yt-dlp, ffmpeg and PyAV, the loopback video site.

PATH holds the ffmpeg of imageio-ffmpeg and nothing else: there is no ffprobe.
"""

import asyncio
import gc
import json
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
import pytest_asyncio
from PIL import Image

from tests import video_site
from tests.video_site import VideoSite
from userbot import errors
from userbot.domain.calls import DownloadCall, ExtractCall
from userbot.domain.choices import Choice, choices_for
from userbot.domain.jobs import Event, Progress, Stage
from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, Growth, MediaFile, MediaKind
from userbot.worker.calls import run
from userbot.worker.info import record_of
from userbot.worker.mp4 import is_streamable

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running_site(request: pytest.FixtureRequest) -> AsyncIterator[VideoSite]:
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def site(running_site: VideoSite) -> VideoSite:
    await running_site.reset()
    return running_site


@pytest.fixture(autouse=True)
def only_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tools))
    yield


@dataclass
class Lab:
    """Runs both calls as the bot would, each in a folder of its own."""

    site: VideoSite
    root: Path
    heard: list[Event] = field(default_factory=list)

    @property
    def events(self) -> list[Progress]:
        return [event for event in self.heard if isinstance(event, Progress)]

    @property
    def growth(self) -> list[Growth]:
        return [event for event in self.heard if isinstance(event, Growth)]

    @property
    def folder(self) -> Path:
        return self.root / "download"

    @property
    def stages(self) -> list[Stage]:
        return list(dict.fromkeys(event.stage for event in self.events))

    async def extract(self, name: str, **query: str | int) -> Extraction:
        folder = self.root / "extract"
        folder.mkdir(exist_ok=True)
        call = ExtractCall(self.site.url_of(name, **query), folder)
        found = await asyncio.to_thread(run, call, self.heard.append)
        assert isinstance(found, Extraction)
        return found

    async def fetch(
        self, found: Extraction, choice: Choice, limit_bytes: int = 100 * MIB
    ) -> MediaFile:
        self.folder.mkdir(exist_ok=True)
        call = DownloadCall(found.info_json, choice, self.folder, limit_bytes)
        made = await asyncio.to_thread(run, call, self.heard.append)
        assert isinstance(made, MediaFile)
        return made

    async def get(
        self, name: str, kind: MediaKind = MediaKind.VIDEO, limit_bytes: int = 100 * MIB
    ) -> MediaFile:
        found = await self.extract(name)
        offered = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)
        choice = next(choice for choice in offered if choice.kind is kind)
        return await self.fetch(found, choice, limit_bytes)


@pytest.fixture
def lab(site: VideoSite, tmp_path: Path) -> Lab:
    return Lab(site, tmp_path)


def decoded_seconds(path: Path) -> tuple[float, float]:
    """Decode everything; return the lengths of picture and sound."""
    lengths = []
    for kind in ("video", "audio"):
        with av.open(path) as container:
            streams = getattr(container.streams, kind)
            frames = container.decode(streams[0]) if streams else ()
            times = [frame.time for frame in frames if frame.time is not None]
            lengths.append(max(times, default=0.0) - min(times, default=0.0))
    return lengths[0], lengths[1]


def check(made: MediaFile, folder: Path) -> None:
    """What holds for every result."""
    thumbnails = {made.thumbnail.path} if made.thumbnail else set()
    assert set(folder.iterdir()) == {made.path} | thumbnails, "nothing else is left"
    assert made.size_bytes == made.path.stat().st_size
    if made.thumbnail:
        assert made.thumbnail.path.stat().st_size <= 200_000
        with Image.open(made.thumbnail.path) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (made.thumbnail.width, made.thumbnail.height)
            assert max(picture.size) <= 320


async def test_a_progressive_mp4_stays_as_it_is(lab, site):
    made = await lab.get("progressive")
    check(made, lab.folder)
    assert made.path.read_bytes() == site.file_of("progressive").read_bytes()
    assert (made.kind, made.width, made.height, made.has_audio) == (MediaKind.VIDEO, 640, 360, True)
    assert made.duration_s == pytest.approx(10, abs=0.1)
    assert (made.mime_type, made.is_streamable, made.path.name) == ("video/mp4", True, "media.mp4")
    assert made.thumbnail is not None
    assert (made.thumbnail.width, made.thumbnail.height) == (320, 180)
    assert lab.stages == [Stage.DOWNLOAD, Stage.FINISH]
    assert lab.events[-2].fraction == 1.0


async def test_an_index_at_the_end_is_moved_to_the_front(lab, site):
    assert not is_streamable(site.file_of("moov_at_end"))
    made = await lab.get("moov_at_end")
    check(made, lab.folder)
    assert made.is_streamable
    assert decoded_seconds(made.path) == pytest.approx((10, 10), abs=0.1)


@pytest.mark.parametrize("name", ["page", "opengraph", "json_ld", "subtitled", "needs_referer"])
async def test_pages(lab, name):
    made = await lab.get(name)
    check(made, lab.folder)
    assert made.title == "Harbour at dawn"
    assert made.is_streamable


@pytest.mark.parametrize("name", ["hls", "hls_fmp4", "dash", "watch"])
async def test_separate_streams_are_merged_into_an_mp4_that_streams(lab, name):
    made = await lab.get(name)
    check(made, lab.folder)
    assert (made.width, made.height, made.has_audio) == (1280, 720, True)
    assert (made.mime_type, made.is_streamable) == ("video/mp4", True)
    assert made.duration_s == pytest.approx(10, abs=0.2)
    assert decoded_seconds(made.path) == pytest.approx((10, 10), abs=0.2)
    assert lab.stages == [Stage.DOWNLOAD, Stage.MERGE, Stage.FINISH]


@pytest.mark.parametrize("name", ["hls_muxed", "hls_encrypted"])
async def test_a_transport_stream_becomes_an_mp4(lab, name):
    made = await lab.get(name)
    check(made, lab.folder)
    assert (made.mime_type, made.is_streamable, made.has_audio) == ("video/mp4", True, True)
    assert decoded_seconds(made.path) == pytest.approx((10, 10), abs=0.2)


async def test_a_chosen_quality_is_the_one_that_comes(lab):
    found = await lab.extract("hls")
    offered = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)
    small = next(choice for choice in offered if choice.height == 240)
    assert (await lab.fetch(found, small)).height == 240


async def test_webm_becomes_mp4_without_encoding_its_picture(lab):
    made = await lab.get("webm")
    check(made, lab.folder)
    with av.open(made.path) as container:
        names = [stream.codec_context.codec.canonical_name for stream in container.streams]
    assert names == ["vp9", "aac"]
    assert made.is_streamable
    assert Stage.CONVERT in lab.stages


@pytest.mark.parametrize(
    ("name", "size", "thumbnail"),
    [
        ("four_by_three", (320, 240), (320, 240)),
        ("vertical", (240, 426), (180, 320)),
        ("anamorphic", (512, 288), (320, 180)),
        ("rotated", (240, 320), (240, 320)),
    ],
)
async def test_sizes_are_those_that_are_seen(lab, name, size, thumbnail):
    made = await lab.get(name)
    assert (made.width, made.height) == size
    assert made.thumbnail is not None
    assert (made.thumbnail.width, made.thumbnail.height) == thumbnail


async def test_a_silent_film_is_known_to_be_silent(lab):
    made = await lab.get("silent")
    assert (made.kind, made.has_audio) == (MediaKind.VIDEO, False)


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("progressive", "audio/mp4"),
        ("webm", "audio/mp4"),
        ("hls", "audio/mp4"),
        ("hls_muxed", "audio/mp4"),
        ("watch", "audio/mp4"),
    ],
)
async def test_sound_alone(lab, name, mime_type):
    made = await lab.get(name, MediaKind.AUDIO)
    check(made, lab.folder)
    assert (made.kind, made.mime_type, made.width, made.height) == (
        MediaKind.AUDIO,
        mime_type,
        0,
        0,
    )
    assert made.duration_s == pytest.approx(5 if name == "webm" else 10, abs=0.2)
    with av.open(made.path) as container:
        assert [stream.type for stream in container.streams] == ["audio"]
        assert container.metadata["title"] == made.title
        assert container.metadata.get("artist") == made.performer
    assert decoded_seconds(made.path)[1] == pytest.approx(made.duration_s, abs=0.2)
    assert (made.thumbnail is not None) == (name == "watch"), "the cover of the page, if any"


async def test_a_link_to_sound_asked_for_as_video_comes_as_sound(lab):
    found = await lab.extract("mp3")
    choice = Choice(MediaKind.VIDEO, tuple(item.format_id for item in found.formats))
    assert (await lab.fetch(found, choice)).kind is MediaKind.AUDIO


async def test_the_tags_of_a_song_name_its_performer(lab):
    found = await lab.extract("mp3")
    record = json.loads(found.info_json) | {"title": "T=1\u202e;", "artist": "-map 0"}
    (choice,) = choices_for(found.formats, None, MAX_UPLOAD_BYTES)
    made = await lab.fetch(replace(found, info_json=json.dumps(record)), choice)
    with av.open(made.path) as container:
        assert (container.metadata["title"], container.metadata["artist"]) == ("T=1;", "-map 0")
    assert (made.title, made.performer) == ("T=1;", "-map 0")


async def test_progress_is_one_sum_of_both_streams_that_only_grows(lab):
    await lab.get("dash")
    done = [event.done_bytes for event in lab.events if event.stage is Stage.DOWNLOAD]
    last = [event for event in lab.events if event.stage is Stage.DOWNLOAD][-1]
    assert done == sorted(done)
    assert last.done_bytes == last.total_bytes
    assert last.done_bytes == pytest.approx(8_350_000, rel=0.05)


async def test_progress_comes_twice_a_second(lab):
    found = await lab.extract("medium", rate=12_000_000)
    (choice,) = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[:1]
    await lab.fetch(found, choice)
    downloads = [event for event in lab.events if event.stage is Stage.DOWNLOAD]
    assert 4 <= len(downloads) <= 8
    assert downloads[-1].fraction == 1.0
    assert downloads[-2].speed_bytes_s == pytest.approx(12_000_000, rel=0.4)


async def test_a_large_file_that_is_ready_is_told_of_while_it_arrives(lab):
    found = await lab.extract("medium", rate=20_000_000)
    (choice,) = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[:1]
    made = await lab.fetch(found, choice)
    assert len(lab.growth) >= 5
    grown = [growth.available_bytes for growth in lab.growth]
    assert grown == sorted(grown)
    assert {growth.size_bytes for growth in lab.growth} == {made.size_bytes}
    assert {growth.head_bytes for growth in lab.growth} == {0}


@pytest.mark.parametrize("name", ["progressive", "hls", "webm"])
async def test_what_is_small_or_repacked_is_not(lab, name):
    await lab.get(name)
    assert lab.growth == []


async def refusal(lab: Lab, name: str, limit_bytes: int) -> errors.TooLargeError:
    """Return the refusal of a link that is over the limit.

    yt-dlp leaves its file open when a hook raises; a worker ends then, a test closes it here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            await lab.get(name, limit_bytes=limit_bytes)
        except errors.TooLargeError as error:
            refused = error.with_traceback(None)
        else:
            pytest.fail("it was not refused")
        gc.collect()
    return refused


@pytest.mark.parametrize("name", ["big", "endless", "endless_untyped"])
async def test_more_than_the_limit_is_stopped_early(lab, name):
    refused = await refusal(lab, name, 10 * MIB)
    assert refused.limit_bytes == 10 * MIB
    written = sum(path.stat().st_size for path in lab.folder.iterdir())
    assert written <= 30 * MIB


@pytest.mark.parametrize("name", ["hls", "dash"])
async def test_streams_of_unknown_size_are_stopped_too(lab, name):
    refused = await refusal(lab, name, 2 * MIB)
    assert refused.size_bytes is not None
    assert refused.size_bytes > 2 * MIB


async def test_a_cut_connection_goes_on_where_it_was(lab, site):
    made = await lab.get("cut_once")
    assert made.path.read_bytes() == site.file_of("medium").read_bytes()
    path = "/media/medium.mp4"
    requests = [entry for entry in await site.requests(path) if entry.method == "GET"]
    assert sum(entry.bytes_sent for entry in requests) < 1.5 * made.size_bytes


async def test_a_part_that_is_there_is_not_fetched_again(lab, site):
    body = site.file_of("medium").read_bytes()
    lab.folder.mkdir()
    (lab.folder / "stream-1.bin.part").write_bytes(body[: 20 * MIB])
    made = await lab.get("medium")
    check(made, lab.folder)
    assert made.path.read_bytes() == body
    (download,) = [
        entry for entry in await site.requests("/media/medium.mp4") if entry.status == 206
    ]
    assert download.bytes_sent == len(body) - 20 * MIB


async def test_a_part_that_was_whole_when_the_process_was_killed_is_taken_as_it_is(lab, site):
    body = site.file_of("medium").read_bytes()
    lab.folder.mkdir()
    (lab.folder / "stream-1.bin.part").write_bytes(body)
    made = await lab.get("medium")
    assert made.path.read_bytes() == body
    assert not [e for e in await site.requests("/media/medium.mp4") if e.bytes_sent > len(body) / 2]


async def test_an_expired_address_is_asked_for_once_more(lab, site):
    made = await lab.get("expiring")
    check(made, lab.folder)
    assert made.is_streamable
    pages = [entry for entry in await site.requests("/expiring") if entry.method == "GET"]
    assert len(pages) == 2


async def test_an_address_that_expires_again_is_forbidden(lab, site):
    found = await lab.extract("expiring", stale=9)
    (choice,) = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[:1]
    with pytest.raises(errors.ForbiddenError):
        await lab.fetch(found, choice)
    pages = [entry for entry in await site.requests("/expiring") if entry.method == "GET"]
    assert len(pages) == 2


async def test_a_record_that_lost_its_fragments_is_read_again(lab):
    found = await lab.extract("dash")
    record = json.loads(found.info_json)
    for item in record["formats"]:
        del item["fragments"]
    choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]
    made = await lab.fetch(replace(found, info_json=json.dumps(record)), choice)
    assert made.duration_s == pytest.approx(10, abs=0.2)


async def test_a_record_that_lost_its_cookies_is_read_again_at_once(lab, site):
    found = await lab.extract("page")
    record = json.loads(found.info_json)
    for item in record["formats"]:
        item["cookies"] = "session=1"
    choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]
    await lab.fetch(replace(found, info_json=record_of(record)), choice)
    pages = [entry for entry in await site.requests("/page") if entry.method == "GET"]
    assert len(pages) == 2


async def test_a_quality_that_is_gone_when_the_page_is_read_again_is_the_sites_fault(lab):
    found = await lab.extract("dash")
    record = json.loads(found.info_json)
    for item in record["formats"]:
        del item["fragments"]
        item["format_id"] = f"old-{item['format_id']}"
    choice = choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)[0]
    old = replace(choice, format_ids=tuple(f"old-{name}" for name in choice.format_ids))
    with pytest.raises(errors.SiteDownError):
        await lab.fetch(replace(found, info_json=json.dumps(record)), old)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cut_always", errors.SiteDownError),
        ("too_short", errors.SiteDownError),
        ("too_long", errors.BrokenMediaError),
        ("empty", errors.BrokenMediaError),
        ("html_as_video", errors.BrokenMediaError),
        ("expired", errors.ForbiddenError),
    ],
)
async def test_what_arrives_broken_is_an_error(lab, name, expected):
    with pytest.raises(errors.SourceError) as caught:
        await lab.get(name)
    assert type(caught.value) is expected


async def test_a_page_that_is_gone_by_now_is_an_error(lab, site):
    found = await lab.extract("progressive")
    record = json.loads(found.info_json.replace("progressive.mp4", "nothing.mp4"))
    choice = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[0]
    with pytest.raises(errors.RemovedError):
        await lab.fetch(replace(found, info_json=json.dumps(record)), choice)


@pytest.mark.parametrize("format_id", ["bestvideo+bestaudio", "../../x", "b[height>0]/b", "all"])
async def test_a_format_id_is_never_an_expression(lab, format_id):
    found = await lab.extract("progressive")
    with pytest.raises(errors.SourceError):
        await lab.fetch(found, Choice(MediaKind.VIDEO, (format_id,)))


async def test_an_extension_of_the_site_names_no_file(lab):
    found = await lab.extract("page")
    choice = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[0]
    record = found.info_json.replace('"ext":"mp4"', '"ext":"sh/../../x"')
    made = await lab.fetch(replace(found, info_json=record), choice)
    check(made, lab.folder)
    assert made.path.name == "media.mp4"


async def test_other_protocols_are_not_fetched(lab):
    found = await lab.extract("progressive")
    choice = choices_for(found.formats, None, MAX_UPLOAD_BYTES)[0]
    record = found.info_json.replace('"protocol":"http"', '"protocol":"rtmp"')
    with pytest.raises(errors.SourceError):
        await lab.fetch(replace(found, info_json=record), choice)


async def test_a_missing_ffmpeg_is_a_tool_error(lab, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(errors.ToolError):
        await lab.get("moov_at_end")
