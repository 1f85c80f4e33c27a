"""From the markup of `texts` to Telegram's own form: plain text, and entities that style it.

Only <b>, <code>, <pre>, <a href="..."> - none inside another - and HTML's escapes. Pyrogram's own
parser unescapes twice, which turns what a title says into tags.
"""

import html
import re

from pyrogram.enums import MessageEntityType
from pyrogram.types import MessageEntity

_TAG = re.compile(r'<(?P<tag>b|code|pre|a)(?: href="(?P<url>[^"<>]*)")?>|</(?:b|code|pre|a)>')


def styled(markup: str) -> tuple[str, list[MessageEntity]]:
    """Return plain text and its entities, which Telegram counts in UTF-16 units."""
    plain, entities, at, begun = "", [], 0, 0
    opened: re.Match[str] | None = None
    for match in _TAG.finditer(markup):
        plain += html.unescape(markup[at : match.start()])
        at = match.end()
        if match["tag"]:
            opened, begun = match, utf16_units(plain)
        elif opened and (length := utf16_units(plain) - begun):
            entities.append(_entity(opened, begun, length))
    return plain + html.unescape(markup[at:]), entities


def utf16_units(text: str) -> int:
    """Return the length of text as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _entity(opened: re.Match[str], offset: int, length: int) -> MessageEntity:
    if opened["tag"] == "a":
        kind, url = MessageEntityType.TEXT_LINK, html.unescape(opened["url"] or "")
        return MessageEntity(type=kind, offset=offset, length=length, url=url)
    if opened["tag"] == "pre":
        kind = MessageEntityType.PRE
        return MessageEntity(type=kind, offset=offset, length=length, language="")
    kind = MessageEntityType.BOLD if opened["tag"] == "b" else MessageEntityType.CODE
    return MessageEntity(type=kind, offset=offset, length=length)
