"""What every JobStore promises about one job."""

import asyncio
import sys
from dataclasses import replace

import pytest

from tests.contract.stores import (
    CHOICE,
    LEASE,
    MINUTE,
    NOW,
    OPEN,
    claimed_ids,
    extraction,
    job,
    media_file,
    offer,
    open_jobs,
    queue,
)
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobRecord, JobState, Lane
from userbot.errors import SiteDownError, TooLargeError, TooManyJobsError

# The server that stands in for MongoDB takes time with every claim: the more, the more jobs it has.
MANY = {"sqlite": 200, "mongo": 70}
HOSTILE = [
    "",
    "\0nul\0in the middle",
    "'; DROP TABLE jobs; --",
    '{"$gt": ""}',
    "$where",
    "a.b.$c",
    "../../etc/passwd",
    "\u202e\u0627\u0644\u200f emoji \U0001f469\u200d\U0001f469\u200d\U0001f467 \ufffe\uffff",
    '"\\u0000\\ud800\n\r\t\x7f\x1b[31m',
    "x" * 100_000,
]


async def claim_of(store, lane=Lane.INSPECT, now=NOW):
    claim = await store.claim(lane, now, now + MINUTE, OPEN)
    assert claim
    return claim


async def test_a_new_job_is_kept_as_it_came(store):
    item = job(1, user=2**52, chat=-(10**13))
    assert await store.add(item, NOW)
    record = await store.find(item.id)
    assert record.job == item
    assert (record.state, record.created_at, record.changed_at) == (JobState.NEW, NOW, NOW)
    assert (record.attempts, record.retries, record.extraction) == (0, 0, None)
    assert await store.find(job(2).id) is None


async def test_an_update_that_comes_twice_makes_one_job(store):
    first = job(1)
    assert await store.add(first, NOW)
    assert not await store.add(first, NOW)
    assert not await store.add(replace(first, id=JobId("other")), NOW)
    assert await store.add(replace(first, id=JobId("other"), url="https://example.org/other"), NOW)
    with pytest.raises(RuntimeError):
        await store.add(replace(first, url="https://example.org/third"), NOW)
    assert len(await store.unfinished()) == 2


async def test_of_many_equal_jobs_at_once_one_is_kept(store):
    kept = []

    async def add(number):
        if await store.add(replace(job(1), id=JobId(f"id{number}")), NOW):
            kept.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(add(number))
    (summary,) = await store.unfinished()
    assert [f"id{number}" for number in kept] == [summary.job.id]


async def test_of_many_jobs_at_once_no_more_than_allowed_are_kept(store):
    kept = []

    async def add(number):
        try:
            kept.append(await store.add(job(number), NOW, max_unfinished=5))
        except TooManyJobsError as error:
            assert error.limit == 5

    async with asyncio.TaskGroup() as tasks:
        for number in range(30):
            tasks.create_task(add(number))
    assert kept == [True] * 5
    assert await store.count_unfinished(1) == 5
    assert not await store.add(job(0), NOW, max_unfinished=5), "known, not one too many"
    assert await store.add(job(99, user=2), NOW, max_unfinished=5)
    assert await store.end(job(0).id, JobState.CANCELLED, None, NOW)
    assert await store.add(job(98), NOW, max_unfinished=5)


