"""What both databases keep of jobs that have ended, and how it is read again."""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from userbot.domain.history import ErrorEntry, HistoryItem, SentFile
from userbot.durable.values import (
    clean,
    day_number,
    json_text,
    made,
    moment,
    plain,
    utc_day,
    when,
)
from userbot.errors import DamagedError

log = logging.getLogger(__name__)

T = TypeVar("T")
Fields = Mapping[str, Any]

UNREADABLE = (KeyError, TypeError, ValueError, OverflowError)  # pydantic's and json's too
TEXTS = ("job_id", "url", "site", "media_id", "title", "variant", "error")
JSON = ("seconds", "file_ids")
ITEM_FIELDS = (
    *("job_id", "user_id", "chat_id", "url", "result", "ended_at", "message_id", "site"),
    *("media_id", "title", "variant", "kind", "height", "size_bytes", "duration_s", "seconds"),
    *("error", "file_ids", "bot_id", "is_shareable"),
)

ERROR_FIELDS = ("job_id", "happened_at", "user_id", "label", "site", "detail")


def item_values(item: HistoryItem) -> dict[str, Any]:
    """Return ITEM_FIELDS and the `day` on which the job ended."""
    values = plain(item)
    values |= {name: clean(values[name]) for name in TEXTS}
    values |= {name: json_text(values[name]) for name in JSON}
    return values | {"ended_at": moment(item.ended_at), "day": day_number(utc_day(item.ended_at))}


class Reader:
    """Reads rows, and leaves out those that nobody can read: of each the log tells once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def all(self, read: Callable[[Fields], T], rows: Iterable[Fields]) -> list[T]:
        """Return what `read` makes of each row; it raises DamagedError for what is none."""
        found = []
        for row in rows:
            try:
                found.append(read(row))
            except DamagedError as error:
                self._tell(error)
        return found

    async def first(
        self,
        limit: int,
        read: Callable[[Fields], T],
        rows: Callable[[int, int], Awaitable[Sequence[Fields]]],
    ) -> list[T]:
        """Return what can be read until it is `limit`; `rows` gives so many, after so many."""
        found: list[T] = []
        seen, is_more = 0, True
        while is_more and (missing := limit - len(found)) > 0:
            more = await rows(missing, seen)
            found += self.all(read, more)
            seen, is_more = seen + len(more), len(more) == missing
        return found

    def _tell(self, error: DamagedError) -> None:
        if error.job_id not in self._told:
            self._told.add(error.job_id)
            log.error("what is kept of the end of job %s cannot be read", error.job_id)


def item_of(fields: Fields) -> HistoryItem:
    """Return the item of ITEM_FIELDS. Raises DamagedError for what is none."""
    try:
        values = {name: fields[name] for name in ITEM_FIELDS}
        values |= {name: json.loads(fields[name]) for name in JSON}
        return made(HistoryItem, values | {"ended_at": when(fields["ended_at"])})
    except UNREADABLE as error:
        raise DamagedError(str(fields.get("job_id"))) from error


def sent_file_of(fields: Fields) -> SentFile:
    """Return what a delivery has left at Telegram. Raises DamagedError for what is none."""
    try:
        values = {"file_ids": json.loads(fields["file_ids"]), "size_bytes": fields["size_bytes"]}
        return made(SentFile, values)
    except UNREADABLE as error:
        raise DamagedError(str(fields.get("job_id"))) from error


def error_values(entry: ErrorEntry) -> dict[str, Any]:
    """Return what is kept of an error."""
    return {
        "job_id": clean(entry.job_id),
        "happened_at": moment(entry.happened_at),
        "user_id": entry.user_id,
        "label": clean(entry.label),
        "site": clean(entry.site),
        "detail": clean(entry.detail),
    }


def error_of(fields: Fields) -> ErrorEntry:
    """Return the error that `error_values` was given. Raises DamagedError for what is none."""
    try:
        values = {name: fields[name] for name in ERROR_FIELDS}
        return made(ErrorEntry, values | {"happened_at": when(fields["happened_at"])})
    except UNREADABLE as error:
        raise DamagedError(str(fields.get("job_id"))) from error
