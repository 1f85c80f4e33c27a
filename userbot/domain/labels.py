"""Texts of a site, made fit to show: one bounded line without signs that hide or turn text."""

import unicodedata

TITLE_LENGTH = 300
NAME_LENGTH = 100

_JOINERS = "\u200c\u200d"  # needed by Persian and by emoji made of several signs
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters by their category, and nothing to see
_BROKEN = frozenset({"Zl", "Zp"})


def clean(text: object, length: int) -> str:
    """Return text as one visible line of at most length characters; "" for anything but a text."""
    if not isinstance(text, str):
        return ""
    head = text[: 20 * length]  # a megabyte of title costs nothing
    visible = "".join(map(shown, head))
    return " ".join(visible.split())[:length].strip()


def first_clean(length: int, *texts: object) -> str:
    """Return the first of texts that has anything to show, else ""."""
    return next((found for text in texts if (found := clean(text, length))), "")


def shown(sign: str) -> str:
    """Return sign, a space for what only looks like one, or "" for what nobody sees."""
    if sign in _JOINERS:
        return sign
    category = unicodedata.category(sign)
    if sign.isspace() or sign in _BLANKS or category in _BROKEN:
        return " "
    return "" if category in _DROPPED else sign
