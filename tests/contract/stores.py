"""The implementations of the durable stores, and what their tests share."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.contract.mongo_server import URL_VARIABLE, is_own_server
from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import Extraction, Format, MediaFile, MediaKind, Thumbnail
from userbot.domain.records import Claim, FairLimits, JobState, Lane
from userbot.mongo import client
from userbot.mongo import jobs as mongo
from userbot.mongo import stores as mongo_stores
from userbot.ports import JobStore
from userbot.ports.durable import Stores
from userbot.sqlite import stores as sqlite_stores
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs

KINDS = ("sqlite", "mongo")

NOW = datetime(2030, 1, 1, 12, 30, 15, 123000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = NOW + MINUTE
OPEN = FairLimits(per_user=10**6, per_chat=10**6)
CHOICE = Choice(MediaKind.VIDEO, ("137", "140"), 1080, 30, 123_456_789, is_size_exact=True)


@asynccontextmanager
async def open_jobs(kind: str, folder: Path) -> AsyncIterator[JobStore]:
    """Open the jobs of a folder; on a server, those of the database that is the folder's own."""
    if kind == "mongo":
        async with mongo.open_jobs(os.environ[URL_VARIABLE], database_of(folder)) as jobs:
            yield jobs
    else:
        async with open_database(folder / "userbot.db") as database:
            yield SqliteJobs(database)


@asynccontextmanager
async def open_stores(kind: str, folder: Path) -> AsyncIterator[Stores]:
    """Open everything durable of a folder, as `open_jobs` does."""
    if kind == "mongo":
        url = os.environ[URL_VARIABLE]
        async with mongo_stores.open_stores(url, database_of(folder)) as stores:
            yield stores
    else:
        async with sqlite_stores.open_stores(folder / "userbot.db") as stores:
            yield stores


async def drop(kind: str, folder: Path) -> None:
    """Leave nothing on a server that is somebody's. Our own is thrown away as a whole."""
    if kind == "mongo" and not is_own_server():
        async with client.open_database(os.environ[URL_VARIABLE], database_of(folder)) as database:
            await database.client.drop_database(database.name)


def database_of(folder: Path) -> str:
    return "userbot_test_" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def job(number: int, user: int = 1, chat: int | None = None, url: str | None = None) -> Job:
    """A job of its own message; its chat is the private one of its user if none is said."""
    request = Request(user if chat is None else chat, number, user, is_group=chat is not None)
    return Job(JobId(f"job{number}"), request, url or f"https://example.org/{number}")


def extraction(text: str = "A title", info_json: str = "{}") -> Extraction:
    form = Format(
        text, "mp4", "https", "avc1", None, 1920, 1080, 29.97, 2500.5, 10, language_rank=-1
    )
    return Extraction(
        *(text, text, text, text, (form, form), info_json, text, 12.5, Path("a.jpg"), (text, text))
    )


def media_file(text: str = "A title") -> MediaFile:
    thumbnail = Thumbnail(Path("/x/thumb.jpg"), 320, 180)
    return MediaFile(
        MediaKind.VIDEO, Path("/x/y.mp4"), 5, 1.5, 16, 9, True, text, True, text, text, thumbnail
    )


async def queue(store: JobStore, *jobs: Job, quick: bool = False, now: datetime = NOW) -> None:
    """Bring new jobs to the DELIVER or QUICK lane, through a menu."""
    for item in jobs:
        assert await store.add(item, now)
        await offer(store, item)
        assert await store.pick(item.id, CHOICE, now, is_quick=quick)


async def offer(store: JobStore, item: Job) -> None:
    claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
    assert claim
    assert claim.record.job == item
    offered = replace(
        claim.record, state=JobState.OFFERED, extraction=extraction(), choices=(CHOICE,)
    )
    assert await store.release(claim, offered, NOW)


async def claimed_ids(
    store: JobStore, lane: Lane = Lane.DELIVER, limits: FairLimits = OPEN, now: datetime = NOW
) -> list[JobId]:
    """Claim all that can be claimed; return the ids in order."""
    ids: list[JobId] = []
    while claim := await store.claim(lane, now, now + MINUTE, limits):
        ids.append(claim.record.job.id)
    return ids


async def claim_of(store: JobStore, lane: Lane = Lane.INSPECT, now: datetime = NOW) -> Claim:
    claim = await store.claim(lane, now, now + MINUTE, OPEN)
    assert claim
    return claim
