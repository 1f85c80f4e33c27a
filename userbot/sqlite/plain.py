"""Small values of the domain as columns keep them: JSON, and times as numbers."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from userbot.sqlite.rows import EPOCH, TICK, json_text

FIRST_DAY = date(1970, 1, 1)

T = TypeVar("T")


def dump(value: object) -> str:
    """Return a value of the domain as JSON."""
    return json_text(_adapter(type(value)).dump_python(value, mode="json"))


def load(kind: type[T], text: str | None) -> T | None:
    """Return the value that JSON stands for. Raises ValueError for what is not one."""
    if text is None:
        return None
    value: T = _adapter(kind).validate_json(text)
    return value


def plain(value: object) -> dict[str, Any]:
    """Return the fields of a value in plain types."""
    fields: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json")
    return fields


def made(kind: type[T], fields: dict[str, Any]) -> T:
    """Return the value with these fields. Raises ValueError when there is none."""
    value: T = _adapter(kind).validate_python(fields)
    return value


def when(number: int | None) -> datetime | None:
    """Return a stored time."""
    return None if number is None else EPOCH + number * TICK


def day_number(day: date) -> int:
    """Return a day as it is stored."""
    return (day - FIRST_DAY).days


def day_of(number: int) -> date:
    """Return a stored day."""
    return date.fromordinal(FIRST_DAY.toordinal() + number)


def utc_day(moment: datetime) -> date:
    """Return the day of a moment in UTC."""
    return moment.astimezone(UTC).date()


def columns(names: Iterable[str]) -> str:
    """Return the columns and the named values of an INSERT."""
    known = list(names)
    return f"({', '.join(known)}) VALUES ({', '.join(':' + name for name in known)})"


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what knows a class. Any: mypy does not take every class for hashable."""
    return _made_adapter(kind)


@cache
def _made_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
