"""What is SQLite's own: large texts are not touched by the way, and cost nothing twice."""

from dataclasses import replace
from random import Random

import pytest

from tests.contract.stores import LEASE, NOW, OPEN, extraction, job
from tests.contract.test_jobs_fair import act
from userbot.domain.records import JobState, Lane
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs
from userbot.sqlite.turns import NEXT

INFO = '{"formats": "' + "x" * 1_000_000 + '"}'


@pytest.fixture
async def opened(tmp_path):
    async with open_database(tmp_path / "userbot.db") as opened:
        yield opened


async def queued(store, *numbers):
    for number in numbers:
        await store.add(job(number), NOW)
        claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
        assert claim
        page = extraction(info_json=INFO)
        await store.release(
            claim, replace(claim.record, state=JobState.QUEUED, extraction=page), NOW
        )


async def test_lists_and_places_do_not_read_pages(opened):
    store = SqliteJobs(opened)
    await queued(store, 1, 2)
    await opened.write(lambda connection: connection.execute("DROP TABLE pages"))
    assert len(await store.unfinished()) == 2
    assert await store.count_unfinished(1) == 2
    assert await store.position(job(2).id, NOW) == 2
    assert len(await store.places(Lane.DELIVER, NOW, 10)) == 2
    assert await store.claim(Lane.INSPECT, NOW, LEASE, OPEN) is None


async def test_a_page_that_did_not_change_is_not_written_again(opened, tmp_path):
    store = SqliteJobs(opened)
    await queued(store, 1)
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    assert claim
    await opened._connection.run(
        lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    )
    log = tmp_path / "userbot.db-wal"
    for number in range(10):
        assert await store.save(claim, replace(claim.record, send_random_id=number), NOW)
    assert log.stat().st_size < 10 * 12 * 4096
    page = extraction(info_json=INFO + " ")
    assert await store.save(claim, replace(claim.record, extraction=page), NOW)
    assert log.stat().st_size > 1_000_000
    found = await store.find(claim.record.job.id)
    assert found
    assert found.extraction == page


async def test_the_queries_of_the_queue_sort_and_scan_nothing(opened):
    """So that claims are as fast with 10,000 jobs as with ten."""
    values = {"lane": Lane.DELIVER, "now": 0, "per_user": 1, "per_chat": 1}
    plan = await opened.read(
        lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {NEXT}", values).fetchall()
    )
    steps = [row["detail"] for row in plan]
    assert not [step for step in steps if "ORDER BY" in step or step.startswith("SCAN")], steps


async def test_forgotten_jobs_take_their_pages_and_turns_along(opened):
    store = SqliteJobs(opened)
    await queued(store, 1)
    assert await store.end(job(1).id, JobState.FAILED, None, NOW)
    assert await store.forget_ended(LEASE) == 1
    for table in ("jobs", "pages", "turns"):
        rows = await opened.read(
            lambda connection, table=table: connection.execute(f"SELECT * FROM {table}").fetchall()
        )
        assert rows == []


async def test_the_count_of_a_persons_jobs_in_a_lane_is_always_right(opened):
    store = SqliteJobs(opened)
    random = Random(7)
    steps = ["queue", "queue", "claim", "claim and finish", "back off", "end", "give up", "forget"]
    for number in range(200):
        await act(store, number, random.choice(steps), random.randrange(4))
    wrong = """
        SELECT 1 FROM turns WHERE jobs <> (
            SELECT count(*) FROM jobs
            WHERE jobs.lane = turns.lane AND jobs.user_id = turns.user_id
        )
        UNION ALL
        SELECT 1 FROM jobs WHERE lane IS NOT NULL AND (lane, user_id) NOT IN (
            SELECT lane, user_id FROM turns
        )
    """
    assert await opened.read(lambda connection: connection.execute(wrong).fetchall()) == []
    assert len(await store.unfinished()) > 10


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE jobs SET details = '{' WHERE id = 'job1'",
        "UPDATE jobs SET choice = '{}' WHERE id = 'job1'",
        "UPDATE pages SET extraction = '[]' WHERE number = 1",
    ],
)
async def test_a_damaged_record_is_ended_and_blocks_nobody(opened, damage):
    store = SqliteJobs(opened)
    await queued(store, 1)
    await queued(store, 2)
    await opened.write(lambda connection: connection.execute(damage).rowcount)
    claim = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    assert claim
    assert claim.record.job.id == "job2"
    (buried,) = await store.untold()
    assert (buried.job.id, buried.state, buried.error) == (
        "job1",
        JobState.FAILED,
        "InfrastructureError",
    )


async def test_a_damaged_end_does_not_hide_the_others(opened):
    store = SqliteJobs(opened)
    for number in (1, 2):
        await queued(store, number)
        await store.end(job(number).id, JobState.FAILED, None, NOW)
    damage = "UPDATE jobs SET details = '' WHERE id = 'job1'"
    await opened.write(lambda connection: connection.execute(damage).rowcount)
    assert [record.job.id for record in await store.untold()] == ["job2"]
