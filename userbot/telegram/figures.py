"""Numbers, days and lengths as people write them. Nothing here knows what they are about."""

import math
from datetime import date

from userbot.telegram.markup import utf16_units

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(when: date) -> str:
    """Return a day as people write it: `2 Nov`."""
    return f"{when.day} {MONTHS[when.month - 1]}"


def count(number: int, what: str) -> str:
    """Return a number of things: `1 link`, `2 links`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return bytes as people write them: `950 kB`, `8.2 MB`, `145 MB`, `1.4 GB`."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes > step * 0.999:  # what is less is at most 999 of the next unit
            value = size_bytes / step
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return f"{math.ceil(size_bytes / 1e3)} kB"


def duration(seconds: float) -> str:
    """Return a length as players show it: `0:07`, `4:05`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_left(seconds: float) -> str:
    """Return a time to wait, rounded as people do: `15 s`, `3 min`, `1.5 h`."""
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    if seconds < 59.5 * 60:
        return f"{max(round(seconds / 60), 1)} min"
    return f"{seconds / 3600:.1f}".removesuffix(".0") + " h"


def ordinal(number: int) -> str:
    """Return `1st`, `2nd`, `3rd`, `4th`, `11th` ..."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def cut(text: str, units: int) -> str:
    """Return text cut to units UTF-16 units, with an ellipsis where something went."""
    if utf16_units(text) <= units:
        return text
    raw = text.encode("utf-16-le", "surrogatepass")[: (units - 1) * 2]
    return raw.decode("utf-16-le", "ignore").rstrip() + "…"
