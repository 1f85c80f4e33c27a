"""What is behind each path of the site, before a link's faults come over it."""

import mmap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from zlib import crc32

from tests.video_site import bodies, bombs, pages, streams
from tests.video_site.big_video import big_video
from tests.video_site.catalogue import HOSTILE_TITLES, LINKS
from tests.video_site.faults import Ledger
from tests.video_site.wire import BadRequestError, Request, Response, redirect, refusal, text

MAX_SIZE_MIB = 3000
HUGE_PAGE_BYTES = 50 * bodies.MIB
LAST_MODIFIED = "Sun, 17 May 2026 06:12:00 GMT"

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".vtt": "text/vtt; charset=utf-8",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bin": "application/octet-stream",
}
SEGMENT = "/media/hls-muxed/000.ts"
ALIASES = {"/media/progressive.mp4": "/media/360p.mp4"}


def files_of(media_dir: Path) -> dict[str, Path]:
    """Return every file that the site gives out, by its path on the site."""
    files = {
        f"/media/{file.relative_to(media_dir)}": file
        for file in sorted(media_dir.rglob("*"))
        if file.suffix in CONTENT_TYPES
    }
    return files | {alias: files[path] for alias, path in ALIASES.items()}


@dataclass(slots=True)
class Content:
    """Answers requests from the media folder and from thin air."""

    files: Mapping[str, Path]
    ledger: Ledger
    now: Callable[[], float]
    _started_at: float = field(init=False)
    _mapped: dict[str, memoryview] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._started_at = self.now()

    def answer(self, request: Request) -> Response:
        """Return the answer to a GET or HEAD. Raises `BadRequestError` for a wrong parameter."""
        if request.path in self.files:
            return self._file(request)
        if request.path.startswith("/hostile/"):
            return self._hostile(request)
        made = self._made().get(request.path)
        if made is None:
            return refusal(404)
        try:
            return made(request)
        except (ValueError, KeyError) as error:
            raise BadRequestError(repr(error)) from error

    def _made(self) -> Mapping[str, Callable[[Request], Response]]:
        return {
            "/": lambda _: text(pages.index(LINKS)),
            "/page": lambda r: text(pages.video_page(_origin(r), r.query)),
            "/opengraph": lambda r: text(pages.open_graph_page(_origin(r), r.query)),
            "/json-ld": lambda r: text(pages.json_ld_page(_origin(r), r.query)),
            "/watch": lambda r: text(pages.watch_page(_origin(r), r.query)),
            "/subtitled": lambda r: text(pages.subtitled_page(r.query)),
            "/gallery": lambda r: text(pages.gallery(r.query, _items(r))),
            "/feed.xml": lambda r: text(
                pages.feed(_origin(r), r.query, _items(r)), "application/rss+xml"
            ),
            "/no-video": lambda _: text(pages.html("Tides", body="<p>High water at six.</p>")),
            "/with-referer": lambda _: text(
                pages.single_page("/media/360p.mp4?referer=/with-referer")
            ),
            "/expiring": self._expiring,
            "/live.m3u8": self._live,
            "/live.mpd": self._live_dash,
            "/opening.m3u8": self._opening,
            "/repeating.m3u8": lambda r: _playlist(streams.repeating(SEGMENT, r.query)),
            "/endless-segment.m3u8": lambda _: _playlist(streams.ENDLESS_SEGMENT),
            "/endless.m3u8": lambda _: Response(
                bodies.long_page(b"#EXTM3U\n", f"#EXTINF:2.0,\n{SEGMENT}\n".encode(), None),
                content_type=CONTENT_TYPES[".m3u8"],
            ),
            "/endless.ts": lambda _: Response(
                bodies.endless(self._map(SEGMENT)), content_type=CONTENT_TYPES[".ts"]
            ),
            "/drm.m3u8": lambda _: text(streams.DRM_PLAYLIST, CONTENT_TYPES[".m3u8"]),
            "/big.mp4": self._big,
            "/endless.mp4": self._endless,
            "/endless.html": lambda _: _page(bodies.endless(_page_head("Endless"))),
            "/huge-page": lambda _: _page(
                bodies.long_page(_page_head("Huge"), b"<p>waves and waves</p>\n", HUGE_PAGE_BYTES)
            ),
            "/redirect": _redirect,
            "/redirect/chain": _redirect_chain,
            "/redirect/loop": lambda _: redirect("/redirect/loop"),
            **bombs.made(),
        }

    def _file(self, request: Request) -> Response:
        suffix = self.files[request.path].suffix
        content = self._map(request.path)
        if suffix == ".m3u8":
            playlist = streams.hls(content.tobytes().decode(), request.query)
            return text(playlist, CONTENT_TYPES[suffix])
        if suffix == ".mpd":
            manifest = streams.dash(content.tobytes().decode(), request.query)
            return text(manifest, CONTENT_TYPES[suffix])
        return _media(bodies.plain(content), CONTENT_TYPES[suffix], request.path)

    def _map(self, path: str) -> memoryview:
        """Return the file's content without reading it, mapped on first use."""
        if path not in self._mapped:
            with self.files[path].open("rb") as file:
                is_empty = file.seek(0, 2) == 0
                data = b"" if is_empty else mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
            self._mapped[path] = memoryview(data)
        return self._mapped[path]

    def _big(self, request: Request) -> Response:
        size_mib = float(request.query.get("size", "64"))
        if size_mib > MAX_SIZE_MIB:
            raise ValueError(f"size: at most {MAX_SIZE_MIB} MiB")
        size_bytes = int(size_mib * bodies.MIB)
        complete, frames = (self._map(path) for path in ("/media/240p.mp4", "/media/v240.mp4"))
        body = big_video(complete.tobytes(), frames.tobytes(), size_bytes)
        return _media(body, "video/mp4", f"big {size_bytes}")

    def _endless(self, _: Request) -> Response:
        return Response(bodies.endless(self._map("/media/240p.mp4")), content_type="video/mp4")

    def _live(self, request: Request) -> Response:
        elapsed_s = self.now() - self._started_at
        return _playlist(streams.live(elapsed_s, self._segments(), request.query))

    def _opening(self, request: Request) -> Response:
        """A film for its first visits, then a stream that has just begun to be live."""
        visit = self.ledger.next_number(request.target) if request.method == "GET" else 1
        if visit > int(request.query.get("whole", "1")):
            return self._live(request)
        return _playlist(streams.film(self._segments(), request.query))

    def _segments(self) -> list[str]:
        folder = "/media/hls-muxed/"
        return [path for path in self.files if path.startswith(folder) and path.endswith(".ts")]

    def _live_dash(self, request: Request) -> Response:
        manifest = self._map("/media/dash/manifest.mpd").tobytes().decode()
        absolute = manifest.replace('n="init', 'n="/media/dash/init').replace(
            'a="ch', 'a="/media/dash/ch'
        )
        return text(streams.live_dash(absolute, request.query), CONTENT_TYPES[".mpd"])

    def _expiring(self, request: Request) -> Response:
        """A page whose first `stale` visits hand out links that are no longer good."""
        visit = self.ledger.next_number(request.target) if request.method == "GET" else 1
        is_stale = visit <= int(request.query.get("stale", "1"))
        path = pages.link(f"/media/360p.mp4?visit={visit}", request.query)
        return text(pages.single_page(path + ("&expires_after=0" if is_stale else "")))

    def _hostile(self, request: Request) -> Response:
        title = HOSTILE_TITLES.get(request.path.removeprefix("/hostile/"))
        if title is None:
            return refusal(404)
        return text(pages.open_graph_page(_origin(request), request.query, title))


def _media(body: bodies.Body, content_type: str, name: str) -> Response:
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{crc32(name.encode()):08x}-{body.size_bytes:x}"',
        "Last-Modified": LAST_MODIFIED,
    }
    return Response(body, content_type=content_type, headers=headers)


def _playlist(content: str) -> Response:
    return text(content, CONTENT_TYPES[".m3u8"])


def _page(body: bodies.Body) -> Response:
    return Response(body, content_type="text/html; charset=utf-8")


def _page_head(title: str) -> bytes:
    return f"<!doctype html>\n<html><head><title>{title}</title></head><body>\n".encode()


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _items(request: Request) -> int:
    return max(0, min(pages.MAX_ITEMS, int(request.query.get("items", "3"))))


def _redirect(request: Request) -> Response:
    status = int(request.query.get("code", "302"))
    return redirect(request.query.get("to", LINKS["progressive"]), status)


def _redirect_chain(request: Request) -> Response:
    hops = int(request.query.get("hops", "5"))
    if hops <= 1:
        return _redirect(request)
    query = {**request.query, "hops": str(hops - 1)}
    return redirect("/redirect/chain?" + urlencode(query))
