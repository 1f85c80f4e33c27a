"""yt-dlp's record of a video (`info_dict`): what we keep of it, and how the domain reads it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.utils import MEDIA_EXTENSIONS

from userbot.domain.answers import (
    MAX_FORMAT_ID_LENGTH,
    MAX_FORMATS,
    MAX_RECORD_BYTES,
    is_page_url,
)
from userbot.domain.labels import NAME_LENGTH, TITLE_LENGTH, clean, first_clean
from userbot.domain.media import MAX_LINKS, Extraction, Format
from userbot.errors import BrokenMediaError, LiveError

Info = dict[str, Any]

MAX_TEXT_LENGTH = 10_000  # of a title and the like; an address may be longer

_IMAGE_EXTENSIONS = frozenset({"mhtml", "jpg", "jpeg", "png", "gif", "webp", "avif", "heic"})
_AUDIO_EXTENSIONS = frozenset({*MEDIA_EXTENSIONS.common_audio, *MEDIA_EXTENSIONS.audio})
_SECRET_HEADERS = frozenset({"cookie", "authorization", "proxy-authorization"})
_UNKNOWN_LANGUAGE = -1  # as yt-dlp sorts it: as good as a language that is not the original
_FIRST_OF_PAGE = " (1)"  # yt-dlp numbers the videos of a page, also a single one
_SOUND_KBPS = 128.0  # what to expect of sound whose bitrate HLS does not tell
_LOST_COOKIES = "lost_cookies"  # our own field of a format
_BULK = (
    "automatic_captions",
    "subtitles",
    "comments",
    "heatmap",
    "description",
    "chapters",
    "tags",
)


def formats_of(info: Info) -> list[Info]:
    """Return the formats with sound or picture, best last; without a list the record is one."""
    formats = info.get("formats") or [info]
    return [item for item in formats if _is_playable(item)][-MAX_FORMATS:]


def refuse_live(info: Info) -> None:
    """Raise LiveError when the video is live or has not begun."""
    status = info.get("live_status")
    if info.get("is_live") or status in ("is_live", "is_upcoming"):
        raise LiveError(str(status or "is_live"))


def extraction_of(
    info: Info, url: str, cover: Path | None, links: Sequence[str] = ()
) -> Extraction:
    """Return info as a domain value. `url` stands in where the site tells no address of its own.

    links: see `Extraction`.
    """
    media_id = clean(info.get("id"), NAME_LENGTH)
    return Extraction(
        extractor=first_clean(NAME_LENGTH, info.get("extractor_key"), "Generic"),
        media_id=media_id,
        title=title_of(info, fallback=media_id or urlsplit(url).hostname or "video"),
        page_url=page_url_of(info) or url,
        formats=tuple(item for item in map(_format, formats_of(info)) if _has_short_id(item)),
        info_json=record_of(info),
        channel=first_clean(NAME_LENGTH, info.get("channel"), info.get("uploader")) or None,
        duration_s=_positive(info.get("duration")),
        cover=cover,
        links=tuple(link for link in links if is_page_url(link))[-MAX_LINKS:],
    )


def title_of(info: Info, fallback: str = "video") -> str:
    """Return the title, fit to show; never empty."""
    title = first_clean(TITLE_LENGTH, info.get("title"), fallback)
    if info.get("extractor_key") == "HTML5MediaEmbed" or info.get("extractor") == "html5":
        return title.removesuffix(_FIRST_OF_PAGE)
    return title


def performer_of(info: Info) -> str | None:
    """Return who made it, fit to show."""
    names = ("artist", "creator", "channel", "uploader")
    return first_clean(NAME_LENGTH, *(info.get(name) for name in names)) or None


def page_url_of(info: Info) -> str | None:
    """Return the address of the page, when it is one that may be opened again."""
    url = info.get("webpage_url")
    return url if is_page_url(url) else None


def record_of(info: Info) -> str:
    """Return info as JSON without secrets, at most MAX_RECORD_BYTES long.

    What a download can do without goes first. DASH fragments go last: the download then reads the
    page again (`lacks_fragments`). Raises BrokenMediaError when it still does not fit.
    """
    try:
        return _record_of(info)
    except RecursionError as error:
        raise BrokenMediaError("the record of the video is nested too deeply") from error


def plain(info: Info) -> Info:
    """Return a copy without yt-dlp's private fields and objects, ready to be processed again."""
    # without remove_private_keys a stale `requested_formats` breaks the download
    record: Info = YoutubeDL.sanitize_info(dict(info), remove_private_keys=True)
    return record


