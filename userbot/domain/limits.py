"""How often people may ask for something, and how much they may take on a day."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from userbot.domain.people import Quota

UNITS_S = {"s": 1, "m": 60, "h": 3600}
MAX_COUNT = 100_000
MAX_WINDOW_S = 24 * 3600
_ITEM = re.compile(
    r"((?P<name>[a-z]+)[ =:]+)?((?P<count>\d{1,6})/(?P<time>\d{1,5})(?P<unit>[smh])|off)"
)


class Operation(StrEnum):
    """What is counted."""

    LINK = "link"  # each link of a message
    DOWNLOAD = "download"  # a quality that is picked, another try
    COMMAND = "command"  # and any other message that gets an answer
    BUTTON = "button"  # each tap


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in any `window_s` seconds."""

    count: int
    window_s: int


Rates = Mapping[Operation, Rate]
"""What is not in it has no limit."""


@dataclass(frozen=True, slots=True)
class Allowances:
    """What the bot does for everybody together, for one chat, and for one person by their role."""

    everybody: Rates
    chat: Rates
    user: Rates
    trusted: Rates
    user_quota: Quota
    trusted_quota: Quota


def parse_rates(text: str, others: Rates) -> Rates:
    """Return the rates that text says: `20/60s` for all, or `link 20/60s, download 100/1h`.

    `off` in place of a rate lifts the limit. Operations without a word are as in `others`. Raises
    ValueError with the part that says nothing.
    """
    rates = dict(others)
    for part in text.split(","):
        operations, rate = _parse(part.strip())
        for operation in operations:
            rates.pop(operation, None)
            if rate is not None:
                rates[operation] = rate
    return rates


def day_of(now: datetime) -> date:
    """Return the day that counts: days begin at midnight UTC. `now` is aware UTC."""
    return now.date()


def next_day(now: datetime) -> datetime:
    """Return when the next day begins."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), now.tzinfo)


def _parse(part: str) -> tuple[tuple[Operation, ...], Rate | None]:
    found = _ITEM.fullmatch(part.lower())
    if found is None:
        raise ValueError(part)
    name = found["name"]
    if name is not None and name not in tuple(Operation):
        raise ValueError(part)
    operations = tuple(Operation) if name is None else (Operation(name),)
    if found["count"] is None:
        return operations, None
    rate = Rate(int(found["count"]), int(found["time"]) * UNITS_S[found["unit"]])
    if not 0 < rate.count <= MAX_COUNT or not 0 < rate.window_s <= MAX_WINDOW_S:
        raise ValueError(part)
    return operations, rate