async def test_everything_saved_is_found_again(store, kind, tmp_path):
    await store.add(job(1), NOW)
    claim = await claim_of(store)
    record = replace(
        claim.record,
        state=JobState.SENDING,
        attempts=2,
        retries=3,
        not_before=NOW + MINUTE,
        is_quick=True,
        extraction=extraction(info_json='{"a": 1}'),
        choices=(CHOICE, replace(CHOICE, height=None, size_bytes=None)),
        choice=CHOICE,
        file=media_file(),
        send_random_id=2**63 - 1,
        sent_message_id=8,
        error="StallError",
    )
    await store.note_status(record.job.id, 7)
    assert await store.save(claim, record, NOW + MINUTE)
    expected = replace(record, changed_at=NOW + MINUTE, status_message_id=7)
    assert await store.find(record.job.id) == expected
    async with open_jobs(kind, tmp_path) as another:
        assert await another.find(record.job.id) == expected
        (summary,) = await another.unfinished()
    assert (summary.title, summary.choice, summary.status_message_id) == ("A title", CHOICE, 7)
    assert (summary.state, summary.is_quick, summary.is_claimed) == (JobState.SENDING, True, True)
    assert (summary.not_before, summary.changed_at) == (NOW + MINUTE, NOW + MINUTE)
    assert await store.save(claim, replace(claim.record, state=JobState.NEW), NOW)
    emptied = replace(claim.record, status_message_id=7)
    assert await store.find(record.job.id) == emptied, "and can be emptied again"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_kept_and_nothing_else_happens(store, text):
    item = replace(job(1), url=text)
    assert await store.add(item, NOW)
    claim = await claim_of(store)
    record = replace(
        claim.record,
        extraction=extraction(text, info_json=text),
        choices=(replace(CHOICE, format_ids=(text, text)),),
        choice=replace(CHOICE, format_ids=(text,)),
        file=media_file(text),
        error=text,
        state=JobState.QUEUED,
    )
    assert await store.release(claim, record, NOW)
    assert await store.find(item.id) == record
    assert (await store.unfinished())[0].title == text
    assert not await store.add(replace(item, id=JobId("other")), NOW)
    assert await store.end(item.id, JobState.FAILED, SiteDownError(text), NOW)
    found = await store.find(item.id)
    assert (found.error, found.error_args) == ("SiteDownError", (text,))
    assert await store.find(text) is None


async def test_half_characters_become_question_marks(store):
    text = "a\ud800b\udfff"
    assert await store.add(replace(job(1), url=text), NOW)
    assert not await store.add(replace(job(1), id=JobId("other"), url=text), NOW)
    claim = await claim_of(store)
    record = replace(claim.record, extraction=extraction(text, text), file=media_file(text))
    assert await store.save(claim, record, NOW)
    found = await store.find(claim.record.job.id)
    assert found.job.url == found.extraction.title == found.file.title == "a?b?"
    assert found.extraction.info_json == "a?b?"
    await store.note_upload(claim.record.job.id, text)
    assert (await store.find(claim.record.job.id)).upload_note == "a?b?"
    assert await store.find(text) is None


async def test_a_megabyte_of_info_is_kept_until_the_job_ends(store):
    info = '{"formats": "' + "x" * 1_500_000 + '"}'
    for number, how in enumerate(("release", "save", "end")):
        item = job(number)
        await store.add(item, NOW)
        claim = await claim_of(store)
        record = replace(claim.record, extraction=extraction(info_json=info))
        assert await store.save(claim, record, NOW)
        assert (await store.find(item.id)).extraction.info_json == info
        ended = replace(record, state=JobState.DELIVERED)
        if how == "end":
            assert await store.end(item.id, JobState.DELIVERED, None, NOW)
        else:
            assert await getattr(store, how)(claim, ended, NOW)
        found = await store.find(item.id)
        assert found.extraction == extraction(info_json="")
        assert found.state is JobState.DELIVERED
        assert not await store.renew(claim, LEASE)
    assert await store.unfinished() == []
    assert await store.give_up_claims() == 0


async def test_a_late_finisher_changes_nothing(store):
    await store.add(job(1), NOW)
    old = await claim_of(store)
    new = await claim_of(store, now=LEASE)
    assert new.fence != old.fence
    changed = replace(old.record, state=JobState.FAILED)
    assert not await store.renew(old, LEASE + MINUTE)
    assert not await store.save(old, changed, NOW)
    assert not await store.release(old, changed, NOW)
    assert await store.find(job(1).id) == replace(old.record, attempts=1)
    assert await store.save(new, new.record, NOW)
    assert await store.release(new, new.record, NOW)
    assert not await store.release(new, changed, NOW), "given back once"
    assert not await store.renew(new, LEASE)


