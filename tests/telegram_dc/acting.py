"""What acting users put into their messages: entities, photos, videos, files."""

import hashlib
import mimetypes
import secrets
import struct
from pathlib import Path
from typing import Any

from tests.telegram_dc import tl
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.model import StoredMedia
from tests.telegram_dc.server import Server

_PHOTO_SIZE = (640, 360)
_VIDEO_SIZE = (1280, 720)
_VIDEO_S = 12.0


def entities_from(values: list[dict[str, Any]]) -> list[Any]:
    """{"type": "text_link", "offset", "length", "url"} and the like, in TL."""
    return [_entity(**value) for value in values]


def _entity(type: str, offset: int, length: int, url: str | None = None) -> Any:
    if type == "text_link":
        return tl.types.MessageEntityTextUrl(offset=offset, length=length, url=url)
    name = "MessageEntity" + type.title().replace("_", "")
    constructor = getattr(tl.types, name, None)
    if constructor is None:
        raise ControlError(f"no entity {type}")
    return constructor(offset=offset, length=length)


def attachment(server: Server, kind: str, path: str | None) -> StoredMedia:
    """A file a user sends; a few made-up bytes when there is no `path`."""
    if kind not in {"photo", "video", "document"}:
        raise ControlError(f"users send a photo, video or document, not {kind}")
    source = Path(path) if path else _made_up(server.directory, kind)
    data = source.read_bytes()
    media = StoredMedia(
        kind,
        source.name,
        mimetypes.guess_type(source.name)[0] or "application/octet-stream",
        len(data),
        hashlib.sha256(data).hexdigest(),
        source,
    )
    if kind == "photo":
        media.width, media.height = _PHOTO_SIZE
    else:
        media.attributes = _attributes(kind, source.name)
    server.world.media[media.id] = media
    return media


def _attributes(kind: str, name: str) -> list[Any]:
    width, height = _VIDEO_SIZE
    video = tl.types.DocumentAttributeVideo(duration=_VIDEO_S, w=width, h=height)
    return [
        *([video] if kind == "video" else []),
        tl.types.DocumentAttributeFilename(file_name=name),
    ]


def _made_up(directory: Path, kind: str) -> Path:
    name = {"photo": "photo.jpg", "video": "video.mp4", "document": "file.bin"}[kind]
    path = directory / "files" / f"user-{secrets.token_hex(4)}-{name}"
    width, height = _PHOTO_SIZE
    header = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width)
    path.write_bytes(header + bytes(64))
    return path
