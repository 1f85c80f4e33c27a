"""What the durable queue keeps of a job, whatever a site or a person wrote."""

from dataclasses import replace

import pytest

from tests.contract.stores import (
    CHOICE,
    LEASE,
    MINUTE,
    NOW,
    claim_of,
    extraction,
    job,
    media_file,
    open_jobs,
)
from userbot.domain.jobs import JobId
from userbot.domain.media import KnownFile, MediaKind
from userbot.domain.records import JobState
from userbot.errors import SiteDownError

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
        known=KnownFile(MediaKind.VIDEO, text, (text, text), 5),
        file_ids=(text, text),
        steps_s={text: 1.0},
        error=text,
        state=JobState.QUEUED,
    )
    assert await store.release(claim, record, NOW)
    assert await store.find(item.id) == record
    await store.note_upload(item.id, text)
    assert await store.find(item.id) == replace(record, upload_note=text)
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
    assert found.extraction.info_json == found.extraction.links[0] == "a?b?"
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
