"""Jobs that have ended: told to their chats, opened again, forgotten."""

from dataclasses import replace

import pytest

from tests.contract.stores import (
    CHOICE,
    LEASE,
    MINUTE,
    NOW,
    claim_of,
    claimed_ids,
    extraction,
    job,
    media_file,
    queue,
)
from userbot.domain.media import MediaKind
from userbot.domain.records import ENDS, JobRecord, JobState, Lane
from userbot.errors import TooLargeError, TooManyJobsError


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


async def test_that_a_job_is_not_wanted_any_more_is_kept_whoever_holds_it(store):
    await queue(store, job(1), job(2))
    claim = await claim_of(store, Lane.DELIVER)
    await store.note_cancel(job(1).id)
    await store.note_cancel("unknown")
    assert await store.save(claim, replace(claim.record, state=JobState.SENDING), NOW)
    assert (await store.find(job(1).id)).is_unwanted
    assert [item.is_unwanted for item in await store.unfinished()] == [True, False]
    assert await store.release(claim, claim.record, NOW)
    assert (await claim_of(store, Lane.DELIVER)).record.is_unwanted
    assert await store.end(job(2).id, JobState.FAILED, None, NOW)
    await store.note_cancel(job(2).id)
    assert not (await store.find(job(2).id)).is_unwanted, "it had ended before"


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
    await store.note_cancel(job(1).id)
    noted = await store.find(job(1).id)
    assert (noted.upload_note, noted.is_unwanted) == ("parts", True)
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
