"""What of a worker's answer goes on: texts fit to show, numbers to reckon with, kinds we know.

A worker may run foreign code, so what an honest one has done already is done again here.
"""

from dataclasses import replace
from typing import TypeGuard
from urllib.parse import urlsplit

from userbot.domain.labels import NAME_LENGTH, TITLE_LENGTH, clean
from userbot.domain.media import MAX_LINKS, MIME_TYPES, Extraction, Format, MediaFile, Thumbnail
from userbot.domain.urls import MAX_LINK_CHARS
from userbot.errors import WorkerDiedError

MAX_RECORD_BYTES = 4 * 1024 * 1024  # of `info_json`
MAX_FORMATS = 200
MAX_FORMAT_ID_LENGTH = 500
MAX_DURATION_S = 10_000_000.0  # four months; Telegram counts seconds in 32 bits
MAX_SIDE = 65_535  # pixels
MAX_THUMBNAIL_SIDE = 320

_WORD_LENGTH = 50  # of a codec, a protocol


def fit_extraction(found: Extraction, asked: str) -> Extraction:
    """Return found, fit to show and to keep. asked: the link, for where it tells no good one.

    Raises WorkerDiedError for a record above MAX_RECORD_BYTES.
    """
    if len(found.info_json) > MAX_RECORD_BYTES:
        raise WorkerDiedError("a record of too many bytes")
    usable = [item for item in found.formats if len(item.format_id) <= MAX_FORMAT_ID_LENGTH]
    return replace(
        found,
        extractor=clean(found.extractor, NAME_LENGTH),
        media_id=clean(found.media_id, NAME_LENGTH),
        title=clean(found.title, TITLE_LENGTH) or "video",
        page_url=found.page_url if is_page_url(found.page_url) else asked,
        formats=tuple(map(_fit_format, usable[-MAX_FORMATS:])),
        channel=clean(found.channel, NAME_LENGTH) or None,
        duration_s=None if found.duration_s is None else min(found.duration_s, MAX_DURATION_S),
        links=tuple(filter(is_page_url, found.links))[-MAX_LINKS:],
    )


def fit_media(made: MediaFile) -> MediaFile:
    """Return made, fit to send; what kind of file it is tells its ending alone.

    Raises WorkerDiedError for an ending that no call of ours gives, or no thumbnail of ours.
    """
    mime_type = MIME_TYPES.get(made.path.suffix)
    if mime_type is None:
        raise WorkerDiedError("a file of a kind that is never sent")
    small = made.thumbnail
    if small and not _is_thumbnail(small):
        raise WorkerDiedError("a thumbnail that is none")
    return replace(
        made,
        mime_type=mime_type,
        duration_s=min(made.duration_s, MAX_DURATION_S),
        width=min(made.width, MAX_SIDE),
        height=min(made.height, MAX_SIDE),
        title=clean(made.title, TITLE_LENGTH) or "video",
        performer=clean(made.performer, NAME_LENGTH) or None,
    )


def is_page_url(url: object) -> TypeGuard[str]:
    """Return whether url may be shown and opened again: of the web, with nothing hidden in it."""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return False
    if len(url) > MAX_LINK_CHARS or clean(url, MAX_LINK_CHARS) != url:
        return False
    try:
        return "@" not in urlsplit(url).netloc
    except ValueError:
        return False


def _is_thumbnail(small: Thumbnail) -> bool:
    sides = (small.width, small.height)
    return small.path.suffix == ".jpg" and all(0 < side <= MAX_THUMBNAIL_SIDE for side in sides)


def _fit_format(item: Format) -> Format:
    return replace(
        item,
        ext=clean(item.ext, _WORD_LENGTH),
        protocol=clean(item.protocol, _WORD_LENGTH),
        video_codec=_fit_codec(item.video_codec),
        audio_codec=_fit_codec(item.audio_codec),
    )


def _fit_codec(codec: str | None) -> str | None:
    return None if codec is None else clean(codec, _WORD_LENGTH)
