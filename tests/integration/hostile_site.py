"""A site whose pages, manifests and films lead to where nobody may go: `{canary}` in a recipe."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.integration.egress_helpers import serving
from tests.video_site import VideoSite

M3U8 = "application/vnd.apple.mpegurl"
HLS = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
SEGMENT = "#EXTINF:2.0,\n{segment}\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT4S"><Period>{base}<AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="500000" width="320" height="180" codecs="avc1.640028">
<SegmentList duration="2"><Initialization sourceURL="{start}"/>
<SegmentURL media="{segment}"/><SegmentURL media="{segment}"/></SegmentList>
</Representation></AdaptationSet></Period></MPD>"""


@dataclass(frozen=True, slots=True)
class Hostile:
    """The site, running."""

    port: int
    names: tuple[str, ...]

    def url_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"


def recipes(canary: str, site: VideoSite) -> dict[str, tuple[str, str]]:
    """Every page by its path: its type and its text; a type of "location" is a redirect."""
    film, segment = site.url_of("progressive"), f"{site.url}/media/hls-muxed/000.ts"
    html, bird = "text/html", f"{canary}/{{}}"
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{canary}/key"\n'
    odd = f'#EXT-X-KEY:METHOD=AES-256,URI="{canary}/key"\n'  # yt-dlp gives this one to ffmpeg
    legal = SEGMENT.format(segment=segment)
    stolen = SEGMENT.format(segment=bird.format("0.ts"))
    film_there, start = f"{canary}/film.mp4", f'#EXT-X-MAP:URI="{canary}/init.mp4"\n'
    end = "#EXT-X-ENDLIST\n"
    return {
        "redirect": ("location", f"{canary}/film.mp4"),
        "redirect-https": ("location", f"https{canary.removeprefix('http')}/film.mp4"),
        "redirect-page": ("location", f"{canary}/"),
        "video-tag": (html, f"<title>x</title><video src='{film_there}'></video>"),
        "opengraph": (
            html,
            f'<title>x</title><meta property="og:video" content="{canary}/film.mp4">',
        ),
        "feed.xml": (
            "application/rss+xml",
            f"<rss version='2.0'><channel><title>x</title><item><title>a</title>"
            f"<link>{canary}/film.mp4</link></item></channel></rss>",
        ),
        "master.m3u8": (
            M3U8,
            f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=320x180\n{canary}/a.m3u8\n",
        ),
        "segments.m3u8": (M3U8, HLS + legal + stolen + end),
        "key.m3u8": (M3U8, HLS + key + legal + end),
        "map.m3u8": (M3U8, HLS + start + legal + end),
        "ffmpeg-map.m3u8": (
            M3U8,
            HLS + odd + start + legal + end,
        ),
        "ffmpeg-segments.m3u8": (
            M3U8,
            HLS + odd.replace(canary, site.url) + stolen + end,
        ),
        "segments.mpd": (
            "application/dash+xml",
            DASH.format(base="", start=bird.format("i.mp4"), segment=bird.format("1.m4s")),
        ),
        "base.mpd": (
            "application/dash+xml",
            DASH.format(base=f"<BaseURL>{canary}/</BaseURL>", start="i.mp4", segment="1.m4s"),
        ),
        "extras": (
            html,
            f"<title>x</title><meta property='og:image' content='{canary}/cover.jpg'>"
            f"<video poster='{canary}/poster.jpg' src='{film}'>"
            f"<track kind='subtitles' src='{canary}/a.vtt' srclang='en'></video>",
        ),
    }


@asynccontextmanager
async def hostile_site(canary: str, site: VideoSite) -> AsyncIterator[Hostile]:
    """Run the site for the block."""
    pages = recipes(canary, site)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(_answer(head.split(b" ")[1].decode().strip("/"), pages))

    async with serving(serve) as port:
        yield Hostile(port, tuple(pages))


def _answer(name: str, pages: Mapping[str, tuple[str, str]]) -> bytes:
    if name not in pages:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    kind, text = pages[name]
    if kind == "location":
        head = f"HTTP/1.1 302 Found\r\nLocation: {text}\r\nContent-Length: 0\r\n\r\n"
        return head.encode()
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
