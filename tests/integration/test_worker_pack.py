"""What becomes of files that no tidy site would serve; real ffmpeg makes them and packs them."""

import shutil
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import pytest
from PIL import Image, ImageStat

from userbot.domain.calls import DownloadCall
from userbot.domain.choices import Choice
from userbot.domain.jobs import Event, Stage
from userbot.domain.media import Growth, MediaKind
from userbot.errors import BrokenMediaError, TooLargeError, ToolError
from userbot.worker import growth, pack
from userbot.worker.audio import pack_audio
from userbot.worker.ffmpeg import run_ffmpeg
from userbot.worker.growth import DownloadGrowth
from userbot.worker.meter import Meter
from userbot.worker.mp4 import box_names, is_gapless, is_streamable
from userbot.worker.pack import pack_video
from userbot.worker.probe import probe
from userbot.worker.thumbnail import thumbnail_of_film

PICTURE = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2"
SOUND = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=2"
HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=error"
H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p"

FFMPEGS = sorted({imageio_ffmpeg.get_ffmpeg_exe(), shutil.which("ffmpeg") or ""} - {""})


@pytest.fixture(autouse=True)
def only_ffmpeg(tmp_path, monkeypatch):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tools))


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def meter(events) -> Meter:
    return Meter(Choice(MediaKind.VIDEO, ("0",)), 10_000_000, events.append, lambda: 0.0)


@pytest.fixture
def make(tmp_path):
    def make(name: str, arguments: str) -> Path:
        path: Path = tmp_path / name
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        command = [ffmpeg, "-nostdin", "-v", "error", *arguments.split(), str(path)]
        subprocess.run(command, check=True, timeout=60)
        return path

    return make


def codecs(path: Path) -> list[str]:
    with av.open(path) as container:
        return [stream.codec_context.codec.canonical_name for stream in container.streams]


@pytest.mark.parametrize(
    ("name", "arguments", "made", "stage"),
    [
        ("a.mkv", f"{PICTURE} {SOUND} {H264} -c:a aac", ["h264", "aac"], Stage.FINISH),
        ("a.flv", f"{PICTURE} {SOUND} {H264} -c:a aac", ["h264", "aac"], Stage.FINISH),
        ("a.mov", f"{PICTURE} {SOUND} {H264} -c:a aac", ["h264", "aac"], Stage.FINISH),
        ("a.avi", f"{PICTURE} {SOUND} -c:v mpeg4 -c:a mp3", ["mpeg4", "mp3"], Stage.FINISH),
        ("a.mkv", f"{PICTURE} {SOUND} {H264} -c:a flac", ["h264", "aac"], Stage.CONVERT),
        ("a.mp4", f"{PICTURE} {SOUND} {H264} -c:a libopus", ["h264", "aac"], Stage.CONVERT),
        ("a.webm", f"{PICTURE} {SOUND} -c:v libvpx -c:a libvorbis", ["h264", "aac"], Stage.CONVERT),
        ("a.mpg", f"{PICTURE} {SOUND} -c:v mpeg2video", ["h264", "aac"], Stage.CONVERT),
        ("a.wmv", f"{PICTURE} {SOUND}", ["h264", "aac"], Stage.CONVERT),
        ("a.mp4", f"{PICTURE} {H264} -movflags frag_keyframe+empty_moov", ["h264"], Stage.FINISH),
    ],
)
def test_containers_and_codecs_become_an_mp4_that_streams(
    make, tmp_path, meter, events, name, arguments, made, stage
):
    source = make(name, arguments)
    result = pack_video([probe(source)], tmp_path, meter)
    assert result == tmp_path / "media.mp4"
    assert codecs(result) == made
    assert is_streamable(result)
    assert probe(result).duration_s == pytest.approx(2, abs=0.15)
    assert events[0].stage is stage


def test_hevc_gets_the_tag_that_apple_plays(make, tmp_path, meter):
    source = make("a.mkv", f"{PICTURE} {HEVC}")
    result = pack_video([probe(source)], tmp_path, meter)
    assert b"hvc1" in result.read_bytes()
    assert codecs(result) == ["hevc"]


def test_hevc_with_another_tag_is_not_ready(make, tmp_path, meter):
    source = probe(make("a.mp4", f"{PICTURE} {HEVC} -tag:v hev1 -movflags +faststart"))
    assert not pack.is_ready(source)
    result = probe(pack_video([source], tmp_path, meter))
    assert pack.is_ready(result)


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv420p10le"])
def test_h264_that_phones_do_not_decode_is_encoded_while_that_is_cheap(
    make, tmp_path, meter, monkeypatch, pixels
):
    film = f"{PICTURE} -c:v libx264 -preset ultrafast -pix_fmt {pixels} -movflags +faststart"
    source = probe(make("a.mp4", film))
    assert source.picture is not None
    assert source.picture.pixel_format == pixels
    assert not pack.is_ready(source)
    result = probe(pack_video([source], tmp_path, meter)).picture
    assert result is not None
    assert result.pixel_format == "yuv420p"
    monkeypatch.setattr(pack, "MAX_ENCODED_PIXELS", 1000)
    assert pack.is_ready(source), "left as it is"


