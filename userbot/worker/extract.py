"""Asks a site what it has, once: the page, then what the page left out (sizes, length, cover)."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.utils import MEDIA_EXTENSIONS

from userbot.domain.calls import ExtractCall
from userbot.domain.media import Extraction
from userbot.errors import LiveError, NoVideoError, PlaylistError, UnsupportedError
from userbot.worker import remote
from userbot.worker.cover import MAX_COVER_SIDE, fetch_cover
from userbot.worker.failures import site_errors
from userbot.worker.info import Info, extraction_of, formats_of, refuse_live
from userbot.worker.options import SMUGGLED, VendorLog, open_downloader
from userbot.worker.timebox import within

MAX_QUESTIONS = 6  # sizes to ask for
QUESTIONS_S = 4.0  # for all of them, the length and the picture together
MAX_NESTING = 4
COVER_NAME = "cover.jpg"

_MEDIA_EXTENSIONS = frozenset({*MEDIA_EXTENSIONS.video, *MEDIA_EXTENSIONS.audio})


def extract(call: ExtractCall) -> Extraction:
    """Return what the page has. Raises SourceError."""
    url = _plain_url(call.url)
    log = VendorLog()
    with (
        site_errors(log),
        open_downloader(call.folder, call.proxy, log, format=_any_format) as ydl,
    ):
        info = find_video(ydl, url)
        cover = _complete(ydl, info, call)
        if not formats_of(info):
            raise NoVideoError("only pictures")
        return extraction_of(info, url, cover, ydl.links)


def find_video(ydl: YoutubeDL, url: str) -> Info:
    """Return the processed record of the one video behind url.

    Raises PlaylistError, LiveError, NoVideoError, and what yt-dlp raises.
    """
    info: Info | None = ydl.extract_info(url, download=False)
    for _ in range(MAX_NESTING):
        if info is None:
            raise NoVideoError("nothing was found")
        if info.get("_type", "video") == "video":
            refuse_live(info)
            return info
        info = ydl.process_ie_result(_only_entry(info), download=False)
    raise PlaylistError("lists in lists")


def _plain_url(url: str) -> str:
    """Return url without what yt-dlp would take for a note of its own extractors' to each other.

    Its other inputs, such as searches, raise UnsupportedError.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise UnsupportedError("not a web link")
    return url.partition(SMUGGLED)[0]


def _only_entry(playlist: Info) -> Info:
    entries = {_identity(entry): entry for entry in playlist.get("entries") or () if entry}
    if not entries:
        raise NoVideoError("an empty list")
    if len(entries) > 1:
        raise PlaylistError(str(playlist.get("title") or ""))
    return next(iter(entries.values()))


def _identity(entry: Info) -> str:
    """Return what tells one video from another: embedded twice, it is still one."""
    urls = [str(item.get("url")) for item in entry.get("formats") or [entry]]
    return "\n".join(urls)


def _any_format(context: dict[str, Any]) -> Iterable[Info]:
    """Choose anything, as yt-dlp insists on a choice; nothing is downloaded."""
    yield context["formats"][-1]


def _complete(ydl: YoutubeDL, info: Info, call: ExtractCall) -> Any:
    """Fill in sizes and length, as far as the site answers in time; return the cover, if any."""
    unsized = _unsized(info)
    playlist = _playlist_to_ask(info)
    tasks: list[Callable[[], Any]] = [
        partial(fetch_cover, ydl, info, call.folder / COVER_NAME, max_side=MAX_COVER_SIDE),
        partial(remote.read_playlist, ydl, playlist) if playlist else _nothing,
        partial(_is_media, ydl, info),
        *(partial(remote.ask_size, ydl, item) for item in unsized),
    ]
    cover, text, is_media, *sizes = within(QUESTIONS_S, tasks)
    if is_media is False:
        raise NoVideoError("the link leads to a file that is no video")
    for item, size in zip(unsized, sizes, strict=True):
        item["filesize"] = size
    _learn_duration(info, text)
    return cover


def _unsized(info: Info) -> list[Info]:
    plain = [item for item in formats_of(info) if item.get("protocol") in ("http", "https")]
    return [item for item in plain if not item.get("filesize")][-MAX_QUESTIONS:]


def _playlist_to_ask(info: Info) -> Info | None:
    """Return the HLS format that knows the length, or that it is live; None when we know."""
    if info.get("duration") or info.get("live_status"):
        return None
    streams = [item for item in formats_of(info) if item.get("protocol") == "m3u8_native"]
    return streams[-1] if streams else None


def _is_media(ydl: YoutubeDL, info: Info) -> bool:
    """Return False for a direct link to a letter, an archive, whatever has no telling name."""
    if not info.get("direct") or info.get("ext") in _MEDIA_EXTENSIONS:
        return True
    return all(remote.is_media(ydl, item) for item in info.get("formats") or [info])


def _learn_duration(info: Info, playlist: str | None) -> None:
    if playlist and remote.is_endless(playlist):
        raise LiveError("the playlist has no end")
    if not info.get("duration"):
        info["duration"] = remote.duration_of(playlist or "") or _length_of_fragments(info)


def _length_of_fragments(info: Info) -> float | None:
    """Return the length of a DASH stream, whose fragments tell their own."""
    for item in reversed(formats_of(info)):
        lengths = [fragment.get("duration") for fragment in item.get("fragments") or ()]
        if known := [length for length in lengths if isinstance(length, int | float)]:
            return float(sum(known))
    return None


def _nothing() -> None:
    return None