async def test_a_lease_that_ran_out_is_good_until_somebody_else_claims(store):
    await store.add(job(1), NOW)
    claim = await claim_of(store)
    assert await store.claim(Lane.INSPECT, LEASE - MINUTE / 60, LEASE, OPEN) is None
    assert await store.renew(claim, LEASE + MINUTE)
    assert await store.claim(Lane.INSPECT, LEASE, LEASE + MINUTE, OPEN) is None
    again = await claim_of(store, now=LEASE + MINUTE)
    assert (claim.record.attempts, again.record.attempts) == (0, 1)
    assert again.lease_until == LEASE + 2 * MINUTE
    assert await store.release(again, again.record, NOW)
    assert (await claim_of(store)).record.attempts == 1, "a claim given back is no attempt"


async def test_after_a_restart_nobody_holds_a_claim(store):
    for number in range(3):
        await store.add(job(number), NOW)
    claim = await claim_of(store)
    await claim_of(store)
    assert await store.give_up_claims() == 2
    assert await store.give_up_claims() == 0
    assert not await store.save(claim, claim.record, NOW)
    assert not [item for item in await store.unfinished() if item.is_claimed]
    attempts = [(await claim_of(store)).record.attempts for _ in range(3)]
    assert attempts == [1, 1, 0]


async def test_a_menu_is_answered_once(store):
    await store.add(job(1), NOW)
    assert not await store.pick(job(1).id, CHOICE, NOW), "there is no menu yet"
    await offer(store, job(1))
    assert await claimed_ids(store, Lane.INSPECT) == await claimed_ids(store) == []
    picked = []

    async def pick(height):
        if await store.pick(job(1).id, replace(CHOICE, height=height), NOW + MINUTE):
            picked.append(height)

    async with asyncio.TaskGroup() as tasks:
        for height in range(20):
            tasks.create_task(pick(height))
    record = await store.find(job(1).id)
    assert (record.state, [record.choice.height]) == (JobState.QUEUED, picked)
    assert record.changed_at == NOW + MINUTE
    assert not await store.pick("unknown", CHOICE, NOW)
    assert await claimed_ids(store) == [job(1).id]


@pytest.mark.parametrize("state", ENDS)
async def test_a_job_is_ended_from_outside_whoever_holds_it(store, state):
    await queue(store, job(1), job(2))
    claim = await claim_of(store, Lane.DELIVER)
    assert await store.end(claim.record.job.id, state, TooLargeError(None, 5), NOW + MINUTE)
    assert not await store.end(claim.record.job.id, JobState.FAILED, None, NOW)
    assert not await store.end("unknown", state, None, NOW)
    assert not await store.renew(claim, LEASE)
    assert not await store.save(claim, claim.record, NOW)
    assert not await store.release(claim, claim.record, NOW)
    assert not await store.pick(claim.record.job.id, CHOICE, NOW)
    found = await store.find(claim.record.job.id)
    assert (found.state, found.changed_at) == (state, NOW + MINUTE)
    assert (found.error, found.error_args) == ("TooLargeError", (None, 5))
    assert await store.give_up_claims() == 0
    assert await claimed_ids(store) == [job(2).id]


async def test_ended_jobs_are_remembered_until_they_are_forgotten(store):
    for number, end in enumerate((NOW, NOW + MINUTE, None)):
        await store.add(job(number), NOW - MINUTE)
        if end:
            assert await store.end(job(number).id, JobState.FAILED, None, end)
    assert not await store.add(job(0), NOW)
    assert await store.forget_ended(NOW) == 0
    assert await store.forget_ended(NOW + MINUTE / 2) == 1
    assert await store.find(job(0).id) is None
    assert await store.find(job(1).id)
    assert await store.find(job(2).id)
    assert await store.add(job(0), NOW), "as new"


