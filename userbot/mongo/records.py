"""Looking at jobs: what cannot be read is ended and left out."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from userbot.domain.records import JobRecord, JobSummary
from userbot.errors import DamagedError
from userbot.mongo.burial import bury
from userbot.mongo.client import Collection, Document
from userbot.mongo.documents import SUMMARY, number_of, record_of, summary_of
from userbot.mongo.pages import Pages

T = TypeVar("T")


class Records:
    """Reads the records of jobs."""

    def __init__(self, jobs: Collection, pages: Pages) -> None:
        self._jobs = jobs
        self._pages = pages

    async def find(self, query: Document) -> JobRecord | None:
        """Return the job that the query finds, None when it finds none."""
        try:
            return await self._read(query)
        except DamagedError:
            if document := await self._jobs.find_one(query):
                await bury(self._jobs, self._pages, document)
        return await self._read(query)

    async def untold(self) -> list[JobRecord]:
        """Return the ended jobs whose chat does not show it yet."""
        return await self._legible({"owed": True}, None, lambda found: record_of(found, ""))

    async def unfinished(self, user_id: int | None) -> list[JobSummary]:
        """Return the jobs that have not ended, oldest first."""
        query = {"is_open": True} | ({} if user_id is None else {"user_id": user_id})
        return await self._legible(query, SUMMARY, summary_of)

    async def _read(self, query: Document) -> JobRecord | None:
        page = None
        while document := await self._jobs.find_one(query):
            info_json = await self._pages.of(document)
            if info_json or document.get("page") == page:
                return record_of(document, info_json)
            page = document.get("page")  # replaced while we looked; or damage, the second time
        return None

    async def _legible(
        self, query: Document, fields: Mapping[str, int] | None, read: Callable[[Document], T]
    ) -> list[T]:
        """Return jobs in the order of coming; what cannot be read is ended and left out."""
        documents = await self._jobs.find(query, fields).to_list(None)
        found, damaged = await asyncio.to_thread(_read_all, documents, read)
        for document in damaged:
            await bury(self._jobs, self._pages, document)
        return found


def _read_all(
    documents: list[Document], read: Callable[[Document], T]
) -> tuple[list[T], list[Document]]:
    """Return what is legible in the order of coming, and the documents that are not."""
    found, damaged = [], []
    for document in sorted(documents, key=number_of):
        try:
            found.append(read(document))
        except DamagedError:
            damaged.append(document)
    return found, damaged
