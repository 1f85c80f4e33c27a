"""Values of the domain as a database keeps them: JSON, and times as numbers.

Times are whole microseconds since 1970 in UTC, days are counted from 1970.
"""

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)

T = TypeVar("T")


def moment(when: datetime) -> int:
    """Return an aware time as it is stored. Raises TypeError for a naive one."""
    return (when - EPOCH) // TICK


def when(number: int) -> datetime:
    """Return a stored time. Raises OverflowError for one that no calendar has."""
    return EPOCH + number * TICK


def day_number(day: date) -> int:
    """Return a day as it is stored."""
    return (day - EPOCH.date()).days


def day_of(number: int) -> date:
    """Return a stored day."""
    return EPOCH.date() + timedelta(days=number)


def utc_day(moment: datetime) -> date:
    """Return the day of a moment in UTC."""
    return moment.astimezone(UTC).date()


def clean(text: str) -> str:
    """Return text as UTF-8 can say it; the rest becomes a question mark."""
    return text.encode(errors="replace").decode()


def json_text(plain: object) -> str:
    """Return plain values as JSON."""
    return clean(json.dumps(plain, ensure_ascii=False))


def plain(value: object, without: Any = None) -> dict[str, Any]:
    """Return the fields of a value in plain types; `without` as pydantic's `exclude`."""
    adapter = _adapter(type(value))
    fields: dict[str, Any] = adapter.dump_python(value, mode="json", exclude=without)
    return fields


def made(kind: type[T], fields: dict[str, Any]) -> T:
    """Return the value with these fields. Raises ValueError when there is none."""
    value: T = _adapter(kind).validate_python(fields)
    return value


def dump(value: object) -> str:
    """Return a value as JSON."""
    return json_text(plain(value))


def load(kind: type[T], text: str | None) -> T | None:
    """Return the value that JSON stands for. Raises ValueError for what is not one."""
    if text is None:
        return None
    value: T = _adapter(kind).validate_json(text)
    return value


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what knows a class. Any: mypy does not take every class for hashable."""
    return _made_adapter(kind)


@cache
def _made_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
