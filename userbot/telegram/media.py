"""How a finished file becomes a Telegram document with everything a player wants to know."""

import struct
from typing import Any

from pyrogram import raw
from pyrogram.file_id import FileId, FileType

from userbot.domain.filenames import file_name
from userbot.domain.media import MediaFile, MediaKind
from userbot.errors import FileRefusedError


def uploaded(file: MediaFile, handle: Any, thumbnail: Any) -> Any:
    """Return the InputMedia of an uploaded file. `thumbnail` is an uploaded JPEG or None."""
    is_video = file.kind is MediaKind.VIDEO
    return raw.types.InputMediaUploadedDocument(
        file=handle,
        mime_type=file.mime_type,
        attributes=[
            _video(file) if is_video else _audio(file),
            raw.types.DocumentAttributeFilename(file_name=_name(file)),
        ],
        thumb=thumbnail,
        # Without it Telegram turns a silent video into a GIF.
        nosound_video=True if is_video and not file.has_audio else None,
    )


def known(file_id: str) -> Any:
    """Return the InputMedia of a file that Telegram has. Raises FileRefusedError for no file id."""
    try:
        identity = FileId.decode(file_id)
        document = raw.types.InputDocument(
            id=identity.media_id,
            access_hash=identity.access_hash,
            file_reference=identity.file_reference or b"",
        )
        document.write()  # numbers out of bounds
    except (ValueError, TypeError, IndexError, AttributeError, struct.error) as error:
        raise FileRefusedError("FILE_ID_INVALID") from error
    return raw.types.InputMediaDocument(id=document)


def document_of(message: raw.types.Message) -> Any:
    """Return the raw document of a sent message, None when it has none."""
    return getattr(message.media, "document", None)


def file_id(document: Any, kind: MediaKind) -> str:
    """Return the file id by which this bot can send a document again."""
    identity = FileId(
        file_type=FileType.VIDEO if kind is MediaKind.VIDEO else FileType.AUDIO,
        dc_id=document.dc_id,
        media_id=document.id,
        access_hash=document.access_hash,
        file_reference=document.file_reference,
    )
    return str(identity.encode())


def _video(file: MediaFile) -> Any:
    return raw.types.DocumentAttributeVideo(
        duration=file.duration_s,
        w=file.width,
        h=file.height,
        supports_streaming=file.is_streamable or None,
    )


def _audio(file: MediaFile) -> Any:
    return raw.types.DocumentAttributeAudio(
        duration=round(file.duration_s), title=file.title, performer=file.performer
    )


def _name(file: MediaFile) -> str:
    return file_name(file.title, file.path.suffix.lstrip("."))
