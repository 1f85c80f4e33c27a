"""Text as a terminal takes it: nothing in it that gives orders, and how wide it is."""

import unicodedata

_JOINER = "\u200d"  # holds emoji together
_ORDERS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def safe(text: str) -> str:
    """Return text with every character replaced that could move a cursor or turn text around."""
    return "".join("·" if _is_order(character) else character for character in text)


def columns_of(text: str) -> int:
    """Return how many columns text takes, rather too many than too few."""
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Return text cut to columns, with an ellipsis where something went."""
    if columns_of(text) <= columns:
        return text
    kept, used = [], 1
    for character in text:
        used += _columns(character)
        if used > columns:
            break
        kept.append(character)
    return "".join(kept) + "…"


def tail(text: str, columns: int) -> str:
    """Return the end of text that fits into columns."""
    while columns_of(text) > columns:
        text = text[1:]
    return text


def _is_order(character: str) -> bool:
    return character != _JOINER and unicodedata.category(character) in _ORDERS


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character == _JOINER:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
