"""How a job has ended becomes an item of the history, once, and is shown in pages."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stores import CHOICE, extraction, job, media_file
from tests.contract.test_history import item
from userbot.domain.history import error_entry, item_of, variant_of
from userbot.domain.media import KnownFile, MediaKind
from userbot.domain.records import JobRecord, JobState
from userbot.errors import SiteDownError, TooLargeError
from userbot.services.history import MAX_PAGES, PAGE_SIZE, Chronicle, Past
from userbot.sqlite.stores import open_stores

NOW = datetime(2030, 1, 1, tzinfo=UTC)
BOT = 77
RECORD = JobRecord(
    job(1),
    JobState.DELIVERED,
    NOW,
    NOW,
    extraction=extraction(),
    choice=CHOICE,
    file=media_file(),
    sent_message_id=9,
    file_ids=("a",),
    steps_s={"extract": 1.0},
)


@pytest.fixture
async def stores(tmp_path):
    async with open_stores(Path(tmp_path, "userbot.db")) as stores:
        yield stores


def test_an_item_has_what_the_record_knows():
    found = item_of(RECORD, BOT)
    assert (found.job_id, found.url, found.message_id) == (job(1).id, job(1).url, 9)
    assert (found.size_bytes, found.duration_s, found.seconds) == (5, 1.5, {"extract": 1.0})
    assert (found.variant, found.kind, found.height) == ("video:137+140", MediaKind.VIDEO, 1080)
    assert (found.file_ids, found.bot_id, found.is_shareable) == (("a",), BOT, True)


def test_a_job_that_never_began_makes_an_item_too():
    found = item_of(JobRecord(job(1), JobState.CANCELLED, NOW, NOW), BOT)
    assert (found.result, found.title, found.variant, found.kind) == (
        JobState.CANCELLED,
        "",
        variant_of(None),
        None,
    )
    assert not found.is_shareable


def test_what_was_sent_from_before_has_its_size_and_title():
    known = KnownFile(MediaKind.VIDEO, "Known", ("b",), 123)
    found = item_of(replace(RECORD, file=None, known=known), BOT)
    assert (found.title, found.size_bytes, found.duration_s) == ("Known", 123, 12.5)


@pytest.mark.parametrize(
    ("extractor", "media_id"),
    [("generic", "1"), ("Generic", "1"), ("html5", "1"), ("", "1"), ("Site", "")],
)
def test_ids_that_may_be_those_of_other_videos_are_not_shared(extractor, media_id):
    page = replace(extraction(), extractor=extractor, media_id=media_id)
    assert not item_of(replace(RECORD, extraction=page), BOT).is_shareable


def test_an_error_is_kept_with_what_was_said():
    entry = error_entry(RECORD, SiteDownError("x" * 5000))
    assert (entry.label, entry.detail) == ("SiteDownError", "x" * 1000)
    assert error_entry(RECORD, TooLargeError(None, 7)).detail == "7"


async def test_an_end_that_is_told_twice_is_kept_once(stores):
    chronicle = Chronicle(stores, BOT)
    failed = replace(RECORD, state=JobState.FAILED, error="SiteDownError", error_args=("503",))
    for _ in range(2):
        assert await chronicle.keep(failed)
    assert [entry.detail for entry in await stores.errors.recent(9)] == ["503"]
    assert await chronicle.keep(RECORD)
    assert await stores.history.export(1) == [item_of(RECORD, BOT)]


async def test_a_store_that_is_away_is_told_later(stores):
    await stores.users._database.write(lambda connection: connection.execute("DROP TABLE history"))
    assert not await Chronicle(stores, BOT).keep(RECORD)


@pytest.fixture
def past(stores):
    nobody: Any = None  # nothing is asked for again here
    return Past(stores.history, nobody, BOT)


async def test_pages_end_where_the_history_does(stores, past):
    assert (await past.page(1, 3)).items == ()
    for number in range(PAGE_SIZE + 2):
        await stores.history.add(item(number))
    first, last = await past.page(1, 0), await past.page(1, 99)
    assert (len(first.items), first.first, first.has_more) == (PAGE_SIZE, 1, True)
    assert (len(last.items), last.first, last.number, last.has_more) == (2, 6, 1, False)
    assert MAX_PAGES * PAGE_SIZE == 100


async def test_the_files_of_an_item_are_its_own_or_those_of_a_newer_delivery(stores, past):
    bare = item(1, media_id="same", file_ids=())
    await stores.history.add(bare)
    assert await past.files(bare) == ()
    await stores.history.add(item(2, media_id="same", user_id=2))
    assert await past.files(bare) == ("file2",)
    assert await past.files(item(1)) == ("file1",)
    assert await past.files(item(1, bot_id=78)) == ()
    assert await past.files(item(1, result=JobState.FAILED)) == ()
    await past.drop_files(bare)
    assert await past.files(bare) == ()
