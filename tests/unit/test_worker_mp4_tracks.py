"""What the index of an MP4 says of its tracks, read without a library."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.worker.growth import will_stay
from userbot.worker.mp4 import index_end
from userbot.worker.mp4_tracks import Track, tracks_of
from userbot.worker.pack import is_ready
from userbot.worker.probe import peek

PICTURE = ("-f", "lavfi", "-i", "testsrc=s=64x64:d=1")
SOUND = ("-f", "lavfi", "-i", "sine=d=1")
AAC = ("-c:a", "aac")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def film(path: Path, *arguments: str) -> Path:
    options = ("-shortest", "-movflags", "+faststart", "-y", "-loglevel", "error")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *arguments, *options, str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.mark.parametrize(
    ("arguments", "tracks", "stays"),
    [
        ((*PICTURE, *H264), [Track(True, "avc1", 100)], True),
        (
            (*PICTURE, *SOUND, *H264, *AAC),
            [Track(True, "avc1", 100), Track(False, "mp4a", 0x40)],
            True,
        ),
        (
            (*PICTURE, *SOUND, *H264, "-c:a", "libmp3lame"),
            [Track(True, "avc1", 100), Track(False, "mp4a", 0x6B)],
            True,
        ),
        (
            (*PICTURE, *SOUND, *H264, "-c:a", "libopus"),
            [Track(True, "avc1", 100), Track(False, "Opus", None)],
            False,
        ),
        (
            (*PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv420p10le"),
            [Track(True, "avc1", 110)],
            False,
        ),
        (
            (*PICTURE, "-c:v", "libx264", "-pix_fmt", "yuv444p"),
            [Track(True, "avc1", 244)],
            False,
        ),
        (
            (*PICTURE, "-c:v", "libx265", "-x265-params", "log-level=0", "-tag:v", "hev1"),
            [Track(True, "hev1", None)],
            False,
        ),
        (
            (*PICTURE, "-c:v", "libx265", "-x265-params", "log-level=0", "-tag:v", "hvc1"),
            [Track(True, "hvc1", None)],
            True,
        ),
        ((*SOUND, *AAC), [Track(False, "mp4a", 0x40)], False),
    ],
)
def test_what_will_be_left_as_it_is_is_known_from_its_index(tmp_path, arguments, tracks, stays):
    path = film(tmp_path / "film.mp4", *arguments)
    end = index_end(path)
    assert end is not None
    assert tracks_of(path, end) == tracks
    assert will_stay(path, end) == stays
    if stays:
        assert is_ready(peek(path)), "what is promised here is what `pack` does"


@tries(100)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_rubbish_has_no_tracks(tmp_path_factory, rubbish, end):
    path = tmp_path_factory.mktemp("rubbish") / "file"
    path.write_bytes(b"\0\0\1\x2cmoov\0\0\1\x24trak" + rubbish)
    assert tracks_of(path, end) == []


def test_an_index_that_is_cut_short_has_what_is_whole(tmp_path):
    path = film(tmp_path / "film.mp4", *PICTURE, *SOUND, *H264, *AAC)
    end = index_end(path) or 0
    body = path.read_bytes()
    for length in range(0, end, 37):
        path.write_bytes(body[:length])
        assert len(tracks_of(path, end)) <= 2
