"""People, their histories and forgetting, on a real file."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.stores import job, queue
from tests.contract.test_history import item
from userbot.domain.history import ErrorEntry, Tally
from userbot.domain.jobs import JobId
from userbot.domain.people import Quota, Role, Usage
from userbot.domain.records import JobState
from userbot.durable.values import day_number
from userbot.services.accounts import Accounts, Forgotten
from userbot.services.history import Chronicle
from userbot.services.retention import Retention
from userbot.services.usage_report import UsageReports
from userbot.sqlite.database import open_database
from userbot.sqlite.schema import MIGRATIONS
from userbot.sqlite.stores import open_stores

NOW = datetime(2030, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def stores(tmp_path):
    async with open_stores(tmp_path / "userbot.db") as stores:
        yield stores


async def lose(stores, table):
    """Make the store fail where it needs a table."""
    database = stores.users._database
    await database.write(lambda connection: connection.execute(f"DROP TABLE {table}"))


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def chronicle(stores):
    return Chronicle(stores, 1)


@pytest.fixture
def accounts(stores, chronicle, clock):
    return Accounts(stores, chronicle, clock)


async def test_who_writes_often_is_kept_now_and_then(stores, accounts, clock):
    await accounts.touch(1, "Ann")
    clock.at += timedelta(minutes=4)
    await accounts.touch(1, "Ann")
    assert (await stores.users.find(1)).seen_at == NOW
    await accounts.touch(1, "Anna")
    assert (await stores.users.find(1)).name == "Anna", "a new name is news"
    clock.at += timedelta(minutes=5)
    await accounts.touch(1, "Ann")
    assert (await stores.users.find(1)).seen_at == clock.at


async def test_an_export_has_everything_of_one_person(stores, accounts):
    await accounts.touch(1, "Ann \U0001f600")
    await stores.history.add(item(1))
    await stores.history.add(item(2, user_id=2))
    for user in (1, 2):
        await stores.errors.add(ErrorEntry(JobId(f"x{user}"), user, NOW, "Down", "site", "503"))
    await stores.quotas.settle(1, job(1).id, NOW.date(), 30)
    await queue(stores.jobs, job(7), job(8, user=2))
    data = json.loads(await accounts.export(1))
    assert data["person"]["name"] == "Ann \U0001f600"
    assert [each["job_id"] for each in data["history"]] == ["job1"]
    assert data["history"][0]["ended_at"] == item(1).ended_at.isoformat()
    assert data["taken_today"] == {"count": 1, "size_bytes": 30}
    assert [each["link"] for each in data["open_links"]] == [job(7).url]
    assert [(each["label"], each["detail"]) for each in data["errors"]] == [("Down", "503")]


async def test_somebody_is_known_who_wrote_or_has_a_history(stores, accounts):
    assert not await accounts.is_known(1)
    await stores.history.add(item(1))
    await accounts.touch(2, "")
    assert await accounts.is_known(1)
    assert await accounts.is_known(2)


async def test_forgetting_leaves_open_links_and_other_people(stores, accounts):
    await accounts.touch(1, "Ann")
    for each in (item(1), item(2), item(3, user_id=2)):
        await stores.history.add(each)
    await stores.errors.add(ErrorEntry(JobId("x"), 1, NOW, "Down"))
    await queue(stores.jobs, job(7), job(8))
    await stores.jobs.end(job(8).id, JobState.CANCELLED, None, NOW)
    await stores.jobs.note_told(job(8).id)
    assert await accounts.forget(1) == Forgotten(items=2, open_jobs=1)
    assert not await accounts.is_known(1)
    assert await stores.errors.recent(5) == []
    assert await stores.jobs.find(job(8).id) is None
    assert await stores.jobs.find(job(7).id)
    assert await stores.history.export(2) == [item(3, user_id=2)]
    await accounts.touch(1, "Ann")
    assert await accounts.is_known(1), "whoever writes again is known again"


async def test_an_end_that_is_told_after_forgetting_is_not_kept(stores, accounts, chronicle, clock):
    await queue(stores.jobs, job(7), job(8), job(9, user=2))
    for number in (7, 9):
        await stores.jobs.end(job(number).id, JobState.CANCELLED, None, NOW)
    await accounts.forget(1)
    later = NOW + timedelta(minutes=1)
    await stores.jobs.end(job(8).id, JobState.CANCELLED, None, later)
    for number in (7, 8, 9):
        assert await chronicle.keep(await stores.jobs.find(job(number).id))
    assert [each.job_id for each in await stores.history.export(1)] == ["job8"]
    assert [each.job_id for each in await stores.history.export(2)] == ["job9"]


async def test_who_did_not_write_for_long_is_forgotten(stores, accounts, clock):
    clock.at = NOW - 31 * DAY
    for user in (1, 2, 3):
        await accounts.touch(user, "Name")
    await stores.users.set_role(2, Role.TRUSTED)
    clock.at = NOW
    await accounts.touch(3, "Name")
    await Retention(stores, 30 * DAY, clock).forget()
    assert await stores.users.find(1) is None
    assert await stores.users.find(2)
    assert await stores.users.find(3)


async def test_a_store_that_is_away_fails_nobody(tmp_path, clock):
    async with open_stores(tmp_path / "userbot.db") as stores:
        accounts = Accounts(stores, Chronicle(stores, 1), clock)
        await lose(stores, "users")
        await accounts.touch(1, "Ann")


async def old_and_new(stores):
    for days in (0, 29, 31):
        await stores.history.add(item(days, ended_at=NOW - days * DAY))
        await stores.errors.add(ErrorEntry(JobId(f"{days}"), 1, NOW - days * DAY, "Down"))
        await stores.quotas.settle(1, JobId(f"{days}"), (NOW - days * DAY).date(), 1)
    await queue(stores.jobs, job(1), now=NOW)
    await stores.jobs.end(job(1).id, JobState.CANCELLED, None, NOW - 31 * DAY)


async def test_what_is_older_than_the_settings_say_is_forgotten(stores, clock):
    await old_and_new(stores)
    await Retention(stores, 30 * DAY, clock).forget()
    assert [each.job_id for each in await stores.history.export(1)] == ["job29", "job0"]
    assert len(await stores.errors.recent(9)) == 2
    assert await stores.jobs.find(job(1).id) is None
    assert await stores.quotas.usage(1, NOW.date()) == Usage(1, 1)
    assert await stores.quotas.usage(1, (NOW - 29 * DAY).date()) == Usage()


async def test_for_ever_is_for_ever(stores, clock):
    await old_and_new(stores)
    await Retention(stores, None, clock).forget()
    assert len(await stores.history.export(1)) == 3
    assert await stores.jobs.find(job(1).id)


async def test_what_cannot_be_forgotten_now_stops_nothing(stores, clock):
    await old_and_new(stores)
    await lose(stores, "history")
    await Retention(stores, 30 * DAY, clock).forget()
    assert len(await stores.errors.recent(9)) == 2


async def test_the_numbers_are_of_today_and_of_seven_days(stores, clock):
    for days in (0, 6, 7):
        await stores.history.add(item(days, ended_at=NOW - days * DAY, size_bytes=10))
    await stores.errors.add(ErrorEntry(JobId("x"), 1, NOW, "Down"))
    report = await UsageReports(stores.statistics, stores.errors, clock).latest()
    assert report.today == Tally(1, 1, 0, 10)
    assert report.week == Tally(2, 2, 0, 20)
    assert report.days == [((NOW - days * DAY).date(), report.today) for days in (6, 0)]
    assert report.sites == [("site", Tally(2, 2, 0, 20))]
    assert report.users == [(1, Tally(2, 2, 0, 20))]
    assert report.errors == [("Down", 1)]
    assert [entry.job_id for entry in report.last_errors] == ["x"]


async def test_a_file_of_the_second_version_is_brought_up_to_date(tmp_path):
    path = tmp_path / "userbot.db"
    async with open_database(path, MIGRATIONS[:2]) as opened:
        await opened.write(
            lambda connection: connection.execute(
                "INSERT INTO jobs (id, chat_id, message_id, user_id, is_group, url, state, lane,"
                " created_at, changed_at) VALUES ('a', 1, 1, 1, 0, 'u', 'new', 'inspect', 0, 0)"
            )
        )
    for _ in range(2):
        async with open_stores(path) as stores:
            record = await stores.jobs.find(JobId("a"))
            assert record
            assert (record.file_ids, record.steps_s) == ((), {})
            await stores.history.add(item(1))
            assert await stores.history.export(1) == [item(1)]


async def test_what_was_counted_before_each_job_was_counts_on(tmp_path):
    path = tmp_path / "userbot.db"
    today = day_number(NOW.date())
    async with open_database(path, MIGRATIONS[:3]) as opened:
        await opened.change("INSERT INTO usage VALUES (1, ?, 49, 5000)", (today,))
    async with open_stores(path) as stores:
        assert await stores.quotas.usage(1, NOW.date()) == Usage(49, 5000)
        assert await stores.quotas.reserve(1, JobId("a"), NOW.date(), Quota(50))
        assert not await stores.quotas.reserve(1, JobId("b"), NOW.date(), Quota(50))
