"""What is small on the line and huge once somebody unpacks, counts or draws it."""

import struct
import zlib
from collections.abc import Callable, Mapping

from tests.video_site import bodies, pages
from tests.video_site.packed import packed
from tests.video_site.wire import Request, Response, text

SIDE = 50_000
NESTING = 200_000
SEGMENTS = 300_000
TITLE_CHARS = 5_000_000

Made = Callable[[Request], Response]

DASH = """<?xml version="1.0"?>
{doctype}<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="{name}" bandwidth="1000"
 width="640" height="360" codecs="avc1.64001e"><SegmentTemplate timescale="1"
 media="/media/dash/$Number$.m4s" initialization="/media/dash/init.m4s"><SegmentTimeline>
<S t="0" d="1" r="{repeats}"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet>
</Period></MPD>
"""


def made() -> Mapping[str, Made]:
    """Return what makes each of them, by path."""
    return {
        "/bomb/thumbnail.png": lambda _: _picture(_png(), "image/png"),
        "/bomb/thumbnail.jpg": lambda _: _picture(_jpeg(), "image/jpeg"),
        "/bomb/page": _page,
        "/bomb/packed": lambda request: packed(request.query["coding"]),
        "/bomb/json": lambda _: _json_ld("[" * NESTING),
        "/bomb/title": lambda _: text(pages.html("x" * TITLE_CHARS, body=_VIDEO)),
        "/bomb/segments.m3u8": lambda _: text(_playlist(), "application/vnd.apple.mpegurl"),
        "/bomb/timeline.mpd": lambda _: _manifest("", "v", 2_000_000_000),
        "/bomb/entities.mpd": lambda _: _manifest(_laughs(), "&l9;", 1),
    }


_VIDEO = '<video src="/media/360p.mp4"></video>'


def _page(request: Request) -> Response:
    """Return a page whose picture is the one named by `picture`."""
    name = "jpg" if request.query.get("picture") == "jpg" else "png"
    picture = f"http://{request.headers.get('host', '')}/bomb/thumbnail.{name}"
    head = f'<meta property="og:image" content="{picture}">'
    return text(pages.html("A picture", head=head, body=_VIDEO))


def _json_ld(data: str) -> Response:
    head = f'<script type="application/ld+json">{data}</script>'
    return text(pages.html("Deep", head=head, body=_VIDEO))


def _manifest(doctype: str, name: str, repeats: int) -> Response:
    manifest = DASH.format(doctype=doctype, name=name, repeats=repeats)
    return text(manifest, "application/dash+xml")


def _laughs() -> str:
    """Return entities that come to ten thousand million letters."""
    lines = ['<!ENTITY l0 "laughing">']
    lines += [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return f"<!DOCTYPE MPD [{''.join(lines)}]>\n"


def _playlist() -> str:
    segments = "".join(f"#EXTINF:1,\n{number}.ts\n" for number in range(SEGMENTS))
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{segments}#EXT-X-ENDLIST\n"


def _picture(data: bytes, content_type: str) -> Response:
    return Response(bodies.plain(data), content_type=content_type)


def _png() -> bytes:
    """Return a picture of one colour: 2.5 thousand million pixels in some 300 kB."""
    row = bytes(1 + SIDE // 8)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(row) for _ in range(SIDE)) + packer.flush()
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def _jpeg() -> bytes:
    """Return the beginning of a picture; most readers make room for all of it at once."""
    frame = struct.pack(">BHHB", 8, SIDE, SIDE, 1) + bytes((1, 0x11, 0))
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"
