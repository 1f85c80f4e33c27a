"""What is MongoDB's own: what lies beside a job stays in step with it."""

from dataclasses import replace

import pytest

from tests.contract.stores import LEASE, NOW, OPEN, database_of, drop, extraction, job
from userbot.domain.records import JobState, Lane
from userbot.errors import InfrastructureError
from userbot.mongo.client import open_database
from userbot.mongo.jobs import MongoJobs
from userbot.mongo.schema import prepare
from userbot.mongo.stores import open_stores

INFO = '{"formats": "' + "x" * 100_000 + '"}'


@pytest.fixture
async def database(mongo_url, tmp_path):
    async with open_database(mongo_url, database_of(tmp_path)) as database:
        await prepare(database)
        yield database
    await drop("mongo", tmp_path)


@pytest.fixture
def store(database):
    return MongoJobs(database)


async def queued(store, *numbers, info=INFO):
    for number in numbers:
        await store.add(job(number), NOW)
        claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
        page = extraction(info_json=info)
        record = replace(claim.record, state=JobState.QUEUED, extraction=page)
        assert await store.release(claim, record, NOW)


async def pages(database):
    return await database.pages.find().to_list(None)


async def test_each_open_job_has_one_page_and_an_ended_one_none(database, store):
    await queued(store, 1, 2)
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    (first, _) = await pages(database)
    assert await store.save(claim, replace(claim.record, retries=1), NOW)
    assert first in await pages(database), "what did not change is not written again"
    other = replace(claim.record, extraction=extraction(info_json="{}"))
    assert await store.save(claim, other, NOW)
    assert first not in await pages(database)
    assert len(await pages(database)) == 2
    assert await store.save(claim, replace(other, extraction=None), NOW)
    assert await store.end(job(2).id, JobState.CANCELLED, None, NOW)
    assert await pages(database) == []


async def test_a_late_finisher_leaves_no_page(database, store):
    await queued(store, 1)
    old = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    new = await store.claim(Lane.DELIVER, LEASE, LEASE, OPEN)
    late = replace(old.record, extraction=extraction(info_json="{}"))
    assert not await store.save(old, late, NOW)
    assert await store.find(job(1).id) == new.record
    assert len(await pages(database)) == 1


async def test_a_page_that_a_crash_left_behind_is_swept(database, store):
    await queued(store, 1)
    lost = {"info_json": "{}", "written_at": 0}
    await database.pages.insert_one(lost)
    assert len(await pages(database)) == 2
    assert await store.forget_ended(LEASE) == 0
    assert [page["info_json"] for page in await pages(database)] == [INFO]


async def test_lists_and_places_read_no_pages(database, store):
    await queued(store, 1, 2)
    await database.pages.drop()
    assert len(await store.unfinished()) == 2
    assert await store.position(job(2).id, NOW) == 2
    assert len(await store.places(Lane.DELIVER, NOW, 10)) == 2
    assert (await store.find(job(1).id)).extraction == extraction(info_json="")


async def test_forgotten_jobs_take_their_turns_along(database, store):
    await queued(store, 1)
    assert await store.end(job(1).id, JobState.FAILED, None, NOW)
    assert await store.forget_ended(NOW) == 0
    assert await database.turns.count_documents({}) == 2
    assert await store.forget_ended(LEASE) == 1
    for collection in (database.jobs, database.turns, database.pages):
        assert await collection.count_documents({}) == 0


async def test_people_who_lost_their_turns_get_new_ones(database, store):
    await queued(store, 1, 2)
    await database.turns.drop()
    assert await store.position(job(2).id, NOW) == 2
    assert (await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)).record.job == job(1)


@pytest.mark.parametrize(
    "damage",
    [
        *(
            {name: value}
            for name in ("number", "user_id", "chat_id", "url")
            for value in ("x", 1.5)
        ),
        *({name: [1]} for name in ("fence", "created_at", "changed_at", "attempts", "is_quick")),
        *({name: -(10**17)} for name in ("created_at", "changed_at")),
        {"choices": '{"$gt": 1}'},
        {"lease_until": "x"},
        {"not_before": "x"},
        {"status_message_id": "x"},
    ],
    ids=str,
)
async def test_a_document_with_any_damage_spares_the_others(database, store, damage):
    await queued(store, 1, 2)
    await database.jobs.update_one({"_id": "job1"}, {"$set": damage})
    claims = [await store.claim(Lane.DELIVER, NOW, LEASE, OPEN) for _ in range(3)]
    assert job(2) in [claim.record.job for claim in claims if claim]
    assert job(2) in [summary.job for summary in await store.unfinished()]
    await store.places(Lane.DELIVER, NOW, 10)
    await store.position(job(1).id, NOW)
    await store.untold()
    for record in await store.untold():
        assert record.state is JobState.FAILED


@pytest.mark.parametrize("name", ["number", "user_id", "chat_id", "url", "fence", "created_at"])
async def test_a_document_that_lacks_something_spares_the_others(database, store, name):
    await queued(store, 1, 2)
    await database.jobs.update_one({"_id": "job1"}, {"$unset": {name: ""}})
    claims = [await store.claim(Lane.DELIVER, NOW, LEASE, OPEN) for _ in range(3)]
    assert job(2) in [claim.record.job for claim in claims if claim]
    assert job(2) in [summary.job for summary in await store.unfinished()]
    await store.places(Lane.DELIVER, NOW, 10)
    await store.position(job(1).id, NOW)
    await store.untold()


async def test_a_page_too_large_for_the_server_is_an_error_and_changes_nothing(store):
    await queued(store, 1, info="{}")
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    huge = extraction(info_json="x" * 17_000_000)
    with pytest.raises(InfrastructureError):
        await store.save(claim, replace(claim.record, extraction=huge), NOW)
    assert await store.find(job(1).id) == claim.record
    assert await store.save(claim, claim.record, NOW)


async def test_seats_are_given_up_with_the_claim(database, store):
    await queued(store, 1, 2, 3)
    claims = [await store.claim(Lane.DELIVER, NOW, LEASE, OPEN) for _ in range(3)]
    assert await store.release(claims[0], claims[0].record, NOW)
    moved = replace(claims[1].record, is_quick=True)
    assert await store.save(claims[1], moved, NOW), "it has none in the lane that it enters"
    assert await store.end(job(3).id, JobState.CANCELLED, None, NOW)
    assert await database.jobs.count_documents({"user_seat": {"$exists": True}}) == 0
    assert await store.renew(claims[1], LEASE)
    assert await store.give_up_claims() == 1
    assert await database.jobs.count_documents({"holder": {"$exists": True}}) == 0


async def test_the_database_of_one_bot_is_refused_to_another(mongo_url, tmp_path):
    name = database_of(tmp_path)
    for _ in range(2):
        async with open_stores(mongo_url, name, bot_id=5):
            pass
    with pytest.raises(InfrastructureError, match=r"another bot \(5, and this one is 6\)"):
        async with open_stores(mongo_url, name, bot_id=6):
            pass
    await drop("mongo", tmp_path)


async def test_what_a_person_has_is_found_by_an_index(database):
    indexes = await database.jobs.index_information()
    assert any(list(index["key"]) == [("user_id", 1)] for index in indexes.values())
