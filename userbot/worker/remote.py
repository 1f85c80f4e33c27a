"""Small questions to the site that no extractor asked: how large, how long, is it a film at all.

All of it is optional: an answer that does not come, or makes no sense, is None.
"""

import re
from http.client import HTTPException

from yt_dlp import YoutubeDL
from yt_dlp.networking import HEADRequest, Request, Response
from yt_dlp.utils import YoutubeDLError

from userbot.worker.info import Info

ANSWER_TIMEOUT_S = 3.0
MAX_PLAYLIST_BYTES = 4 * 1024 * 1024
HEAD_BYTES = 512

UNANSWERED = (YoutubeDLError, OSError, HTTPException, ValueError)  # what asking may raise

_SEGMENT = re.compile(r"^#EXTINF:\s*([0-9.]+)", re.MULTILINE)
_ON_DEMAND = re.compile(r"^#EXT-X-PLAYLIST-TYPE:\s*VOD\b", re.MULTILINE)
_CONTENT_RANGE = re.compile(r"bytes [^/]*/(\d+)")
_SIGNATURES = (
    re.compile(rb"....(?:ftyp|moov|mdat|free|skip|wide|moof|styp)", re.DOTALL),
    re.compile(rb"\x1aE\xdf\xa3|OggS|FLV|ID3|fLaC|\xff[\xe2-\xff]|\x00\x00\x01[\xb3\xba]|0&\xb2u"),
    re.compile(rb"RIFF....(?:AVI |WAVE)", re.DOTALL),
    re.compile(rb"G.{187}G", re.DOTALL),
)


def ask_size(ydl: YoutubeDL, item: Info) -> int | None:
    """Return how many bytes a format has: by HEAD, else by asking for its first byte."""
    url, headers = item["url"], item.get("http_headers") or {}
    try:
        with _open(ydl, HEADRequest(url, headers=headers)) as response:
            length = _whole(response.headers.get("Content-Length"))
    except UNANSWERED:
        length = None
    return length or _size_by_range(ydl, url, headers)


def _size_by_range(ydl: YoutubeDL, url: str, headers: dict[str, str]) -> int | None:
    try:
        with _open(ydl, Request(url, headers={**headers, "Range": "bytes=0-0"})) as response:
            found = _CONTENT_RANGE.match(response.headers.get("Content-Range") or "")
    except UNANSWERED:
        return None
    return _whole(found[1]) if found else None


def read_playlist(ydl: YoutubeDL, item: Info) -> str | None:
    """Return the text of an HLS media playlist."""
    body = read_some(ydl, item["url"], MAX_PLAYLIST_BYTES, item.get("http_headers"))
    return body.decode(errors="replace") if body and body.startswith(b"#EXTM3U") else None


def is_endless(playlist: str) -> bool:
    """Return whether more segments are to come: a live stream."""
    is_whole = "#EXT-X-ENDLIST" in playlist or bool(_ON_DEMAND.search(playlist))
    return bool(_SEGMENT.search(playlist)) and not is_whole


def duration_of(playlist: str) -> float | None:
    """Return the seconds of all segments."""
    try:
        return sum(float(length) for length in _SEGMENT.findall(playlist)) or None
    except ValueError:
        return None


def is_media(ydl: YoutubeDL, item: Info) -> bool:
    """Return whether it begins like a film or sound; True when its first bytes do not come."""
    start = read_some(ydl, item["url"], HEAD_BYTES, item.get("http_headers"))
    return start is None or any(pattern.match(start) for pattern in _SIGNATURES)


def read_some(
    ydl: YoutubeDL, url: str, limit_bytes: int, headers: dict[str, str] | None = None
) -> bytes | None:
    """Return the first limit_bytes of what is at url, or less when there is no more."""
    try:
        with _open(ydl, Request(url, headers=headers or {})) as response:
            return bytes(response.read(limit_bytes))
    except UNANSWERED:
        return None


def _open(ydl: YoutubeDL, request: Request) -> Response:
    request.extensions["timeout"] = ANSWER_TIMEOUT_S
    return ydl.urlopen(request)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 16 else None
