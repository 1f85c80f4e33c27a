"""Fair turns: who is next, and what people are told about it."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.stores import (
    LEASE,
    MINUTE,
    NOW,
    OPEN,
    claimed_ids,
    drop,
    job,
    open_jobs,
    queue,
)
from tests.fuzzing import tries
from userbot.domain.records import FairLimits, JobState, Lane

ALL = 10**6
# The server that stands in for MongoDB is slow, and `test_same_answers` compares the two as well.
EXAMPLES = {"sqlite": 60, "mongo": 8}


async def take(store, lane=Lane.DELIVER, limits=OPEN, now=NOW):
    return await store.claim(lane, now, now + MINUTE, limits)


async def finish(store, claim, state=JobState.DELIVERED):
    assert await store.release(claim, replace(claim.record, state=state), NOW)


async def places(store, lane=Lane.DELIVER, now=NOW):
    found = await store.places(lane, now, ALL)
    assert [place.position for place in found] == list(range(1, len(found) + 1))
    for place in found:
        assert await store.position(place.job_id, now) == place.position
    return [place.job_id for place in found]


async def test_one_link_does_not_wait_behind_a_hundred_of_another(store):
    await queue(store, *(job(number, user=1) for number in range(100)))
    for _ in range(3):
        await finish(store, await take(store))
    await queue(store, job(500, user=2))
    assert (await take(store)).record.job.id == "job500"


async def test_people_take_turns_with_their_oldest_jobs(store):
    await queue(store, *(job(n, user=n // 10) for n in (10, 11, 12, 20, 30, 31)))
    expected = ["job10", "job20", "job30", "job11", "job31", "job12"]
    assert await places(store) == expected
    assert await claimed_ids(store) == expected


async def test_turns_outlive_the_program(kind, tmp_path):
    async with open_jobs(kind, tmp_path) as store:
        await queue(store, *(job(n, user=n // 10) for n in (10, 11, 20, 21)))
        await finish(store, await take(store))
    async with open_jobs(kind, tmp_path) as store:
        await store.give_up_claims()
        assert await claimed_ids(store) == ["job20", "job11", "job21"]


async def test_who_was_served_longest_ago_is_next_even_after_a_pause(store):
    await queue(store, job(10, user=1), job(20, user=2))
    for _ in range(2):
        await finish(store, await take(store))
    await queue(store, job(21, user=2), job(11, user=1))
    assert await claimed_ids(store) == ["job11", "job21"]
    await store.forget_ended(NOW + MINUTE)
    await queue(store, job(12, user=1), job(30, user=3), job(22, user=2))
    assert await places(store) == ["job30", "job12", "job22"]


async def test_each_lane_has_turns_of_its_own(store):
    await queue(store, job(10, user=1), job(20, user=2))
    await queue(store, job(11, user=1), job(21, user=2), quick=True)
    await store.add(job(12, user=1), NOW)
    assert (await take(store, Lane.QUICK)).record.job.id == "job11"
    assert await places(store) == ["job10", "job20"]
    assert await places(store, Lane.INSPECT) == ["job12"]
    assert await places(store, Lane.QUICK) == ["job21"]
    assert await claimed_ids(store) == ["job10", "job20"]
    assert await claimed_ids(store, Lane.QUICK) == ["job21"]


async def test_a_job_changes_lanes_with_what_is_saved(store):
    await store.add(job(1), NOW)
    claim = await take(store, Lane.INSPECT)
    await store.release(claim, replace(claim.record, state=JobState.FETCHED, is_quick=True), NOW)
    assert await places(store, Lane.INSPECT) == []
    claim = await take(store, Lane.QUICK)
    await store.release(claim, replace(claim.record, state=JobState.SENDING, is_quick=False), NOW)
    assert await places(store) == ["job1"]
    claim = await take(store)
    await finish(store, claim, JobState.NEW)
    assert await claimed_ids(store, Lane.INSPECT) == ["job1"]


async def test_limits_of_a_person_and_of_a_chat_are_kept(store):
    limits = FairLimits(per_user=2, per_chat=3)
    await queue(store, *(job(n, user=1, chat=-1) for n in range(3)))
    await queue(store, *(job(n, user=2, chat=-1) for n in range(10, 13)))
    await queue(store, *(job(n, user=2, chat=-2) for n in range(20, 22)))
    held = []
    while claim := await take(store, limits=limits):
        held.append(claim)
    assert [claim.record.job.id for claim in held] == ["job0", "job10", "job1", "job20"]
    await finish(store, held[0])
    assert await claimed_ids(store, limits=limits) == ["job2"], "2 has enough, the chat has room"
    await finish(store, held[3])
    assert await claimed_ids(store, limits=limits) == ["job21"], "the chat is full, another not"
    assert len(await claimed_ids(store, limits=limits, now=LEASE)) == 4, "no lease, no claim"


async def test_limits_count_by_lane(store):
    limits = FairLimits(per_user=1, per_chat=1)
    await queue(store, job(1))
    await queue(store, job(2), quick=True)
    await store.add(job(3), NOW)
    for lane in Lane:
        assert len(await claimed_ids(store, lane, limits)) == 1


async def test_a_job_that_is_not_due_is_passed_over(store):
    await queue(store, job(1), job(2), job(3, user=2))
    claim = await take(store)
    later = replace(claim.record, not_before=NOW + MINUTE)
    assert await store.release(claim, later, NOW)
    assert await places(store) == ["job3", "job2"]
    assert await store.position("job1", NOW) is None
    assert await places(store, now=NOW + MINUTE) == ["job3", "job1", "job2"]
    assert await claimed_ids(store) == ["job3", "job2"]
    assert await claimed_ids(store, now=NOW + 59 * MINUTE / 60) == []
    assert await claimed_ids(store, now=NOW + MINUTE) == ["job3", "job1", "job2"]


async def test_what_does_not_wait_has_no_place(store):
    await queue(store, job(1), job(2))
    await store.add(job(3), NOW)
    claim = await take(store)
    assert await store.position(claim.record.job.id, NOW) is None
    assert await store.position("unknown", NOW) is None
    assert await store.position("job3", NOW) == 1, "in its own lane"
    await store.end("job2", JobState.CANCELLED, None, NOW)
    assert await store.position("job2", NOW) is None
    assert await store.places(Lane.DELIVER, NOW, ALL) == []
    assert await store.places(Lane.INSPECT, NOW, 0) == []


async def test_jobs_that_do_not_wait_take_no_place_from_others(store):
    await queue(store, *(job(n, user=1) for n in range(10, 14)), job(20, user=2))
    for _ in range(3):
        await take(store)
    await queue(store, *(job(n, user=2) for n in range(21, 26)), job(30, user=3))
    assert await places(store) == [f"job{n}" for n in (30, 21, 12, 22, 13, 23, 24, 25)]


async def test_the_first_places_are_the_first_of_all_places(store):
    await queue(store, *(job(n, user=n % 3) for n in range(12)))
    line = await places(store)
    for limit in range(14):
        found = await store.places(Lane.DELIVER, NOW, limit)
        assert [place.job_id for place in found] == line[:limit]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), st.integers(0, 4)),
        st.tuples(st.sampled_from(["claim", "claim and finish", "back off"]), st.just(0)),
        st.tuples(st.sampled_from(["end", "give up", "forget"]), st.integers(0, 30)),
    ),
    min_size=5,
    max_size=50,
)


def test_places_are_the_order_of_the_claims(kind):
    @tries(EXAMPLES[kind])
    @given(steps=STEPS)
    def compare_all(steps):
        asyncio.run(compare(kind, steps))

    compare_all()


async def compare(kind, steps):
    with tempfile.TemporaryDirectory() as folder:
        async with open_jobs(kind, Path(folder)) as store:
            for number, (step, value) in enumerate(steps):
                await act(store, number, step, value)
            line = await places(store)
            assert await claimed_ids(store) == line
        await drop(kind, Path(folder))


async def act(store, number, step, value):
    if step == "queue":
        await queue(store, job(number, user=value, chat=-1))
    elif step == "end":
        await store.end(f"job{value}", JobState.CANCELLED, None, NOW)
    elif step == "give up":
        await store.give_up_claims()
    elif step == "forget":
        await store.forget_ended(NOW + MINUTE)
    elif claim := await take(store):
        if step == "claim and finish":
            await finish(store, claim)
        elif step == "back off":
            later = replace(claim.record, not_before=LEASE)
            assert await store.release(claim, later, NOW)
