"""Small values of the domain as documents keep them: JSON, and times as numbers."""

import json
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pymongo.errors import DuplicateKeyError

from userbot.mongo.client import Collection, Document
from userbot.mongo.documents import EPOCH, TICK, clean

FIRST_DAY = date(1970, 1, 1)

T = TypeVar("T")


def text(value: object) -> str:
    """Return plain values as JSON."""
    return clean(json.dumps(value, ensure_ascii=False))


def dump(value: object) -> str:
    """Return a value of the domain as JSON."""
    return text(plain(value))


def load(kind: type[T], value: str | None) -> T | None:
    """Return the value that JSON stands for. Raises ValueError for what is not one."""
    if value is None:
        return None
    loaded: T = _adapter(kind).validate_json(value)
    return loaded


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


async def change(collection: Collection, query: Document, update: Document) -> None:
    """Change the document of an `_id`, made if missing."""
    try:
        await collection.update_one(query, update, upsert=True)
    except DuplicateKeyError:  # somebody else made it at the same moment
        await collection.update_one(query, update)


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what knows a class. Any: mypy does not take every class for hashable."""
    return _made_adapter(kind)


@cache
def _made_adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