async def test_open_jobs_are_counted_and_listed_oldest_first(store):
    numbers = (5, 3, 9, 1)
    for number in numbers:
        await store.add(job(number, user=number % 2), NOW)
    await store.add(job(20, user=7), NOW)
    assert [item.job for item in await store.unfinished(1)] == [job(n, user=1) for n in numbers]
    assert len(await store.unfinished()) == 5
    await store.end(job(3).id, JobState.CANCELLED, None, NOW)
    assert [item.job.id for item in await store.unfinished(1)] == ["job5", "job9", "job1"]
    assert [await store.count_unfinished(user) for user in (1, 7, 8)] == [3, 1, 0]
    assert await store.unfinished(8) == []


async def test_fifty_at_once_claim_each_job_once(store, kind):
    count = MANY[kind]
    await queue(store, *(job(number, user=number % 7) for number in range(count)))
    claims = []

    async def work():
        while claim := await store.claim(Lane.DELIVER, NOW, LEASE, OPEN):
            claims.append(claim)
            done = replace(claim.record, state=JobState.DELIVERED)
            assert await store.release(claim, done, NOW)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(work())
    assert sorted(claim.record.job.id for claim in claims) == sorted(
        f"job{n}" for n in range(count)
    )
    assert await store.unfinished() == []


async def test_claims_of_all_lanes_at_once_spare_each_other(store):
    await queue(store, *(job(number, user=number) for number in range(6)))
    await queue(store, *(job(number, user=number) for number in range(10, 16)), quick=True)
    for number in range(20, 26):
        await store.add(job(number, user=number), NOW)
    claims = []

    async def work(lane):
        while claim := await store.claim(lane, NOW, LEASE, OPEN):
            claims.append(claim)

    async with asyncio.TaskGroup() as tasks:
        for lane in Lane:
            tasks.create_task(work(lane))
    assert len(claims) == 18
    for claim in claims:
        assert await store.renew(claim, LEASE)


async def test_a_cancelled_call_happens_or_not_and_spares_the_others(store):
    await queue(store, *(job(number, user=number % 5) for number in range(30)))
    order = [place.job_id for place in await store.places(Lane.DELIVER, NOW, 100)]
    for yields in range(40):
        async with asyncio.TaskGroup() as tasks:
            claiming = tasks.create_task(store.claim(Lane.DELIVER, NOW, LEASE, OPEN))
            adding = tasks.create_task(store.add(job(1000 + yields), NOW))
            for _ in range(yields):
                await asyncio.sleep(0 if yields % 2 else 0.0002)
            claiming.cancel()
            adding.cancel()
        if not claiming.cancelled():
            claim = claiming.result()
            assert await store.end(claim.record.job.id, JobState.CANCELLED, None, NOW)
            order.remove(claim.record.job.id)
        waiting = [place.job_id for place in await store.places(Lane.DELIVER, NOW, 100)]
        assert waiting == order, "what nobody holds is not claimed, nor is the turn lost"
    assert await claimed_ids(store) == order
    assert await store.give_up_claims() == len(order)
    for item in await store.unfinished():
        assert (await store.find(item.job.id)).attempts == (item.job.id in order)


async def test_what_was_acknowledged_survives_kill_9(kind, tmp_path):
    kept = 0
    for first in range(0, 4000, 1000):
        process = await start_writer(kind, tmp_path, first, 1000)
        lines: list[int] = []
        while len(lines) < 20 + first // 50:
            lines.append(int(await process.stdout.readline()))
        process.kill()
        rest = (await process.stdout.read()).splitlines(keepends=True)
        lines += [int(line) for line in rest if line.endswith(b"\n")]
        await process.wait()
        async with open_jobs(kind, tmp_path) as store:
            for number in lines:
                assert await store.find(job(number).id)
            assert len(await store.unfinished()) - kept - len(lines) in (0, 1)
            kept = len(await store.unfinished())


async def test_processes_share_a_store(kind, tmp_path):
    async with asyncio.TaskGroup() as tasks:
        writers = [
            tasks.create_task(start_writer(kind, tmp_path, first, 50))
            for first in range(0, 400, 100)
        ]
    for writer in writers:
        await writer.result().communicate()
        assert writer.result().returncode == 0
    async with open_jobs(kind, tmp_path) as store:
        assert len(await store.unfinished()) == 200


