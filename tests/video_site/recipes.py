"""What the site has on its shelves: every file as an ffmpeg command or a few lines of Python.

Nothing here runs by itself: `studio` calls the recipes, in a folder of their own. The text of this
file is part of the cache key, so an edit makes the media anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DURATION_S = 10
MEDIUM_DURATION_S = 60
SEGMENT_S = 2
HEIGHTS = (240, 360, 480, 720)
STREAM_HEIGHTS = (240, 480, 720)  # what HLS and DASH offer
AES_KEY = bytes(range(16))

SUBTITLES = """WEBVTT

00:00:00.000 --> 00:00:04.000
The harbour at dawn

00:00:05.000 --> 00:00:09.000
The boats go out
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One ffmpeg run: `arguments` follow the common ones, `folder` is where it runs."""

    arguments: tuple[str, ...]
    folder: str = "."


def _recipe(*lines: str, folder: str = ".") -> Recipe:
    return Recipe(tuple(word for line in lines for word in line.split()), folder)


_X264 = f"-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g {25 * SEGMENT_S} -sc_threshold 0"
_AAC = "-c:a aac -b:a 96k -ac 2"
_FAST = "-movflags +faststart"
_TONE = "sine=frequency=440:beep_factor=4:sample_rate=48000:duration"


def _pattern(width: int, height: int, duration_s: int = DURATION_S) -> str:
    source = f"testsrc2=size={width}x{height}:rate=25:duration={duration_s}"
    return f"-f lavfi -i {source} -f lavfi -i {_TONE}={duration_s}"


def _ladder() -> Recipe:
    """The same ten seconds at four heights, and their sound: all else is cut from these."""
    names = "".join(f"[s{height}]" for height in HEIGHTS)
    scales = ";".join(f"[s{height}]scale=-2:{height},setsar=1[v{height}]" for height in HEIGHTS)
    outputs = [f"-map [v{height}] {_X264} {_FAST} v{height}.mp4" for height in HEIGHTS]
    return _recipe(
        _pattern(1280, 720),
        f"-filter_complex [0:v]split={len(HEIGHTS)}{names};{scales}",
        *outputs,
        f"-map 1:a {_AAC} {_FAST} -metadata title=Harbour -metadata artist=Tideline audio.m4a",
        "-map 1:a -c:a libmp3lame -b:a 128k -metadata title=Harbour -metadata artist=Tideline"
        " audio.mp3",
    )


def _shaped(name: str, width: int, height: int, more: str = "") -> Recipe:
    return _recipe(_pattern(width, height, 5), f"{more} {_X264} {_AAC} {_FAST} {name}")


FIRST = (
    _ladder(),
    _recipe(
        _pattern(640, 360, MEDIUM_DURATION_S),
        f"-vf noise=alls=60:allf=t {_X264} -b:v 4M -minrate 4M -maxrate 4M -bufsize 2M",
        f"{_AAC} {_FAST} medium.mp4",
    ),
    _recipe(
        _pattern(426, 240, 5),
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -c:a libopus clip.webm",
    ),
    _shaped("four-by-three.mp4", 320, 240),
    _shaped("vertical.mp4", 240, 426),
    _shaped("anamorphic.mp4", 352, 288, "-vf setsar=16/11"),
    _recipe("-f lavfi -i testsrc2=size=1280x720 -frames:v 1 thumbnail.jpg"),
    _recipe("-f lavfi -i testsrc2=size=1280x720 -frames:v 1 thumbnail.png"),
    _recipe("-f lavfi -i testsrc2=size=1280x720 -frames:v 1 -c:v libwebp thumbnail.webp"),
    _recipe("-f lavfi -i color=teal:size=12000x9000 -frames:v 1 thumbnail-huge.png"),
)
"""Encoded from nothing; these may run side by side."""


def _with_sound(height: int, name: str, flags: str = _FAST) -> Recipe:
    return _recipe(f"-i v{height}.mp4 -i audio.m4a -map 0:v -map 1:a -c copy {flags} {name}")


def _hls(folder: str, options: str) -> Recipe:
    """A playlist `HEIGHT.m3u8` for each stream height, and `audio.m3u8`."""
    tracks = [f"v{height}.mp4" for height in STREAM_HEIGHTS] + ["audio.m4a"]
    names = [str(height) for height in STREAM_HEIGHTS] + ["audio"]
    inputs = " ".join(f"-i ../{track}" for track in tracks)
    common = f"-c copy -f hls -hls_time {SEGMENT_S} -hls_playlist_type vod"
    outputs = [
        f"-map {index} {common} {options.replace('NAME', name)} {name}.m3u8"
        for index, name in enumerate(names)
    ]
    return _recipe(inputs, *outputs, folder=folder)


def _hls_single(folder: str, options: str = "") -> Recipe:
    return _recipe(
        f"-i ../v360.mp4 -i ../audio.m4a -map 0:v -map 1:a -c copy -f hls -hls_time {SEGMENT_S}",
        f"-hls_playlist_type vod {options} -hls_segment_filename %03d.ts index.m3u8",
        folder=folder,
    )


def _dash() -> Recipe:
    """A set of its own for each height: in one set ffmpeg wants the very same aspect ratio,
    which 426x240 and 1280x720 do not have.
    """
    videos = " ".join(f"-i ../v{height}.mp4" for height in STREAM_HEIGHTS)
    count = len(STREAM_HEIGHTS)
    maps = " ".join(f"-map {index}" for index in range(count + 1))
    command = _recipe(
        f"{videos} -i ../audio.m4a {maps} -c copy -f dash -seg_duration {SEGMENT_S}", folder="dash"
    )
    sets = " ".join(f"id={index},streams={index}" for index in range(count + 1))
    return Recipe((*command.arguments, "-adaptation_sets", sets, "manifest.mpd"), command.folder)


SECOND = (
    *(_with_sound(height, f"{height}p.mp4") for height in HEIGHTS),
    _with_sound(360, "moov-at-end.mp4", ""),
    _recipe(f"-i v360.mp4 -c copy {_FAST} silent.mp4"),
    _hls("hls", "-hls_segment_filename NAME-%03d.ts"),
    _hls(
        "hls-fmp4",
        "-hls_segment_type fmp4 -hls_fmp4_init_filename NAME-init.mp4"
        " -hls_segment_filename NAME-%03d.m4s",
    ),
    _hls_single("hls-muxed"),
    _hls_single("hls-aes", "-hls_key_info_file key-info.txt"),
    _dash(),
)
"""Cut and packed from the first ones without encoding."""

FOLDERS = tuple(sorted({recipe.folder for recipe in SECOND} - {"."}))


def write_plain_files(folder: Path) -> None:
    """Write what needs no ffmpeg and must be there before the second recipes run."""
    for name in FOLDERS:
        (folder / name).mkdir()
    (folder / "hls-aes" / "key.bin").write_bytes(AES_KEY)
    (folder / "hls-aes" / "key-info.txt").write_text("key.bin\nkey.bin\n")
    (folder / "subtitles.vtt").write_text(SUBTITLES)
    (folder / "empty.mp4").touch()
    (folder / "thumbnail-broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (folder / "html.mp4").write_text("<!doctype html><title>Sorry</title><p>Not a video.</p>")


def write_derived_files(folder: Path) -> None:
    """Write what is made from finished files: the HLS masters and the rotated video."""
    rotated = bytearray((folder / "four-by-three.mp4").read_bytes())
    _turn_a_quarter(rotated, width=320, height=240)
    (folder / "rotated.mp4").write_bytes(rotated)
    for name in ("hls", "hls-fmp4"):
        (folder / name / "master.m3u8").write_text(_master(folder))
        (folder / name / "subtitles.m3u8").write_text(_subtitle_playlist())
        (folder / name / "subtitles.vtt").write_text(SUBTITLES)


def _turn_a_quarter(video: bytearray, *, width: int, height: int) -> None:
    """Set the display matrix of the first track to 90 degrees.

    The option for it has another name in every version of ffmpeg.
    """
    track_header = video.index(b"tkhd")
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, height << 16, 0, 1 << 30)
    packed = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    start = track_header + 4 + 40
    video[start : start + len(packed)] = packed
    assert width > height, "a turned video should be seen to be turned"


def _master(folder: Path) -> str:
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",LANGUAGE="en",DEFAULT=YES,'
        'AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",LANGUAGE="en",DEFAULT=NO,'
        'AUTOSELECT=YES,URI="subtitles.m3u8"',
    ]
    audio_bytes = (folder / "audio.m4a").stat().st_size
    for height in STREAM_HEIGHTS:
        video = (folder / f"v{height}.mp4").read_bytes()
        bandwidth = (len(video) + audio_bytes) * 8 * 11 // (10 * DURATION_S)
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={_width(height)}x{height},"
            f'FRAME-RATE=25.000,CODECS="{_codec(video)},mp4a.40.2",AUDIO="sound",SUBTITLES="text"',
            f"{height}.m3u8",
        ]
    return "\n".join(lines) + "\n"


def _codec(video: bytes) -> str:
    """RFC 6381 name of the H.264 track, from its decoder configuration."""
    profile = video.index(b"avcC") + len(b"avcC") + 1
    return f"avc1.{video[profile : profile + 3].hex()}"


def _width(height: int) -> int:
    return round(height * 16 / 9 / 2) * 2


def _subtitle_playlist() -> str:
    return (
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{DURATION_S}\n"
        f"#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:{DURATION_S}.0,\nsubtitles.vtt\n#EXT-X-ENDLIST\n"
    )


Step = tuple[Recipe, ...] | Callable[[Path], None]
STEPS: tuple[Step, ...] = (
    write_plain_files,
    FIRST,
    SECOND,
    write_derived_files,
)
"""In this order; the recipes within one step do not need each other."""
