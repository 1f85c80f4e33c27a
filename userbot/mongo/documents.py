"""How a job record becomes a document, and a document a record.

A field is there when a query asks for it. Everything else is JSON text, as in the other store: so
nothing that a site or a person wrote is ever the name of a field or part of a query, and numbers
may have any size. A value that is None is a field that is missing. Times are whole microseconds
since 1970 in UTC, since BSON's own know milliseconds only.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from userbot.domain.jobs import Job
from userbot.domain.records import ENDS, JobRecord, JobState, JobSummary, lane_of
from userbot.durable.jobs import job_values
from userbot.durable.values import clean, json_text, made, moment, plain, when
from userbot.errors import DamagedError, UserbotError
from userbot.mongo.client import Document

NEVER = 0  # of `lease_until` and `not_before`: earlier than every moment

PLAIN = (
    *("state", "is_quick", "attempts", "wish", "status_message_id", "upload_note", "is_unwanted"),
    "error",
)
TIMES = ("created_at", "changed_at", "not_before")
TEXTS = ("choice", "choices", "error_args")
NO_CLAIM: Mapping[str, object] = {
    "lease_until": NEVER,
    "holder": None,
    "user_seat": None,
    "chat_seat": None,
}
SUMMARY = dict.fromkeys(
    (
        *("chat_id", "message_id", "user_id", "is_group", "topic_id", "url", "number", "state"),
        *("created_at", "changed_at", "not_before", "is_quick", "lease_until", "title", "choice"),
        *("status_message_id", "is_unwanted"),
    ),
    1,
)


def url_hash(job: Job) -> bytes:
    """Return what stands for a link in the index: links can be too long for one."""
    return hashlib.sha256(clean(job.url).encode()).digest()


def update_of(values: Mapping[str, object]) -> Document:
    """Return the update that gives a document these values."""
    parts = {
        "$set": {name: value for name, value in values.items() if value is not None},
        "$unset": {name: "" for name, value in values.items() if value is None},
    }
    return {operator: fields for operator, fields in parts.items() if fields}


def new_document(job: Job, number: int, slot: int | None, now: datetime) -> Document:
    """Return the document of a job that has just come."""
    values = {
        "_id": clean(job.id),
        "number": number,
        **job_values(job),
        "url_hash": url_hash(job),
        "slot": slot,
        "fence": 0,
        "created_at": moment(now),
        **fresh_values(now),
    }
    return {name: value for name, value in values.items() if value is not None}


def fresh_values(now: datetime) -> dict[str, object]:
    """Return what every job has that is NEW, also once more."""
    return {
        "state": JobState.NEW.value,
        "lane": lane_of(JobState.NEW, is_quick=False),
        "is_open": True,
        "is_quick": False,
        "changed_at": moment(now),
        "not_before": NEVER,
        "lease_until": NEVER,
        "attempts": 0,
    }


def record_values(record: JobRecord, now: datetime) -> dict[str, object]:
    """Return what a holder can change of a job; its page is not in it."""
    fields = _fields(record)
    extraction = fields.pop("extraction")
    values: dict[str, object] = {
        "state": record.state.value,
        "lane": lane_of(record.state, is_quick=record.is_quick),
        "is_quick": record.is_quick,
        "changed_at": moment(now),
        "not_before": moment(record.not_before) if record.not_before else NEVER,
        "attempts": record.attempts,
        "wish": record.wish,
        "error": clean(record.error) if record.error is not None else None,
        "title": clean(record.extraction.title) if record.extraction else None,
        "extraction": json_text(extraction) if extraction else None,
        **{name: json_text(fields.pop(name)) for name in TEXTS},
        "details": json_text(fields),
    }
    return values | (end_values(record.state, now) if record.state in ENDS else {})


def end_values(state: JobState, now: datetime) -> dict[str, object]:
    """Return what changes when a job ends."""
    return {
        "state": state.value,
        "lane": None,
        "is_open": None,
        "slot": None,
        "owed": True,
        "changed_at": moment(now),
        "ended_at": moment(now),
        **NO_CLAIM,
    }


def error_values(error: UserbotError | None) -> dict[str, object]:
    """Return what is kept of the error that ended a job from outside."""
    return {
        "error": type(error).__name__ if error is not None else None,
        "error_args": json_text(error.args if error is not None else ()),
    }


def info_of(record: JobRecord) -> str:
    """Return the `info_json` that is to be kept; "" for none."""
    if record.extraction is None or record.state in ENDS:
        return ""
    return clean(record.extraction.info_json)


def record_of(document: Document, info_json: str) -> JobRecord:
    """Return the record of a document. Raises DamagedError for what nobody can read."""
    try:
        fields: dict[str, Any] = json.loads(document.get("details", "{}"))
        fields |= {name: document[name] for name in PLAIN if name in document}
        fields |= {name: json.loads(document[name]) for name in TEXTS if name in document}
        fields |= {name: _time(document[name]) for name in TIMES}
        if "extraction" in document:
            fields["extraction"] = json.loads(document["extraction"]) | {"info_json": info_json}
        return made(JobRecord, fields | {"job": _job(document)})
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # pydantic's are ValueErrors
        raise DamagedError(str(document.get("_id"))) from error


def summary_of(document: Document) -> JobSummary:
    """Return the summary of a document. Raises DamagedError for what nobody can read."""
    try:
        fields = {
            "job": _job(document),
            "state": document["state"],
            "created_at": when(document["created_at"]),
            "changed_at": when(document["changed_at"]),
            "not_before": _time(document["not_before"]),
            "is_quick": document["is_quick"],
            "is_claimed": document["lease_until"] > NEVER,
            "title": document.get("title"),
            "choice": json.loads(document.get("choice", "null")),
            "status_message_id": document.get("status_message_id"),
            "is_unwanted": document.get("is_unwanted", False),
        }
        return made(JobSummary, fields)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DamagedError(str(document.get("_id"))) from error


def number_of(document: Document) -> int:
    """Return a job's place in the order of coming; one that has none comes first."""
    number = document.get("number")
    return number if isinstance(number, int) else 0


def _job(document: Document) -> Job:
    """Return the job of a document. Raises KeyError and, as pydantic does, ValueError."""
    names = ("chat_id", "message_id", "user_id", "is_group")
    request = {name: document[name] for name in names} | {"topic_id": document.get("topic_id")}
    return made(Job, {"id": document["_id"], "request": request, "url": document["url"]})


def _fields(record: JobRecord) -> dict[str, Any]:
    """Return a record in plain values, without what has a field of its own or is too large."""
    own: dict[str, Any] = dict.fromkeys(("job", *PLAIN, *TIMES), True)
    return plain(record, without=own | {"extraction": {"info_json"}})


def _time(value: int) -> datetime | None:
    return None if value == NEVER else when(value)
