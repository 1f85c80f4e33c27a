"""How a job record becomes rows, and rows a record."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import Extraction
from userbot.domain.records import ENDS, JobRecord, JobState, JobSummary, lane_of
from userbot.durable.jobs import job_values
from userbot.durable.values import clean, dump, json_text, load, made, moment, plain, when
from userbot.errors import DamagedError

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
    "is_unwanted",
    "error",
)


def columns(names: Iterable[str]) -> str:
    """Return the columns and the named values of an INSERT."""
    known = list(names)
    return f"({', '.join(known)}) VALUES ({', '.join(':' + name for name in known)})"


def new_row(job: Job, now: datetime) -> dict[str, object]:
    """Return the columns of a job that has just come."""
    return {
        "id": job.id,
        **job_values(job),
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
    fields = plain(extraction)
    info_json = fields.pop("info_json")
    return {
        "extraction": json_text(fields),
        "info_json": "" if record.state in ENDS else clean(info_json),
    }


def choice_json(choice: Choice | None) -> str | None:
    """Return the column `choice`."""
    return dump(choice) if choice else None


def record_of(row: sqlite3.Row, page: sqlite3.Row | None) -> JobRecord:
    """Return the record of a row of `jobs` and its row of `pages`.

    Raises DamagedError for what this program has not written.
    """
    try:
        return _record_of(row, page)
    except (ValueError, TypeError, OverflowError) as error:  # pydantic's, json's, other shapes
        raise DamagedError(row["id"]) from error


def _record_of(row: sqlite3.Row, page: sqlite3.Row | None) -> JobRecord:
    fields: dict[str, Any] = json.loads(row["details"])
    fields |= {name: row[name] for name in COLUMNS}
    fields["choice"] = json.loads(row["choice"]) if row["choice"] is not None else None
    for name in ("created_at", "changed_at", "not_before"):
        fields[name] = _time(row[name])
    fields["job"] = _job(row)
    if page is not None:
        fields["extraction"] = {**json.loads(page["extraction"]), "info_json": page["info_json"]}
    return made(JobRecord, fields)


def summary_of(row: sqlite3.Row) -> JobSummary:
    """Return the summary of a row of `jobs`. Raises DamagedError."""
    try:
        return _summary_of(row)
    except (ValueError, TypeError, OverflowError) as error:
        raise DamagedError(row["id"]) from error


def _summary_of(row: sqlite3.Row) -> JobSummary:
    return JobSummary(
        job=_job(row),
        state=JobState(row["state"]),
        created_at=when(row["created_at"]),
        changed_at=when(row["changed_at"]),
        not_before=_time(row["not_before"]),
        is_quick=bool(row["is_quick"]),
        is_claimed=row["lease_until"] is not None,
        title=row["title"],
        choice=load(Choice, row["choice"]),
        status_message_id=row["status_message_id"],
        is_unwanted=bool(row["is_unwanted"]),
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
    return plain(record, without={"job", "extraction", *COLUMNS})


def _time(value: int | None) -> datetime | None:
    return None if value is None else when(value)