def lacks_fragments(item: Info) -> bool:
    """Return whether record_of had to drop what a download of this format needs."""
    return bool(item.get("protocol") == "http_dash_segments" and not item.get("fragments"))


def lacks_cookies(item: Info) -> bool:
    """Return whether record_of had to drop cookies that came with the page of this format."""
    return bool(item.get(_LOST_COOKIES))


def _record_of(info: Info) -> str:
    record = plain(info)
    if "formats" in record:
        record["formats"] = formats_of(record)
    for part in (record, *formats_of(record)):
        _drop_secrets(part)
    _cut_texts(record)
    for text in _ever_smaller(record):
        if len(text) <= MAX_RECORD_BYTES:
            return text
    raise BrokenMediaError(f"the record of the video is over {MAX_RECORD_BYTES} bytes")


def _ever_smaller(record: Info) -> Iterator[str]:
    yield _json(record)
    for name in _BULK:
        record.pop(name, None)
    yield _json(record)
    for item in formats_of(record):
        item.pop("fragments", None)
    yield _json(record)


def _cut_texts(record: Info) -> None:
    for name, value in record.items():
        if isinstance(value, str) and not name.endswith("url"):
            record[name] = value[:MAX_TEXT_LENGTH]


def _json(record: Info) -> str:
    return json.dumps(record, separators=(",", ":"))


def _drop_secrets(part: Info) -> None:
    if part.pop("cookies", None):
        part[_LOST_COOKIES] = True
    headers = part.get("http_headers")
    if isinstance(headers, Mapping):
        part["http_headers"] = {
            name: value for name, value in headers.items() if name.lower() not in _SECRET_HEADERS
        }


def _is_playable(item: Info) -> bool:
    is_picture = str(item.get("ext")) in _IMAGE_EXTENSIONS or item.get("protocol") == "mhtml"
    is_nothing = item.get("vcodec") == "none" and item.get("acodec") == "none"
    return not is_picture and not is_nothing


def _format(item: Info) -> Format:
    exact = _positive(item.get("filesize"))
    size = exact or _positive(item.get("filesize_approx"))
    return Format(
        format_id=str(item.get("format_id") or "0"),
        ext=clean(item.get("ext"), 10),
        protocol=clean(item.get("protocol"), 50),
        video_codec=_video_codec(item),
        audio_codec=_codec(item.get("acodec")),
        width=_whole(item.get("width")),
        height=_whole(item.get("height")),
        fps=_positive(item.get("fps")),
        bitrate_kbps=_bitrate_kbps(item),
        size_bytes=_whole(size),
        is_size_exact=exact is not None,
        language_rank=_language_rank(item),
        is_hdr=item.get("dynamic_range") not in (None, "SDR"),
    )


def _has_short_id(item: Format) -> bool:
    """Return whether a format can be told of; a site makes its names as long as it likes."""
    return len(item.format_id) <= MAX_FORMAT_ID_LENGTH


def _video_codec(item: Info) -> str | None:
    """Return None for a link that ends in .mp3 too, of which yt-dlp does not say so."""
    codec = item.get("vcodec")
    is_sound = str(item.get("ext")) in _AUDIO_EXTENSIONS and not codec and not item.get("height")
    return None if is_sound else _codec(codec)


def _language_rank(item: Info) -> int:
    rank = _number(item.get("language_preference"))
    return _UNKNOWN_LANGUAGE if rank is None else int(rank)


def _bitrate_kbps(item: Info) -> float | None:
    is_sound = item.get("vcodec") == "none" and str(item.get("protocol")).startswith("m3u8")
    return _positive(item.get("tbr")) or (_SOUND_KBPS if is_sound else None)


def _codec(value: object) -> str | None:
    return None if value == "none" else clean(value, 50)


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(float(value)) < 1e15 else None  # type: ignore[arg-type]


def _positive(value: object) -> float | None:
    number = _number(value)
    return number if number and number > 0 else None


def _whole(value: object) -> int | None:
    number = _positive(value)
    return None if number is None else int(number)
