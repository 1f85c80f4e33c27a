"""What caches keep, as text, and back: others may have written it, so it is checked.

A page is its cover (base64, "" for none), a line break, and the extraction as it crosses from a
worker.
"""

import base64
import binascii
from dataclasses import replace
from functools import cache

from pydantic import TypeAdapter, ValidationError

from userbot.domain.media import MAX_UPLOAD_BYTES, Extraction, KnownFile
from userbot.errors import WorkerDiedError
from userbot.wire import STRICT, decode_reply, encode_reply

MAX_FILES = 10  # an album
MAX_FILE_ID_CHARS = 500
MAX_TITLE_CHARS = 2000


def page_text(extraction: Extraction, cover: bytes) -> str:
    """Return an extraction and the JPEG of its cover as text. Raises ValueError."""
    reply = encode_reply(replace(extraction, cover=None))
    return f"{base64.b64encode(cover).decode()}\n{reply.decode()}"


def page_of(text: str) -> tuple[Extraction, bytes] | None:
    """Return what page_text was given; None for anything that it has not written."""
    cover, _, reply = text.partition("\n")
    try:
        extraction = decode_reply(reply.encode())
        picture = base64.b64decode(cover, validate=True)
    except (WorkerDiedError, UnicodeEncodeError, binascii.Error):
        return None
    if not isinstance(extraction, Extraction) or extraction.cover is not None:
        return None
    return extraction, picture


def file_text(known: KnownFile) -> str:
    """Return a file that Telegram has as text."""
    return _files().dump_json(known).decode()


def file_of(text: str) -> KnownFile | None:
    """Return what file_text was given; None for anything that it has not written."""
    try:
        known = _files().validate_json(text)
    except (ValidationError, UnicodeEncodeError):
        return None
    return known if known is not None and _is_sound(known) else None


def _is_sound(known: KnownFile) -> bool:
    ids = known.file_ids
    is_short = 0 < len(ids) <= MAX_FILES and all(len(item) <= MAX_FILE_ID_CHARS for item in ids)
    has_size = known.size_bytes is None or 0 < known.size_bytes <= MAX_UPLOAD_BYTES
    return is_short and has_size and len(known.title) <= MAX_TITLE_CHARS


@cache
def _files() -> TypeAdapter[KnownFile | None]:
    return TypeAdapter(KnownFile | None, config=STRICT)  # of a class alone it would have its own
