"""What every Users and Quotas promise."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.contract.stores import CHOICE, LEASE, MINUTE, NOW, OPEN, job, open_stores, queue
from tests.contract.test_history import HOSTILE
from userbot.domain.media import MediaKind
from userbot.domain.people import Ban, Preferences, Quota, Role, Usage, User
from userbot.domain.records import JobState, Lane

TODAY = date(2030, 1, 1)
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
        Ban(NOW, LEASE, "too loud"),
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
    await stores.users.set_ban(1, Ban(NOW, None, text))
    user = await stores.users.find(1)
    assert user.name == text
    assert user.ban == Ban(NOW, None, text)


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
    steps = {"look": 0.25, "fetch": 3.5}
    done = replace(claim.record, state=JobState.DELIVERED, file_ids=("a", "b"), steps_s=steps)
    assert await stores.jobs.release(claim, done, NOW)
    record = await stores.jobs.find(job(1).id)
    assert (record.file_ids, record.steps_s, record.choice) == (("a", "b"), steps, CHOICE)


async def test_a_day_is_charged_up_to_the_quota_and_no_further(stores):
    quotas = stores.quotas
    assert await quotas.usage(1, TODAY) == Usage()
    assert await quotas.charge(1, TODAY, Usage(1, 600), Quota(2, 1000))
    assert not await quotas.charge(1, TODAY, Usage(1, 401), Quota(2, 1000))
    assert await quotas.charge(1, TODAY, Usage(1, 400), Quota(2, 1000))
    assert not await quotas.charge(1, TODAY, Usage(1, 0), Quota(2, 1000))
    assert await quotas.charge(1, TODAY, Usage(1, 2**40), Quota()), "no limits"
    assert not await quotas.charge(1, TODAY, Usage(5, 0), Quota(4, None))
    assert await quotas.usage(1, TODAY) == Usage(3, 1000 + 2**40)
    assert await quotas.usage(2, TODAY) == Usage()
    assert await quotas.usage(1, TODAY + timedelta(days=1)) == Usage()


async def test_of_many_charges_at_once_no_more_pass_than_fit(stores):
    passed = []

    async def charge():
        passed.append(await stores.quotas.charge(1, TODAY, Usage(1, 10), Quota(7, 10**6)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(25):
            tasks.create_task(charge())
    assert sum(passed) == 7
    assert await stores.quotas.usage(1, TODAY) == Usage(7, 70)


async def test_days_that_are_over_are_forgotten(stores):
    for days in range(3):
        assert await stores.quotas.charge(1, TODAY + timedelta(days=days), Usage(1, 1), Quota())
    assert await stores.quotas.forget_before(TODAY + timedelta(days=2)) == 2
    assert await stores.quotas.usage(1, TODAY + timedelta(days=1)) == Usage()
    assert await stores.quotas.usage(1, TODAY + timedelta(days=2)) == Usage(1, 1)