def test_what_would_take_minutes_to_encode_is_left_alone(make, tmp_path, meter, monkeypatch):
    monkeypatch.setattr(pack, "MAX_ENCODED_PIXELS", 1000)
    source = make("a.webm", f"{PICTURE} {SOUND} -c:v libvpx -c:a libvorbis")
    body = source.read_bytes()
    result = pack_video([probe(source)], tmp_path, meter)
    assert (result.name, result.read_bytes()) == ("media.webm", body)


def test_two_such_streams_share_a_container_that_holds_them(make, tmp_path, meter, monkeypatch):
    monkeypatch.setattr(pack, "MAX_ENCODED_PIXELS", 1000)
    film = make("a.webm", f"{PICTURE} -c:v libvpx")
    sound = make("b.webm", f"{SOUND} -c:a libvorbis")
    result = pack_video([probe(film), probe(sound)], tmp_path, meter)
    assert (result.name, codecs(result)) == ("media.mkv", ["vp8", "vorbis"])


def test_a_wide_pixel_is_square_after_encoding(make, tmp_path, meter):
    source = make("a.mpg", f"{PICTURE} -vf setsar=4/3 -c:v mpeg2video -aspect 16:9")
    before = probe(source).picture
    after = probe(pack_video([probe(source)], tmp_path, meter)).picture
    assert before is not None
    assert after is not None
    assert (after.width, after.height) == pytest.approx((before.width, before.height), abs=2)


def test_the_cover_of_a_song_is_no_film(make, tmp_path, meter):
    picture = make("cover.png", "-f lavfi -i color=red:size=64x64 -frames:v 1")
    song = make(
        "song.mp3",
        f"{SOUND} -i {picture} -map 0 -map 1 -c:a mp3 -c:v copy -disposition:v attached_pic",
    )
    found = probe(song)
    assert found.picture is None
    made = pack_audio(found, tmp_path, meter, title="T", performer=None)
    assert (made.name, codecs(made)) == ("media.mp3", ["mp3"])


def test_a_raw_stream_without_a_length_has_one_after_all(make):
    assert probe(make("a.h264", f"{PICTURE} {H264}")).picture is not None
    assert probe(make("a.aac", SOUND)).duration_s == pytest.approx(2, abs=0.2)


def test_a_playlist_that_names_a_file_of_this_machine_is_no_media(make, tmp_path, meter):
    film = make("a.ts", f"{PICTURE} {H264}")
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{film}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{film}'\n",
    ):
        trap = tmp_path / "stream-1.bin"
        trap.write_text(text)
        with pytest.raises(BrokenMediaError):
            probe(trap)
        with pytest.raises((BrokenMediaError, ToolError)):
            run_ffmpeg([trap], ["-c", "copy", "-f", "mp4"], tmp_path / "x.mp4", meter)


def test_a_film_cut_short_is_broken(make, tmp_path):
    film = make("a.mp4", f"{PICTURE} {H264} -movflags +faststart")
    film.write_bytes(film.read_bytes()[:-5000])
    with pytest.raises(BrokenMediaError):
        probe(film)


def test_bytes_that_do_not_decode_are_seen(make):
    film = make("a.mp4", f"{PICTURE} {H264} -movflags +faststart")
    body = bytearray(film.read_bytes())
    start = body.index(b"mdat") + 4
    body[start:] = bytes(len(body) - start)
    film.write_bytes(body)
    picture = probe(film).picture
    assert picture is not None
    assert not picture.is_decodable


def test_a_result_over_the_limit_ends_the_tool(make, tmp_path, events):
    film = make("a.mkv", f"{PICTURE} {H264}")
    meter = Meter(Choice(MediaKind.VIDEO, ("0",)), 1000, events.append, lambda: 0.0)
    with pytest.raises(TooLargeError):
        pack_video([probe(film)], tmp_path, meter)


def test_the_thumbnail_is_not_a_black_beginning(make, tmp_path):
    film = make(
        "a.mp4",
        "-f lavfi -i color=black:size=160x120:rate=25:duration=3"
        " -f lavfi -i testsrc2=size=160x120:rate=25:duration=7"
        f" -filter_complex [0][1]concat {H264} -g 25",
    )
    thumbnail = thumbnail_of_film(film, 10, tmp_path)
    assert thumbnail is not None
    with Image.open(thumbnail.path) as picture:
        assert ImageStat.Stat(picture.convert("L")).mean[0] > 50


