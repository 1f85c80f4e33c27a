"""The options every YoutubeDL of a worker gets, and the log that keeps what it says.

Nothing here comes from a person or a site. yt-dlp reads no configuration file through its API;
whatever could run a program, write a second file or reach a file:// address stays off.
"""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError

from userbot.worker import curbs

SOCKET_TIMEOUT_S = 15
RETRIES = 3
RANGE_NOT_SATISFIABLE = 416
MAX_PAGE_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 256 * 1024
FRAGMENTS_AT_ONCE = 4  # 50 ms per request: 2.0 s -> 0.9 s; 8 gains nothing more
STREAM_PREFIX = "stream-"
STREAM_FIELD = "stream_number"  # set by `fetch`, so that a name never depends on the site
KEPT_WARNINGS = 5
MAX_RETRY_PAUSE_S = 3
SMUGGLED = "#__youtubedl_smuggle"

Options = dict[str, Any]


class VendorLog:
    """Swallows what yt-dlp prints; `tail` is the last of its warnings, for the owner."""

    def __init__(self) -> None:
        self._warnings: deque[str] = deque(maxlen=KEPT_WARNINGS)

    @property
    def tail(self) -> str:
        """The last warnings, one per line."""
        return "\n".join(self._warnings)

    def debug(self, message: str) -> None:
        """Ignore what yt-dlp would show on a screen."""

    def warning(self, message: str) -> None:
        """Keep message."""
        self._warnings.append(message)

    def error(self, message: str) -> None:
        """Ignore: every error is also raised."""


class Downloader(YoutubeDL):  # type: ignore[misc]  # yt_dlp has no types
    """A YoutubeDL that reads no endless page into memory, and leaves no connection open.

    Films are read piece by piece, and are watched as they grow. The 1750 extractors are looked at
    only when there is a page to read: that makes 9 MB of the fork server's memory one's own.
    `links` are those that led to what was found, in order: each to the next, and to nothing else.
    """

    def __init__(self, options: Options) -> None:
        self.links: list[str] = []
        self._is_straight = True
        self._answers: list[Response] = []
        self._answers_lock = Lock()  # fragments come on several threads
        self._knows_extractors = False
        curbs.put_on()
        super().__init__(options, auto_init=False)

    def extract_info(self, url: str, *args: Any, process: bool = True, **options: Any) -> Any:
        """Read a page. See YoutubeDL, which comes back here with every link that a page is for."""
        if not self._knows_extractors:
            self._knows_extractors = True
            self.add_default_info_extractors()
        # Unprocessed it is a part of what the page before makes of it, with a title of its own; a
        # note from one extractor to another makes more of a link than it is.
        self._is_straight &= process and SMUGGLED not in url
        if self._is_straight:
            self.links.append(url)
        return super().extract_info(url, *args, process=process, **options)

    def urlopen(self, req: Any) -> Response:
        """Open req; reading the whole answer at once is bounded.

        Raises ExtractorError above MAX_PAGE_BYTES.
        """
        try:
            response = super().urlopen(req)
        except HTTPError as error:
            self._keep(error.response)
            if error.status == RANGE_NOT_SATISFIABLE and not isinstance(req, str):
                # Killed between the last byte and the rename, a part is whole. yt-dlp then asks
                # for the size once more without a range, but shares the headers with this request.
                req.headers.pop("Range", None)
            raise
        self._keep(response)
        _bound(response)
        return response

    def close(self) -> None:
        """Close everything, also the answers that nobody read to their end."""
        with self._answers_lock:
            for answer in self._answers:
                answer.close()
            self._answers.clear()
        super().close()

    def _keep(self, response: Response) -> None:
        with self._answers_lock:
            self._answers = [answer for answer in self._answers if not answer.closed]
            self._answers.append(response)


def _bound(response: Response) -> None:
    read = response.read

    def read_bounded(amount: int | None = None) -> bytes:
        if amount is not None:
            return bytes(read(amount))
        body = b"".join(_pieces(read, MAX_PAGE_BYTES + 1))
        if len(body) > MAX_PAGE_BYTES:
            response.close()
            raise ExtractorError(f"more than {MAX_PAGE_BYTES} bytes of page", expected=True)
        return body

    response.read = read_bounded


def _pieces(read: Callable[[int], bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield what there is, up to most_bytes.

    One large read is slow where curl unpacks on a thread of its own, which fills memory meanwhile.
    """
    while most_bytes > 0 and (piece := bytes(read(min(PIECE_BYTES, most_bytes)))):
        most_bytes -= len(piece)
        yield piece


def open_downloader(folder: Path, proxy: str | None, log: VendorLog, **more: Any) -> Downloader:
    """Return a downloader that writes only into folder; use it with `with`. `more`: options."""
    return Downloader(_options(folder, proxy, log) | more)


def _options(folder: Path, proxy: str | None, log: VendorLog) -> Options:
    return _manners(log) | _network(proxy) | _page() | _files(folder)


def _manners(log: VendorLog) -> Options:
    return {
        "quiet": True,
        "noprogress": True,
        "color": "never",
        "logger": log,
        "ignoreerrors": False,
    }


def _network(proxy: str | None) -> Options:
    return {
        "proxy": proxy or "",  # "" is a direct connection; None would ask the environment
        "socket_timeout": SOCKET_TIMEOUT_S,
        "retries": RETRIES,
        "fragment_retries": RETRIES,
        "extractor_retries": 1,
        "retry_sleep_functions": {"http": _pause_s, "fragment": _pause_s},
        "skip_unavailable_fragments": False,  # a hole in a film is an error
        "hls_prefer_native": True,  # ffmpeg only for what yt-dlp cannot
        "concurrent_fragment_downloads": FRAGMENTS_AT_ONCE,
        "enable_file_urls": False,
        "usenetrc": False,
        "remote_components": [],  # would fetch code at run time
    }


def _page() -> Options:
    return {
        "noplaylist": True,
        "extract_flat": "in_playlist",
        "lazy_playlist": True,
        "playlist_items": "1:2",  # two are enough to know that it is a list
    }


def _files(folder: Path) -> Options:
    return {
        "cachedir": False,
        "paths": {"home": str(folder)},
        "outtmpl": {"default": f"{STREAM_PREFIX}%({STREAM_FIELD})s.bin"},
        "restrictfilenames": True,
        "trim_file_name": 40,
        "updatetime": False,
        "fixup": "never",  # `pack` does in one pass what several of them would do
        "writethumbnail": False,
    }


def _pause_s(n: int) -> float:
    """Seconds before the retry n, which counts from 0."""
    return min(0.5 * 2.0**n, MAX_RETRY_PAUSE_S)
