"""The world as the control sees it, in plain values."""

from typing import Any

from tests.telegram_dc import tl, wire
from tests.telegram_dc.model import StoredMedia, StoredMessage
from tests.telegram_dc.text import action_name, entity_type


def message(value: StoredMessage) -> wire.Message:
    return wire.Message(
        id=value.id,
        chat_id=value.chat_id,
        sender_id=value.sender_id,
        text=value.text,
        date=value.date,
        out=value.out,
        entities=tuple(
            wire.Entity(entity_type(e), e.offset, e.length, getattr(e, "url", None))
            for e in value.entities
        ),
        reply_to=value.reply_to,
        buttons=_buttons(value.markup),
        media=media(value.media) if value.media else None,
        edits=value.edits,
        deleted=value.deleted,
        album_id=value.album_id,
        reactions=tuple(value.reactions),
        topic=value.topic,
        service=action_name(value.action) if value.action is not None else None,
    )


def delivery(value: StoredMessage, file: StoredMedia) -> wire.Delivery:
    return wire.Delivery(
        chat_id=value.chat_id,
        message_id=value.id,
        reply_to=value.reply_to,
        topic=value.topic,
        random_id=value.random_id,
        kind=file.kind,
        document_id=file.id,
        size=file.size,
        sha256=file.sha256,
        album_id=value.album_id,
        deleted=value.deleted,
    )


def _buttons(markup: Any) -> tuple[tuple[wire.Button, ...], ...]:
    return tuple(
        tuple(
            wire.Button(
                button.text,
                getattr(button.type, "data", None),
                getattr(button.type, "url", None),
            )
            for button in row.buttons
        )
        for row in getattr(markup, "rows", ())
    )


def media(value: StoredMedia) -> wire.Media:
    by_type = {type(item): item for item in value.attributes}
    video = by_type.get(tl.types.DocumentAttributeVideo)
    audio = by_type.get(tl.types.DocumentAttributeAudio)
    timed = video or audio
    return wire.Media(
        kind=value.kind,
        id=value.id,
        file_name=value.file_name,
        mime_type=value.mime_type,
        size=value.size,
        sha256=value.sha256,
        path=value.path,
        duration=timed.duration if timed else None,
        width=video.w if video else value.width or None,
        height=video.h if video else value.height or None,
        supports_streaming=bool(video and video.supports_streaming),
        nosound=bool(video and video.nosound),
        title=audio.title if audio else None,
        performer=audio.performer if audio else None,
        thumb=value.thumb,
    )
