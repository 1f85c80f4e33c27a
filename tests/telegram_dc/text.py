"""Telegram's rules for text: lengths in UTF-16 units, entities it adds by itself."""

import re
from collections.abc import Iterator
from typing import Any

from tests.telegram_dc import tl
from tests.telegram_dc.errors import bad

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
_MAX_ENTITIES = 100

_URL = re.compile(
    r"https?://[^\s<>\"]+"
    r"|\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
    r"(?:com|net|org|edu|gov|io|dev|app|tv|be|ru|de|uk|fr|it|es|nl|me|co|gg|info|xyz|site|video)\b"
    r"(?::\d+)?(?:/[^\s<>\"]*)?",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?!\w)")
_MENTION = re.compile(r"(?<![\w@/.])@[A-Za-z]\w{2,31}\b")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check_text(text: str) -> None:
    if not text.strip():
        raise bad("MESSAGE_EMPTY")
    if units(text) > MAX_TEXT_UNITS:
        raise bad("MESSAGE_TOO_LONG")


def check_caption(text: str) -> None:
    if units(text) > MAX_CAPTION_UNITS:
        raise bad("MEDIA_CAPTION_TOO_LONG")


def with_own_entities(text: str, given: list[Any] | None) -> list[Any]:
    """The caller's entities and those Telegram finds itself, in order of their offsets.

    Raises ENTITY_BOUNDS_INVALID for one outside of the text.
    """
    entities = list(given or [])[:_MAX_ENTITIES]
    total = units(text)
    for entity in entities:
        if entity.offset < 0 or entity.length <= 0 or entity.offset + entity.length > total:
            raise bad("ENTITY_BOUNDS_INVALID")
    entities += [found for found in _detect(text) if not _overlaps(found, entities)]
    return sorted(entities, key=lambda entity: (entity.offset, -entity.length))


def _overlaps(found: Any, entities: list[Any]) -> bool:
    opaque = (
        tl.types.MessageEntityTextUrl,
        tl.types.MessageEntityCode,
        tl.types.MessageEntityPre,
        tl.types.MessageEntityUrl,
        tl.types.MessageEntityMentionName,
    )
    return any(
        isinstance(entity, opaque)
        and entity.offset < found.offset + found.length
        and found.offset < entity.offset + entity.length
        for entity in entities
    )


def _detect(text: str) -> Iterator[Any]:
    taken: list[tuple[int, int]] = []
    patterns = (
        (_URL, tl.types.MessageEntityUrl),
        (_COMMAND, tl.types.MessageEntityBotCommand),
        (_MENTION, tl.types.MessageEntityMention),
    )
    for pattern, entity in patterns:
        for match in pattern.finditer(text):
            found = match.group().rstrip(".,;:!?)]}'")
            start, end = match.start(), match.start() + len(found)
            if all(end <= a or start >= b for a, b in taken):
                taken.append((start, end))
                yield entity(offset=units(text[:start]), length=units(found))


def action_name(action: Any) -> str:
    """`chat_add_user` for MessageActionChatAddUser."""
    return _snake_case(type(action).__name__.removeprefix("MessageAction"))


def entity_type(entity: Any) -> str:
    """`text_link` for MessageEntityTextUrl, else the constructor's name in snake case."""
    name = type(entity).__name__.removeprefix("MessageEntity")
    if name == "TextUrl":
        return "text_link"
    return _snake_case(name)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
