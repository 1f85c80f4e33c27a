"""The small parts that look at bytes: MP4 boxes, playlists, pictures; and the time box."""

import io
import struct
import subprocess
import sys
import threading
import time
import zlib

import pytest
from PIL import Image

from userbot.worker.cover import write_jpeg
from userbot.worker.mp4 import box_names, is_cut_short, is_gapless, is_streamable, major_brand
from userbot.worker.remote import duration_of, is_endless
from userbot.worker.timebox import within


def box(name: bytes, size: int = 16) -> bytes:
    return struct.pack(">I4s", size, name).ljust(size, b"\0")


FTYP = b"\0\0\0\x10ftypisom\0\0\0\0"
LONG_MDAT = struct.pack(">I4sQ", 1, b"mdat", 24) + bytes(8)


@pytest.mark.parametrize(
    ("body", "names", "streamable", "cut"),
    [
        (FTYP + box(b"moov") + box(b"mdat"), ["ftyp", "moov", "mdat"], True, False),
        (FTYP + box(b"mdat") + box(b"moov"), ["ftyp", "mdat", "moov"], False, False),
        (FTYP + box(b"moov") + LONG_MDAT, ["ftyp", "moov", "mdat"], True, False),
        (FTYP + box(b"moov") + LONG_MDAT[:-1], ["ftyp", "moov", "mdat"], True, True),
        (FTYP + box(b"moov") + b"\0\0\0\0mdat" + b"x" * 99, ["ftyp", "moov", "mdat"], True, False),
        (
            FTYP + box(b"moov") + box(b"moof") + box(b"mdat"),
            ["ftyp", "moov", "moof", "mdat"],
            False,
            False,
        ),
        (FTYP + b"\0\0\0\x03moov", ["ftyp"], False, False),
        (
            FTYP + box(b"moov") + box(b"mdat") + b"rubbish behind",
            ["ftyp", "moov", "mdat", "ish "],
            True,
            False,
        ),
        (FTYP + b"\0\0\0\1mdat" + b"\xff" * 8, ["ftyp", "mdat"], False, True),
        (b"<!doctype html><title>no</title>", [], False, False),
        (b"G" + b"\0" * 400, [], False, False),
        (b"", [], False, False),
    ],
)
def test_boxes(tmp_path, body, names, streamable, cut):
    path = tmp_path / "file"
    path.write_bytes(body)
    assert (box_names(path), is_streamable(path), is_cut_short(path)) == (names, streamable, cut)


def test_boxes_that_follow_each_other_to_the_end_are_gapless(tmp_path):
    path = tmp_path / "file"
    for body, expected in (
        (FTYP + box(b"moov") + LONG_MDAT, True),
        (FTYP + box(b"moov") + b"data" + box(b"mdat"), False),
        (FTYP + box(b"moov") + LONG_MDAT[:-1], False),
        (b"", False),
    ):
        path.write_bytes(body)
        assert is_gapless(path) is expected


def test_the_brand_tells_quicktime(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\0\0\0\x10ftypqt  \0\0\0\0")
    assert major_brand(path) == "qt  "
    path.write_bytes(b"RIFF")
    assert major_brand(path) == ""


def test_a_playlist_tells_its_length_and_whether_it_ends():
    film = "#EXTM3U\n#EXTINF:2.5,\na.ts\n#EXTINF: 3,x\nb.ts\n#EXT-X-ENDLIST\n"
    assert (is_endless(film), duration_of(film)) == (False, 5.5)
    assert is_endless(film.replace("#EXT-X-ENDLIST", ""))
    on_demand = film.replace("#EXTM3U", "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:VOD")
    assert not is_endless(on_demand.replace("#EXT-X-ENDLIST", ""))
    assert (is_endless("#EXTM3U\n"), duration_of("#EXTM3U\n")) == (False, None)
    assert duration_of("#EXTINF:1.2.3,\n") is None


def encoded(picture, kind):
    body = io.BytesIO()
    picture.save(body, kind)
    return body.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_a_picture_becomes_a_small_jpeg(tmp_path, kind, mode):
    if kind == "JPEG" and mode in ("RGBA", "P"):
        return
    path = tmp_path / "cover.jpg"
    assert write_jpeg(encoded(Image.new(mode, (1600, 900)), kind), path, max_side=640)
    with Image.open(path) as cover:
        assert (cover.format, cover.size, cover.mode) == ("JPEG", (640, 360), "RGB")


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    length = struct.pack(">I", len(chunk) - 4)
    return b"\x89PNG\r\n\x1a\n" + length + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8\xff\xe0 not a picture",
        png_header(10_000, 9_000),
        png_header(30_000, 30_000),
        encoded(Image.new("RGB", (9, 9)), "GIF"),
        encoded(Image.effect_noise((900, 900), 50), "PNG")[:5000],
    ],
)
def test_what_is_no_picture_or_a_bomb_leaves_no_file(tmp_path, body):
    path = tmp_path / "cover.jpg"
    assert not write_jpeg(body, path, max_side=640)
    assert not path.exists()


def test_what_is_not_done_in_time_is_not_waited_for():
    release = threading.Event()
    started_at = time.monotonic()
    try:
        assert within(0.1, [lambda: 1, release.wait, lambda: 3]) == [1, None, 3]
    finally:
        release.set()
    assert time.monotonic() - started_at < 10


def test_an_errand_that_fails_fails_the_caller():
    with pytest.raises(ZeroDivisionError):
        within(1, [lambda: 1 // 0])


def test_a_worker_loads_pyav_and_pillow_only_when_it_looks_at_media():
    code = "import sys, userbot.worker.calls; print([n for n in ('av', 'PIL') if n in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert said.stdout.strip() == b"[]"
