"""Jobs whose documents nobody can read: they are ended, so that they stand in nobody's way."""

import logging
from datetime import datetime

from userbot.domain.records import ENDS, JobState
from userbot.durable.values import EPOCH, moment, when
from userbot.errors import DamagedError, InfrastructureError
from userbot.mongo.client import Collection, Document
from userbot.mongo.documents import NEVER, end_values, error_values, record_of, update_of
from userbot.mongo.pages import Pages

log = logging.getLogger(__name__)

UNREADABLE = ("details", "choice", "choices", "extraction", "title", "wish", "upload_note")


async def bury(jobs: Collection, pages: Pages, document: Document) -> None:
    """End a job, and take from its document all that is not needed to say so.

    One whose chat or link cannot be read is owed to nobody.
    """
    log.error("the record of job %s is damaged; it is ended", document["_id"])
    query = {"_id": {"$eq": document["_id"]}}
    values = _legible(document)
    ended = {**values, **end_values(JobState.FAILED, _when(document))}
    found = await jobs.update_one({**query, "is_open": True}, update_of(ended))
    if not found.matched_count:
        await jobs.update_one(query, update_of(values))
    await pages.drop(document.get("page"))
    buried = await jobs.find_one(query)
    if buried is not None and not _is_legible(buried):
        await jobs.update_one(query, update_of({"owed": None}))


def _legible(document: Document) -> Document:
    """Return values that can be read, whatever there was."""
    state, number = document.get("state"), document.get("status_message_id")
    return {
        **dict.fromkeys(UNREADABLE, None),
        **error_values(InfrastructureError()),
        "state": state if state in ENDS else JobState.FAILED.value,
        "is_quick": False,
        "attempts": 0,
        "not_before": NEVER,
        "created_at": moment(_time(document.get("created_at"))),
        "changed_at": moment(_when(document)),
        "status_message_id": number if isinstance(number, int) else None,
        "page": None,
        "page_digest": None,
    }


def _when(document: Document) -> datetime:
    """Return when the job changed last."""
    return _time(document.get("changed_at"))


def _time(value: object) -> datetime:
    try:
        return when(value) if isinstance(value, int) else EPOCH
    except OverflowError:
        return EPOCH


def _is_legible(document: Document) -> bool:
    try:
        record_of(document, "")
    except DamagedError:
        return False
    return True