async def start_writer(kind, folder, first, count):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contract.writer", kind, str(folder), str(first), str(count)),
        stdout=asyncio.subprocess.PIPE,
    )


async def test_what_ended_is_owed_to_its_chat_until_that_was_told(store):
    ends = (JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED, JobState.DELIVERED)
    await queue(store, *(job(number, user=number) for number in range(6)))
    for number, state in enumerate(ends[:3]):
        assert await store.end(job(number).id, state, None, NOW)
    claim = await claim_of(store, Lane.DELIVER)
    await store.release(claim, replace(claim.record, state=ends[3]), NOW)
    untold = await store.untold()
    assert [record.state for record in untold] == list(ends)
    assert untold[0] == await store.find(job(0).id)
    assert untold[0].extraction.title == extraction().title
    for record in untold[:3]:
        await store.note_told(record.job.id)
    await store.note_told("unknown")
    assert [record.state for record in await store.untold()] == [JobState.DELIVERED]


@pytest.mark.parametrize("state", ENDS)
async def test_a_job_that_ended_undelivered_can_be_opened_once_more(store, state):
    await queue(store, job(1))
    claim = await claim_of(store, Lane.DELIVER)
    tried = replace(
        claim.record, retries=2, send_random_id=5, file=media_file(), not_before=LEASE, worked_s=9.5
    )
    assert not await store.reopen(job(1).id, NOW), "it has not ended"
    await store.note_status(job(1).id, 77)
    await store.note_upload(job(1).id, "parts")
    assert (await store.find(job(1).id)).upload_note == "parts"
    assert await store.release(claim, replace(tried, state=state, error="StallError"), NOW)
    is_open = state is not JobState.DELIVERED
    assert await store.reopen(job(1).id, NOW + MINUTE, wish=MediaKind.AUDIO) is is_open
    if is_open:
        record = (await claim_of(store, Lane.INSPECT)).record
        fresh = JobRecord(job(1), JobState.NEW, NOW, NOW + MINUTE)
        assert replace(record, extraction=None) == replace(
            fresh, choices=(CHOICE,), wish=MediaKind.AUDIO, status_message_id=77
        )
        assert not await store.reopen(job(1).id, NOW)
    assert not await store.reopen("unknown", NOW)
    assert [item.job.id for item in await store.untold()] == ([] if is_open else [job(1).id])


async def test_a_job_that_ended_before_its_page_was_read_can_be_opened_once_more(store):
    await store.add(job(1), NOW)
    assert await store.end(job(1).id, JobState.CANCELLED, None, NOW)
    assert await store.reopen(job(1).id, NOW)
    assert await store.find(job(1).id) == JobRecord(job(1), JobState.NEW, NOW, NOW)


async def test_nobody_opens_again_more_than_they_may_have(store):
    await store.add(job(1), NOW)
    assert await store.end(job(1).id, JobState.FAILED, None, NOW)
    await store.add(job(2), NOW)
    with pytest.raises(TooManyJobsError):
        await store.reopen(job(1).id, NOW, max_unfinished=1)
    assert await store.reopen(job(1).id, NOW, max_unfinished=2)


async def test_a_job_that_waits_until_later_can_be_called_at_once(store):
    waits, held, ended = job(1), job(2), job(3)
    for item in (waits, held, ended):
        assert await store.add(item, NOW)
    for item in (waits, held):
        claim = await claim_of(store)
        assert claim.record.job == item
        assert await store.release(claim, replace(claim.record, not_before=NOW + MINUTE), NOW)
    assert await store.end(ended.id, JobState.CANCELLED, None, NOW)
    assert await claimed_ids(store, Lane.INSPECT) == []
    assert (await claim_of(store, now=NOW + MINUTE)).record.job == waits
    claim = await claim_of(store, now=NOW + MINUTE)
    await store.release(claim, replace(claim.record, not_before=NOW + 2 * MINUTE), NOW)
    await store.hasten([])
    await store.hasten([waits.id, held.id, ended.id, JobId("nobody")])
    assert await claimed_ids(store, Lane.INSPECT) == [held.id], "the other one is claimed"
