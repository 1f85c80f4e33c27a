"""From the markup of `texts` to Telegram's own form: plain text, and entities that style it.

Only <b>, <code> and HTML's escapes. Pyrogram's own parser unescapes twice, which turns what a title
says into tags.
"""

import html
import re

from pyrogram.enums import MessageEntityType
from pyrogram.types import MessageEntity

_TAG = re.compile(r"<(/?)(b|code)>")
_TYPES = {"b": MessageEntityType.BOLD, "code": MessageEntityType.CODE}


def styled(markup: str) -> tuple[str, list[MessageEntity]]:
    """Return plain text and its entities, which Telegram counts in UTF-16 units."""
    plain, entities, begun = "", [], 0
    pieces = _TAG.split(markup)  # text, slash, tag, text, slash, tag, ... text
    for text, slash, tag in zip(pieces[::3], [*pieces[1::3], ""], [*pieces[2::3], ""], strict=True):
        plain += html.unescape(text)
        if tag and not slash:
            begun = utf16_units(plain)
        elif tag and (length := utf16_units(plain) - begun):
            entities.append(MessageEntity(type=_TYPES[tag], offset=begun, length=length))
    return plain, entities


def utf16_units(text: str) -> int:
    """Return the length of text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
