"""A record that cannot be read is ended, and stands in nobody's way."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.mongo_server import URL_VARIABLE
from tests.contract.stores import CHOICE, LEASE, NOW, OPEN, database_of, extraction, job, offer
from tests.contract.test_history import item
from userbot.domain.history import ErrorEntry
from userbot.domain.jobs import JobId
from userbot.domain.records import JobState, Lane
from userbot.mongo import client
from userbot.services.history import Past

SQL = {
    "details": "UPDATE jobs SET details = '{' WHERE id = 'job1'",
    "choice": "UPDATE jobs SET choice = '{}' WHERE id = 'job1'",
    "state": "UPDATE jobs SET state = '?' WHERE id = 'job1'",
    "extraction": "UPDATE pages SET extraction = '[]' WHERE number = 1",
}
DOCUMENTS = {
    "details": {"details": "{"},
    "choice": {"choice": "{}"},
    "state": {"state": "?"},
    "extraction": {"extraction": "[]"},
}
ENDED = {"kind": "?", "seconds": "{", "file_ids": "7"}  # parts of an item of the history
IN_LISTS = ("choice", "state")  # what a list shows; the rest is seen when a job is looked at


@pytest.fixture
def damage(kind, tmp_path):
    """Spoils a part of the record of job 1, as a hand or a broken disk would."""

    async def spoil(part):
        if kind == "sqlite":
            with closing(sqlite3.connect(tmp_path / "userbot.db")) as connection, connection:
                assert connection.execute(SQL[part]).rowcount == 1
            return
        url = os.environ[URL_VARIABLE]
        async with client.open_database(url, database_of(tmp_path)) as database:
            done = await database.jobs.update_one({"_id": "job1"}, {"$set": DOCUMENTS[part]})
            assert done.matched_count == 1

    return spoil


@pytest.fixture
def damage_ended(kind, tmp_path):
    """Spoils a part of what is kept of a job that has ended, or of its error."""

    async def spoil(table, job_id, part, value):
        if kind == "sqlite":
            with closing(sqlite3.connect(tmp_path / "userbot.db")) as connection, connection:
                change = f"UPDATE {table} SET {part} = ? WHERE job_id = ?"
                assert connection.execute(change, (value, job_id)).rowcount == 1
            return
        url = os.environ[URL_VARIABLE]
        async with client.open_database(url, database_of(tmp_path)) as database:
            which = {"_id" if table == "history" else "job_id": job_id}
            done = await database[table].update_one(which, {"$set": {part: value}})
            assert done.matched_count == 1

    return spoil


async def queued(store, *numbers):
    for number in numbers:
        assert await store.add(job(number), NOW, max_unfinished=10)
        claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
        record = replace(
            claim.record, state=JobState.QUEUED, extraction=extraction(), choice=CHOICE
        )
        assert await store.release(claim, record, NOW)


def is_buried(record):
    return (record.job, record.state, record.error) == (
        job(1),
        JobState.FAILED,
        "InfrastructureError",
    )


@pytest.mark.parametrize("part", SQL)
async def test_a_claim_passes_over_it_and_its_person_is_owed_a_word(store, damage, part):
    await queued(store, 1, 2)
    await damage(part)
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    assert claim.record.job == job(2)
    (buried,) = await store.untold()
    assert is_buried(buried)
    assert await store.find(job(1).id) == buried
    assert await store.count_unfinished(1) == 1
    await store.note_told(job(1).id)
    assert await store.untold() == []
    assert await store.reopen(job(1).id, NOW), "it can be tried again"
    assert (await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)).record.job == job(1)


@pytest.mark.parametrize("part", IN_LISTS)
async def test_a_start_leaves_it_out_and_ends_it(store, damage, part):
    await queued(store, 1, 2)
    await damage(part)
    assert await store.give_up_claims() == 0
    assert [summary.job for summary in await store.unfinished()] == [job(2)]
    (buried,) = await store.untold()
    assert is_buried(buried)
    assert await store.count_unfinished(1) == 1


@pytest.mark.parametrize("part", ["details", "state"])
async def test_a_menu_is_ended_by_whoever_looks_at_it(store, damage, part):
    await store.add(job(1), NOW)
    await offer(store, job(1))
    await damage(part)
    assert is_buried(await store.find(job(1).id))
    assert not await store.pick(job(1).id, CHOICE, NOW)
    assert await store.unfinished() == []


@pytest.mark.parametrize("part", ["details", "state"])
async def test_an_end_that_is_owed_does_not_hide_the_others(store, damage, part):
    await queued(store, 1, 2)
    for number in (1, 2):
        await store.end(job(number).id, JobState.FAILED, None, NOW)
    await damage(part)
    assert [record.job for record in await store.untold()] == [job(2)]
    first, second = await store.untold()
    assert (first.job, first.state) == (job(1), JobState.FAILED)
    assert second.job == job(2)


async def test_places_count_it_as_long_as_it_waits(store, damage):
    await queued(store, 1, 2)
    await damage("details")
    assert len(await store.places(Lane.DELIVER, NOW, 10)) == 2
    await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    assert await store.places(Lane.DELIVER, NOW, 10) == []


@pytest.mark.parametrize("part", ENDED)
async def test_a_history_goes_on_behind_an_item_that_cannot_be_read(
    stores, damage_ended, part, caplog
):
    for number in range(8):
        await stores.history.add(item(number))
    for number in (7, 5, 4):
        await damage_ended("history", f"job{number}", part, ENDED[part])
    good = [item(number) for number in (6, 3, 2, 1, 0)]
    assert await stores.history.page(1, None, 4) == good[:4]
    assert await stores.history.page(1, None, 20) == good
    assert await stores.history.page(1, item(6).mark, 2) == good[1:3]
    assert await stores.history.export(1) == good[::-1]
    assert await stores.history.find(1, job(7).id) is None
    nobody: Any = None  # nothing is asked for again here
    page = await Past(stores.history, nobody, 77).page(1, 0)
    assert (page.items, page.has_more) == (tuple(good), False)
    told = [record.getMessage() for record in caplog.records]
    assert sorted(told) == sorted({*told}), "once each"
    assert len(told) == 3


async def test_file_ids_that_cannot_be_read_hide_no_older_ones(stores, damage_ended):
    for number in (1, 2):
        await stores.history.add(item(number, media_id="same"))
    await damage_ended("history", "job2", "file_ids", "{")
    assert (await stores.history.find_files(item(1, media_id="same").media)).file_ids == ("file1",)


async def test_an_error_that_cannot_be_read_is_left_out(stores, damage_ended):
    for name in ("a", "b"):
        await stores.errors.add(ErrorEntry(JobId(name), 1, NOW, "Down"))
    await damage_ended("errors", "b", "happened_at", 2**62)
    assert [entry.job_id for entry in await stores.errors.recent(5)] == ["a"]
    assert [entry.job_id for entry in await stores.errors.export(1)] == ["a"]
