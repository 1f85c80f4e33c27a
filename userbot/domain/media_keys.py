"""Which links are the same page and which files the same file: the names under which both are kept.

Keys are digests: nothing that a person or a site wrote is ever part of one.
"""

import hashlib
import re
from typing import NewType

from userbot.domain.choices import Choice
from userbot.domain.history import has_name, name_of, variant_of
from userbot.domain.link_forms import canonical_link, site_of, video_link
from userbot.domain.media import MAX_LINKS, Extraction
from userbot.domain.urls import MAX_LINK_CHARS

PageKey = NewType("PageKey", str)
FileKey = NewType("FileKey", str)


def page_key(url: str) -> PageKey:
    """Return the name of a page; the same for all forms of its link that are known."""
    return PageKey(f"page:{_digest(canonical_link(url))}")


def is_page_key(text: str) -> bool:
    """Say whether a text is what `page_key` returns."""
    return re.fullmatch(r"page:[0-9a-f]{40}", text) is not None


def file_key(bot_id: int, extraction: Extraction, choice: Choice) -> FileKey:
    """Return the name of the file that a choice of a video becomes, as one bot knows it."""
    parts = (str(bot_id), *_identity(extraction, choice), variant_of(choice))
    return FileKey(f"file:{_digest(*parts)}")


def page_keys(url: str, extraction: Extraction) -> tuple[PageKey, ...]:
    """Return all names under which the page that url led to may be found; the first is its own.

    Its own is the extractor's id where links of that site have it, else its last link. The links
    on the way count wherever they lead, as each was opened; what the page calls itself counts on
    its own site alone, so that none can speak for another.
    """
    links = [url, *filter(_is_link, extraction.links[-MAX_LINKS:])]
    site, names = site_of(links[-1]), [canonical_link(link) for link in reversed(links)]
    if site_of(extraction.page_url) == site:
        names.insert(0, canonical_link(extraction.page_url))
    own = video_link(site, extraction.media_id)
    if own and site == extraction.extractor.lower():
        names.insert(0, own)
    return tuple(dict.fromkeys(PageKey(f"page:{_digest(name)}") for name in names))


def _is_link(text: str) -> bool:
    return len(text) <= MAX_LINK_CHARS and bool(site_of(text))


def _identity(extraction: Extraction, choice: Choice) -> tuple[str, ...]:
    """Return what tells a video from others; of a nameless one also what it was like today."""
    if has_name(extraction):
        return (extraction.extractor, name_of(extraction))
    facts = (extraction.title, extraction.duration_s, choice.size_bytes)
    return (extraction.extractor, canonical_link(extraction.page_url), *map(str, facts))


def _digest(*parts: str) -> str:
    text = "\0".join(parts)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:40]
