"""What every Users and Quotas promise."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.contract.stores import CHOICE, LEASE, MINUTE, NOW, OPEN, job, open_stores, queue
from tests.contract.test_history import HOSTILE
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.people import Ban, Preferences, Quota, Role, Usage, User
from userbot.domain.records import JobState, Lane

DAY = timedelta(days=1)
TODAY, TOMORROW = date(2030, 1, 1), date(2030, 1, 2)
ANN = 2**52 - 1


async def test_a_person_is_known_once_they_have_written(stores):
    assert await stores.users.find(ANN) is None
    await stores.users.touch(ANN, "Ann", NOW)
    await stores.users.touch(ANN, "Anna", NOW + MINUTE)
    await stores.users.touch(ANN, "Anna", NOW - MINUTE)
    assert await stores.users.find(ANN) == User(ANN, "Anna", NOW - MINUTE, NOW + MINUTE)


async def test_everything_about_a_person_is_kept(stores, kind, tmp_path):
    users = stores.users
    whole = User(
        -ANN,
        "Ann",
        NOW,
        NOW,
        Preferences(MediaKind.AUDIO, 720),
        Role.TRUSTED,
        Ban(NOW, "too loud"),
        Quota(10, 2**40),
    )
    await users.set_preferences(whole.id, whole.preferences)
    await users.set_role(whole.id, whole.role)
    await users.set_ban(whole.id, whole.ban)
    await users.set_quota(whole.id, whole.quota)
    await users.touch(whole.id, whole.name, NOW)
    async with open_stores(kind, tmp_path) as again:
        assert await again.users.find(whole.id) == whole
    await users.set_preferences(whole.id, Preferences())
    await users.set_role(whole.id, Role.USER)
    await users.set_ban(whole.id, None)
    await users.set_quota(whole.id, None)
    assert await users.find(whole.id) == User(whole.id, "Ann", NOW, NOW)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
async def test_hostile_names_and_reasons_are_kept_as_they_are(stores, text):
    await stores.users.touch(1, text, NOW)
    await stores.users.set_ban(1, Ban(NOW, text))
    user = await stores.users.find(1)
    assert user.name == text
    assert user.ban == Ban(NOW, text)


async def test_what_utf8_cannot_say_becomes_a_question_mark(stores):
    await stores.users.touch(1, "a\ud800b", NOW)
    assert (await stores.users.find(1)).name == "a?b"


async def test_who_is_forgotten_leaves_nothing_but_the_owners_decisions(stores):
    users = stores.users
    await users.touch(1, "Ann", NOW)
    await users.set_preferences(1, Preferences(MediaKind.VIDEO, 1080))
    await users.touch(2, "Bob", NOW)
    await users.set_ban(2, Ban(NOW))
    assert await users.forget(1) == await users.forget(2) == await users.forget(3) == 0
    assert await users.find(1) is None
    assert await users.find(2) == User(2, ban=Ban(NOW))
    assert await users.find(3) is None


async def test_forgetting_deletes_the_jobs_that_have_ended_and_are_told(stores):
    await queue(stores.jobs, job(1), job(2), job(3), job(4, user=2))
    for number in (1, 2, 4):
        assert await stores.jobs.end(job(number).id, JobState.CANCELLED, None, NOW)
    await stores.jobs.note_told(job(1).id)
    await stores.jobs.note_told(job(4).id)
    assert await stores.users.forget(1) == 1
    assert await stores.jobs.find(job(1).id) is None
    for number in (2, 3, 4):
        assert await stores.jobs.find(job(number).id), "owed, open, or somebody else's"


async def test_many_words_at_once_make_one_person(stores):
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(stores.users.touch(1, "Ann", NOW + number * MINUTE))
    assert await stores.users.find(1) == User(1, "Ann", NOW, NOW + 19 * MINUTE)


async def test_a_job_keeps_its_file_ids_and_the_time_of_its_steps(stores):
    await queue(stores.jobs, job(1))
    claim = await stores.jobs.claim(Lane.DELIVER, NOW, LEASE, OPEN)
    steps = {"extract": 0.25, "download": 3.5}
    done = replace(claim.record, state=JobState.DELIVERED, file_ids=("a", "b"), steps_s=steps)
    assert await stores.jobs.release(claim, done, NOW)
    record = await stores.jobs.find(job(1).id)
    assert (record.file_ids, record.steps_s, record.choice) == (("a", "b"), steps, CHOICE)


async def test_whom_something_is_decided_about_is_known_after_a_restart(stores, kind, tmp_path):
    await stores.users.touch(1, "Ann", NOW)
    await stores.users.set_role(4, Role.ALLOWED)
    await stores.users.set_ban(3, Ban(NOW))
    await stores.users.set_quota(2, Quota(5))
    await stores.users.set_role(5, Role.TRUSTED)
    await stores.users.set_role(5, Role.USER)
    async with open_stores(kind, tmp_path) as again:
        assert await again.users.decided() == [
            User(2, quota=Quota(5)),
            User(3, ban=Ban(NOW)),
            User(4, role=Role.ALLOWED),
        ]


# quotas

FIRST, SECOND = JobId("first"), JobId("second")


async def test_a_day_has_room_for_as_many_jobs_as_the_quota_says(stores):
    quotas = stores.quotas
    assert await quotas.usage(1, TODAY) == Usage()
    assert await quotas.reserve(1, FIRST, TODAY, Quota(2))
    assert await quotas.reserve(1, FIRST, TODAY, Quota(1)), "counted already"
    assert not await quotas.reserve(1, SECOND, TODAY, Quota(1))
    assert await quotas.reserve(1, SECOND, TODAY, Quota(2))
    assert await quotas.reserve(1, JobId("third"), TODAY, Quota(), 2**40), "no limits"
    assert not await quotas.reserve(1, JobId("fourth"), TODAY, Quota(None, 2**40))
    assert await quotas.usage(1, TODAY) == Usage(3, 2**40)
    assert await quotas.usage(2, TODAY) == Usage()
    assert await quotas.usage(1, TOMORROW) == Usage()


async def test_what_a_job_has_brought_is_kept_once_and_on_its_own_day(stores):
    quotas = stores.quotas
    await quotas.reserve(1, FIRST, TODAY, Quota())
    for size_bytes in (600, 700):
        await quotas.settle(1, FIRST, TOMORROW, size_bytes)
        await quotas.settle(1, SECOND, TOMORROW, size_bytes)
    assert await quotas.usage(1, TODAY) == Usage(1, 600)
    assert await quotas.usage(1, TOMORROW) == Usage(1, 600), "never counted before"


async def test_what_came_to_nothing_counts_no_more_and_what_was_brought_does(stores):
    quotas = stores.quotas
    await quotas.reserve(1, FIRST, TODAY, Quota(), 500)
    await quotas.settle(1, SECOND, TODAY, 30)
    for job_id in (FIRST, FIRST, SECOND, JobId("unknown")):
        await quotas.release(1, job_id)
    assert await quotas.usage(1, TODAY) == Usage(1, 30)
    assert await quotas.reserve(1, FIRST, TOMORROW, Quota(1)), "it is tried again"
    assert await quotas.usage(1, TOMORROW) == Usage(1, 0)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
async def test_any_id_is_counted_and_none_is_a_query(stores, text):
    await stores.quotas.reserve(1, JobId(text), TODAY, Quota(1))
    await stores.quotas.settle(1, JobId(text), TODAY, 5)
    assert not await stores.quotas.reserve(1, SECOND, TODAY, Quota(1))
    assert await stores.quotas.usage(1, TODAY) == Usage(1, 5)


async def test_of_500_reservations_at_once_exactly_as_many_pass_as_fit(stores):
    async with asyncio.TaskGroup() as tasks:
        tried = [
            tasks.create_task(stores.quotas.reserve(1, JobId(f"job{number}"), TODAY, Quota(50)))
            for number in range(500)
        ]
    assert sum(each.result() for each in tried) == 50
    assert await stores.quotas.usage(1, TODAY) == Usage(50, 0)


async def test_days_that_are_over_are_forgotten(stores):
    for days in range(3):
        await stores.quotas.settle(1, JobId(f"job{days}"), TODAY + days * DAY, 1)
    assert await stores.quotas.forget_before(TODAY + 2 * DAY) == 2
    assert await stores.quotas.usage(1, TOMORROW) == Usage()
    assert await stores.quotas.usage(1, TODAY + 2 * DAY) == Usage(1, 1)
