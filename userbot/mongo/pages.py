"""What was read of pages, kept beside the jobs.

A page is written under a new id before a job points at it, and deleted after no job does. So the
one change of the job's document decides, and a crash leaves at worst a page that nobody wants.
"""

import hashlib
import logging
from datetime import datetime

from bson import ObjectId

from userbot.durable.values import moment
from userbot.errors import InfrastructureError
from userbot.mongo.client import Collection, Document, translated

log = logging.getLogger(__name__)


def digest_of(info_json: str) -> bytes | None:
    """Return what tells one page from another; None for no page."""
    return hashlib.sha256(info_json.encode()).digest() if info_json else None


class Pages:
    """The collection of pages."""

    def __init__(self, collection: Collection) -> None:
        self._pages = collection

    async def put(self, info_json: str, now: datetime) -> ObjectId | None:
        """Keep a page; return its id, None when there is nothing to keep."""
        if not info_json:
            return None
        page = ObjectId()
        await self._pages.insert_one(
            {"_id": page, "info_json": info_json, "written_at": moment(now)}
        )
        return page

    async def of(self, document: Document) -> str:
        """Return the page of a job's document; "" when it has none."""
        if "page" not in document:
            return ""
        found = await self._pages.find_one({"_id": document["page"]})
        return str(found.get("info_json", "")) if found else ""

    async def drop(self, page: ObjectId | None) -> None:
        """Delete a page that no job points at any more. An error is no reason to fail for."""
        if page is None:
            return
        try:
            with translated():
                await self._pages.delete_one({"_id": page})
        except InfrastructureError as error:
            log.warning("a page that nobody needs stays for a while: %s", error)

    async def sweep(self, before: datetime, jobs: Collection) -> None:
        """Delete pages that were written before a moment and that no job points at."""
        old = {"written_at": {"$lt": moment(before)}}
        found = await self._pages.find(old, {"_id": 1}).to_list(None)
        if found:
            needed = await jobs.distinct("page", {"is_open": True})
            lost = {page["_id"] for page in found} - set(needed)
            await self._pages.delete_many({"_id": {"$in": list(lost)}})
