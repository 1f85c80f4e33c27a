"""Texts for the owner's eyes, without what opens doors: keys in addresses, cookies, passwords."""

import re

_URL = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@'\"<>]*@)?"
    r"(?P<host>[^\s/?#@'\"<>]*)(?P<path>[^\s?#'\"<>]*)(?P<query>[?#][^\s'\"<>]*)?",
    re.IGNORECASE,
)
_LONG_STEP = re.compile(r"[^/]{33,}")  # no name for people, and maybe a key
_HEADER = re.compile(
    r"\b((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s*[:=]\s*).+", re.IGNORECASE
)
_PAIR = re.compile(
    r"\b([\w-]*(?:token|secret|passw(?:or)?d|session(?:id)?|api_?key|signature))"
    r"(['\"]?\s*[:=]\s*)[^\s,;&]+",
    re.IGNORECASE,
)
_GONE = "\N{HORIZONTAL ELLIPSIS}"


def head(text: str, length: int) -> str:
    """Return the beginning of text, at most length characters, to be redacted afterwards.

    No word is cut: of half an address or key `redact` would not know what it is.
    """
    return text if len(text) <= length else re.sub(r"\S+\Z", "", text[:length]) + _GONE


def redact(text: str) -> str:
    """Return text with no query, user or long step in its addresses, no cookie, password, token."""
    text = _URL.sub(_bare, text)
    text = _HEADER.sub(rf"\1\2{_GONE}", text)
    return _PAIR.sub(rf"\1\2{_GONE}", text)


def _bare(url: re.Match[str]) -> str:
    path = _LONG_STEP.sub(_GONE, url["path"])
    return f"{url['scheme']}{url['host']}{path}{'?' + _GONE if url['query'] else ''}"
