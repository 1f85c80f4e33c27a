"""A claimed job while its store is away for a moment: what was done is kept when it is back."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.records import FairLimits, JobState, Lane
from userbot.errors import DeadlineError, StoreAwayError
from userbot.services import held as held_module
from userbot.services.held import ClaimLostError, Held
from userbot.sqlite import database
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)
OPEN = FairLimits(100, 100)
JOB = Job(JobId("job1"), Request(1, 1, 1, is_group=False), "https://example.org/")


class Deaf(SqliteJobs):
    """A store that does what it is told; the first answer does not arrive."""

    is_deaf = True

    async def release(self, claim, record, now):
        answer = await super().release(claim, record, now)
        if self.is_deaf:
            self.is_deaf = False
            raise StoreAwayError("the line is cut")
        return answer


@pytest.fixture
def path(tmp_path, monkeypatch):
    pragmas = ("PRAGMA busy_timeout = 20", *database.PRAGMAS[1:])
    monkeypatch.setattr(database, "PRAGMAS", pragmas)
    monkeypatch.setattr(held_module, "STORE_PAUSES_S", (0.02,))
    monkeypatch.setattr(held_module, "STORE_PAUSE_S", 0.02)
    return tmp_path / "userbot.db"


async def claimed(store):
    await store.add(JOB, NOW)
    claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
    return Held(store, claim, lambda: NOW)


async def test_a_step_is_kept_when_the_store_is_back(path, caplog):
    async with open_database(path) as opened:
        store = SqliteJobs(opened)
        held = await claimed(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
                saving = tasks.create_task(held.save(retries=1))
                while "when the store is back" not in caplog.text:
                    await asyncio.sleep(0.01)
                assert not saving.done()
                other.execute("COMMIT")
        await held.release(state=JobState.FAILED)
        record = await store.find(JOB.id)
        assert record is not None
        assert (record.state, record.retries) == (JobState.FAILED, 1)


async def test_a_claim_whose_end_was_kept_unheard_is_not_lost(path):
    async with open_database(path) as opened:
        store = Deaf(opened)
        held = await claimed(store)
        async with asyncio.timeout(30):
            await held.release(state=JobState.FAILED)
        assert held.record.state is JobState.FAILED


async def test_a_job_that_was_ended_meanwhile_is_lost(path):
    async with open_database(path) as opened:
        store = SqliteJobs(opened)
        held = await claimed(store)
        await store.end(JOB.id, JobState.CANCELLED, None, NOW + timedelta(seconds=1))
        with pytest.raises(ClaimLostError):
            await held.release(state=JobState.FAILED)
        with pytest.raises(ClaimLostError):
            await held.let_go()


async def test_nobody_waits_for_the_store_when_the_bot_stops(path):
    async with open_database(path) as opened:
        held = await claimed(SqliteJobs(opened))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreAwayError):
                await held.let_go()


@pytest.mark.parametrize(("step", "is_own"), [("extract", False), ("upload", True)])
async def test_whose_deadline_it_was_is_known(path, step, is_own):
    async with open_database(path) as opened:
        held = await claimed(SqliteJobs(opened))
        with pytest.raises(DeadlineError):
            async with held.working(0.01, step):
                await asyncio.sleep(60)
        assert held.is_own_deadline is is_own
        assert held.record.worked_s > 0, "whatever the clock on the wall says"


async def test_each_step_has_its_time_and_what_comes_between_is_waiting(path):
    async with open_database(path) as opened:
        store = SqliteJobs(opened)
        held = await claimed(store)
        assert held.record.steps_s == {"wait": 0.0}
        held.enters("merge")  # nothing is under way
        async with held.working(60, "download"):
            for step in ("download", "merge", "download", "convert"):
                held.enters(step)
        assert set(held.record.steps_s) == {"wait", "download", "merge", "convert"}
        assert sum(held.record.steps_s.values()) == pytest.approx(held.record.worked_s, abs=0.1)
        await held.release(state=JobState.QUEUED)
        later = held.record.changed_at + timedelta(seconds=7)
        claim = await store.claim(Lane.DELIVER, later, later + timedelta(seconds=60), OPEN)
        assert claim is not None
        again = Held(store, claim, lambda: later)
        assert again.record.steps_s["wait"] == 7.0
