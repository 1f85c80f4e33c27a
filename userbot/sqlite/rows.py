"""How a job record becomes rows, and rows a record."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import Extraction
from userbot.domain.records import ENDS, JobRecord, JobState, JobSummary, lane_of
from userbot.errors import DamagedError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)

# The fields of a record that have a column of their own; the others but the extraction are
# `details`, so that a new one needs no migration.
COLUMNS = (
    "state",
    "created_at",
    "changed_at",
    "attempts",
    "not_before",
    "is_quick",
    "choice",
    "status_message_id",
    "upload_note",
    "error",
)

T = TypeVar("T")


def moment(when: datetime) -> int:
    """Return an aware time as it is stored. Raises TypeError for a naive one."""
    return (when - EPOCH) // TICK


def clean(text: str) -> str:
    """Return text as UTF-8 can say it; the rest becomes a question mark."""
    return text.encode(errors="replace").decode()


def json_text(plain: object) -> str:
    """Return plain values as a column keeps them."""
    return clean(json.dumps(plain, ensure_ascii=False))


def job_values(job: Job, now: datetime) -> dict[str, object]:
    """Return the columns of a job that has just come."""
    request = job.request
    return {
        "id": job.id,
        "chat_id": request.chat_id,
        "message_id": request.message_id,
        "user_id": request.user_id,
        "is_group": request.is_group,
        "topic_id": request.topic_id,
        "url": clean(job.url),
        "state": JobState.NEW,
        "lane": lane_of(JobState.NEW, is_quick=False),
        "created_at": moment(now),
        "changed_at": moment(now),
    }


def record_values(record: JobRecord, now: datetime) -> dict[str, object]:
    """Return the columns of `jobs` that a record can change."""
    extraction = record.extraction
    return {
        "state": record.state,
        "lane": lane_of(record.state, is_quick=record.is_quick),
        "is_quick": record.is_quick,
        "changed_at": moment(now),
        "ended_at": moment(now) if record.state in ENDS else None,
        "owed": record.state in ENDS,
        "not_before": moment(record.not_before) if record.not_before else None,
        "attempts": record.attempts,
        "title": clean(extraction.title) if extraction else None,
        "choice": choice_json(record.choice),
        "error": clean(record.error) if record.error is not None else None,
        "details": json_text(_details(record)),
    }


def page_values(record: JobRecord, extraction: Extraction) -> dict[str, object]:
    """Return the columns of `pages`; nothing of `info_json` when the job has ended."""
    plain = _adapter(Extraction).dump_python(extraction, mode="json")
    info_json = plain.pop("info_json")
    return {
        "extraction": json_text(plain),
        "info_json": "" if record.state in ENDS else clean(info_json),
    }


def choice_json(choice: Choice | None) -> str | None:
    """Return the column `choice`."""
    return json_text(_adapter(Choice).dump_python(choice, mode="json")) if choice else None


def record_of(row: sqlite3.Row, page: sqlite3.Row | None) -> JobRecord:
    """Return the record of a row of `jobs` and its row of `pages`.

    Raises DamagedError for what this program has not written.
    """
    try:
        return _record_of(row, page)
    except (ValueError, TypeError, OverflowError) as error:  # pydantic's, json's, other shapes
        raise DamagedError(row["id"]) from error


def _record_of(row: sqlite3.Row, page: sqlite3.Row | None) -> JobRecord:
    plain: dict[str, Any] = json.loads(row["details"])
    plain |= {name: row[name] for name in COLUMNS}
    plain["choice"] = _loaded(row["choice"])
    for name in ("created_at", "changed_at", "not_before"):
        plain[name] = _time(row[name])
    plain["job"] = _job(row)
    if page is not None:
        plain["extraction"] = {**json.loads(page["extraction"]), "info_json": page["info_json"]}
    record: JobRecord = _adapter(JobRecord).validate_python(plain)
    return record


def summary_of(row: sqlite3.Row) -> JobSummary:
    """Return the summary of a row of `jobs`. Raises DamagedError."""
    try:
        return _summary_of(row)
    except (ValueError, TypeError, OverflowError) as error:
        raise DamagedError(row["id"]) from error


def _summary_of(row: sqlite3.Row) -> JobSummary:
    created_at, changed_at = _time(row["created_at"]), _time(row["changed_at"])
    assert created_at and changed_at
    choice = row["choice"]
    return JobSummary(
        job=_job(row),
        state=JobState(row["state"]),
        created_at=created_at,
        changed_at=changed_at,
        not_before=_time(row["not_before"]),
        is_quick=bool(row["is_quick"]),
        is_claimed=row["lease_until"] is not None,
        title=row["title"],
        choice=_adapter(Choice).validate_json(choice) if choice else None,
        status_message_id=row["status_message_id"],
    )


def _job(row: sqlite3.Row) -> Job:
    request = Request(
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        user_id=row["user_id"],
        is_group=bool(row["is_group"]),
        topic_id=row["topic_id"],
    )
    return Job(JobId(row["id"]), request, row["url"])


def _details(record: JobRecord) -> dict[str, Any]:
    kept = {"job", "extraction", *COLUMNS}
    plain: dict[str, Any] = _adapter(JobRecord).dump_python(record, mode="json", exclude=kept)
    return plain


def _loaded(text: str | None) -> Any:  # JSON is what it is
    return json.loads(text) if text is not None else None


def _time(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + value * TICK


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)
