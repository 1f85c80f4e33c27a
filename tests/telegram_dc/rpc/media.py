"""Files: from InputMedia to what is kept, and back out through getFile."""

import mimetypes
import os
from pathlib import Path
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.errors import bad
from tests.telegram_dc.files import Assembled
from tests.telegram_dc.images import image_size
from tests.telegram_dc.model import StoredMedia
from tests.telegram_dc.part_rules import MAX_SMALL_BYTES
from tests.telegram_dc.rpc.call import Call, Handler
from tests.telegram_dc.rpc.rights import writable_chat

_MAX_PHOTO_SUM = 10_000
_MAX_PHOTO_RATIO = 20
_MIB = 1024 * 1024


async def stored_media(call: Call, media: Any) -> StoredMedia:
    """What an InputMedia stands for. Raises Telegram's errors for missing parts, for unknown or
    expired files, and for kinds this data centre does not know."""
    if isinstance(media, tl.types.InputMediaUploadedDocument):
        return await _new_document(call, media)
    if isinstance(media, tl.types.InputMediaUploadedPhoto):
        return await _new_photo(call, media)
    if isinstance(media, (tl.types.InputMediaDocument, tl.types.InputMediaPhoto)):
        is_photo = isinstance(media, tl.types.InputMediaPhoto)
        return _known(call, media.id, "PHOTO_INVALID" if is_photo else "DOCUMENT_INVALID")
    if isinstance(media, (tl.types.InputMediaDocumentExternal, tl.types.InputMediaPhotoExternal)):
        raise bad("WEBPAGE_CURL_FAILED")
    raise bad("MEDIA_INVALID")


async def _new_document(call: Call, media: Any) -> StoredMedia:
    assembled = await _assembled(call, media.file)
    thumb = None
    if media.thumb is not None:
        image = await _assembled(call, media.thumb)
        thumb = await call.server.in_thread(call.server.files.thumb, image)
    names = [a.file_name for a in media.attributes if hasattr(a, "file_name")]
    return _keep(
        call,
        StoredMedia(
            _kind(media),
            names[0] if names else assembled.name,
            media.mime_type or mimetypes.guess_type(assembled.name)[0] or "",
            assembled.size,
            assembled.sha256,
            assembled.path,
            list(media.attributes),
            thumb=thumb,
        ),
    )


def _kind(media: Any) -> str:
    if media.force_file:
        return "document"
    by_type = {type(attribute): attribute for attribute in media.attributes}
    if audio := by_type.get(tl.types.DocumentAttributeAudio):
        return "voice" if audio.voice else "audio"
    if tl.types.DocumentAttributeAnimated in by_type:
        return "animation"
    has_video = tl.types.DocumentAttributeVideo in by_type
    return "video" if has_video and media.mime_type.startswith("video/") else "document"


async def _new_photo(call: Call, media: Any) -> StoredMedia:
    assembled = await _assembled(call, media.file)
    if assembled.size > MAX_SMALL_BYTES:
        raise bad("PHOTO_INVALID_DIMENSIONS")
    size = image_size(await call.server.in_thread(assembled.path.read_bytes))
    if size is None:
        raise bad("IMAGE_PROCESS_FAILED")
    if sum(size) > _MAX_PHOTO_SUM or max(size) > _MAX_PHOTO_RATIO * min(size):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    path, length, digest, name = assembled
    photo = StoredMedia("photo", name, "image/jpeg", length, digest, path)
    photo.width, photo.height = size
    return _keep(call, photo)


async def _assembled(call: Call, input_file: Any) -> Assembled:
    files = call.server.files
    upload = files.find(call.session.auth.id, input_file)
    assembled = await call.server.in_thread(files.assemble, upload, input_file.name)
    await call.server.in_thread(files.check_md5, upload, input_file)
    assert isinstance(assembled, Assembled)
    return assembled


def _keep(call: Call, media: StoredMedia) -> StoredMedia:
    media.is_uploaded = True
    call.world.media[media.id] = media
    return media


def _known(call: Call, location: Any, unknown: str) -> StoredMedia:
    media = call.world.media.get(getattr(location, "id", 0))
    if media is None or media.access_hash != location.access_hash:
        raise bad(unknown)
    if media.file_reference != location.file_reference:
        raise bad("FILE_REFERENCE_EXPIRED")
    return media


async def _upload_media(call: Call, query: Any) -> Any:
    if not isinstance(query.peer, tl.types.InputPeerSelf):
        writable_chat(call, query.peer)
    return render.media(await stored_media(call, query.media))


async def _get_file(call: Call, query: Any) -> Any:
    """https://core.telegram.org/api/files#downloading-files"""
    if query.limit <= 0 or query.limit % 4096 or _MIB % query.limit:
        raise bad("LIMIT_INVALID")
    if query.offset < 0 or query.offset % 4096:
        raise bad("OFFSET_INVALID")
    media = _known(call, query.location, "FILE_ID_INVALID")
    path = media.path
    wants_thumb = media.kind != "photo" and query.location.thumb_size
    if wants_thumb:
        if media.thumb is None:
            raise bad("LOCATION_INVALID")
        path = media.thumb.path
    data = await call.server.in_thread(_read, path, query.offset, query.limit)
    kind = tl.types.storage.FilePartial()
    return tl.types.upload.File(type=kind, mtime=media.date, bytes=data)


def _read(path: Path, offset: int, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)


HANDLERS: dict[Any, Handler] = {
    tl.functions.messages.UploadMedia: _upload_media,
    tl.functions.upload.GetFile: _get_file,
}
