"""What both databases keep of jobs that have ended, and how it is read again."""

import json
from collections.abc import Mapping
from typing import Any

from userbot.domain.history import ErrorEntry, HistoryItem
from userbot.domain.jobs import JobId
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

TEXTS = ("job_id", "url", "site", "media_id", "title", "variant", "error")
JSON = ("seconds", "file_ids")
ITEM_FIELDS = (
    *("job_id", "user_id", "chat_id", "url", "result", "ended_at", "message_id", "site"),
    *("media_id", "title", "variant", "kind", "height", "size_bytes", "duration_s", "seconds"),
    *("error", "file_ids", "bot_id", "is_shareable"),
)


def item_values(item: HistoryItem) -> dict[str, Any]:
    """Return ITEM_FIELDS and the `day` on which the job ended."""
    values = plain(item)
    values |= {name: clean(values[name]) for name in TEXTS}
    values |= {name: json_text(values[name]) for name in JSON}
    return values | {"ended_at": moment(item.ended_at), "day": day_number(utc_day(item.ended_at))}


def item_of(fields: Mapping[str, Any]) -> HistoryItem:
    """Return the item of ITEM_FIELDS. Raises DamagedError for what is none."""
    try:
        values = {name: fields[name] for name in ITEM_FIELDS}
        values |= {name: json.loads(fields[name]) for name in JSON}
        return made(HistoryItem, values | {"ended_at": when(fields["ended_at"])})
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # pydantic's, json's
        raise DamagedError(str(fields["job_id"])) from error


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


def error_of(fields: Mapping[str, Any]) -> ErrorEntry:
    """Return the error that `error_values` was given."""
    return ErrorEntry(
        job_id=JobId(fields["job_id"]),
        user_id=fields["user_id"],
        happened_at=when(fields["happened_at"]),
        label=fields["label"],
        site=fields["site"],
        detail=fields["detail"],
    )
