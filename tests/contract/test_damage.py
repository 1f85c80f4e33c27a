"""A record that cannot be read is ended, and stands in nobody's way."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from tests.contract.mongo_server import URL_VARIABLE
from tests.contract.stores import CHOICE, LEASE, NOW, OPEN, database_of, extraction, job, offer
from userbot.domain.records import JobState, Lane
from userbot.mongo import client

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