def test_a_large_picture_makes_a_small_thumbnail(make, tmp_path):
    noise = "-f lavfi -i nullsrc=size=1920x1080:rate=5:duration=1 -vf geq=random(1)*255:128:128"
    film = make("a.mp4", f"{noise} {H264} -crf 10")
    thumbnail = thumbnail_of_film(film, 1, tmp_path)
    assert thumbnail is not None
    assert (thumbnail.width, thumbnail.height) == (320, 180)
    assert thumbnail.path.stat().st_size <= 200_000


def test_a_file_without_film_has_no_frame(make, tmp_path):
    assert thumbnail_of_film(make("a.mp3", SOUND), 2, tmp_path) is None
    html = tmp_path / "x.html"
    html.write_text("<html>")
    assert thumbnail_of_film(html, 2, tmp_path) is None


@pytest.fixture
def film_and_sound(make, monkeypatch):
    """A merge that is large enough to be uploaded while it is made."""
    monkeypatch.setattr(pack, "MIN_GROWING_BYTES", 100_000)
    film = make("film.mp4", f"{PICTURE} {H264} -qp 1")
    return [probe(film), probe(make("sound.m4a", f"{SOUND} -c:a aac"))]


def test_a_large_merge_is_made_in_one_pass_with_its_index_in_front(
    film_and_sound, tmp_path, meter, events, monkeypatch
):
    monkeypatch.setattr(pack, "_index_room", lambda _streams: 16 * 1024)
    made = pack_video(film_and_sound, tmp_path, meter)
    assert is_streamable(made)
    assert box_names(made)[:3] == ["ftyp", "moov", "free"]
    assert codecs(made) == ["h264", "aac"]
    growth = [event for event in events if isinstance(event, Growth)]
    assert growth
    assert {event.path for event in growth} == {tmp_path / "media.growing.mp4"}
    assert not growth[0].path.exists(), "renamed"
    assert is_gapless(made)
    assert growth[0].head_bytes > 16 * 1024


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
@pytest.mark.parametrize("room_bytes", [64, 1500])
def test_too_little_room_for_the_index_falls_back_to_two_passes(
    film_and_sound, tmp_path, meter, events, monkeypatch, ffmpeg, room_bytes
):
    """ffmpeg 5 says so and exits with 0; its file must never be the result."""
    (tmp_path / "tools" / "ffmpeg").unlink()
    (tmp_path / "tools" / "ffmpeg").symlink_to(ffmpeg)
    monkeypatch.setattr(pack, "_index_room", lambda _streams: room_bytes)
    made = pack_video(film_and_sound, tmp_path, meter)
    assert {event.path for event in events if isinstance(event, Growth)} == {
        tmp_path / "media.growing.mp4"
    }
    assert not (tmp_path / "media.growing.mp4").exists()
    assert is_streamable(made)
    assert is_gapless(made)
    assert "free" not in box_names(made)[:2]
    assert codecs(made) == ["h264", "aac"]


def test_the_room_for_the_index_is_enough_with_a_margin(make, tmp_path, meter, monkeypatch):
    """At 60 frames a second, where an index is largest."""
    monkeypatch.setattr(pack, "MIN_GROWING_BYTES", 1)
    picture = "-f lavfi -i testsrc2=size=160x120:rate=60:duration=120"
    film = make("film.mp4", f"{picture} {H264} -bf 2")
    sound = make("sound.m4a", "-f lavfi -i sine=sample_rate=48000:duration=120 -c:a aac")
    sources = [probe(film), probe(sound)]
    room = pack._index_room(pack._streams(sources))
    made = pack_video(sources, tmp_path, meter)
    with made.open("rb") as file:
        content = file.read(10_000_000)
    at = content.index(b"moov") - 4
    assert int.from_bytes(content[at : at + 4], "big") < room - 64 * 1024


def test_growth_is_told_no_more_once_the_server_made_us_start_again(make, tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "MIN_GROWING_BYTES", 1)
    monkeypatch.setattr(growth, "FIRST_LOOK_BYTES", 1)
    monkeypatch.setattr(growth, "PERIOD_S", 0.0)
    body = make("a.mp4", f"{PICTURE} {H264} -movflags +faststart").read_bytes()
    part = tmp_path / "stream-1.bin.part"
    told: list[Event] = []
    call = DownloadCall("{}", Choice(MediaKind.VIDEO, ("0",)), tmp_path, 10_000_000)
    watch = DownloadGrowth(call, told.append)
    event = {"status": "downloading", "tmpfilename": str(part), "total_bytes": len(body)}
    for share in (0.8, 0.9, 0.1, 0.5, 1.0):
        part.write_bytes(body[: int(len(body) * share)])
        watch.on_download(event)
    assert [event.available_bytes for event in told if isinstance(event, Growth)] == [
        int(len(body) * 0.8),
        int(len(body) * 0.9),
    ]
