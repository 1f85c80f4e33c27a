"""What an owner reads about a job that failed: everything, and none of it as markup."""

from dataclasses import replace
from datetime import UTC, datetime

from pyrogram.enums import MessageEntityType

from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.records import JobRecord, JobState
from userbot.telegram.markup import styled, utf16_units
from userbot.telegram.messages import Presser
from userbot.telegram.owner_words import report

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN = Presser(5_000_000_001, "Ann <b>Bee</b>", "", 5_000_000_001, "", False, 7)
JOB = Job(JobId("0123abcd"), Request(ANN.chat_id, 1, ANN.user_id, False), "http://x/?a&b")
RECORD = JobRecord(
    JOB,
    JobState.FAILED,
    NOW,
    NOW,
    error="ForbiddenError",
    error_args=("ERROR: [generic] <pre>403</pre> & 'more'", None),
)


def test_a_report_tells_who_where_which_link_and_the_raw_error():
    plain, _ = styled(report(RECORD, ANN))
    for part in (
        "Ann <b>Bee</b>",
        "5000000001",
        "in private",
        "http://x/?a&b",
        "ForbiddenError",
        "0123abcd",
        "ERROR: [generic] <pre>403</pre> & 'more'",
    ):
        assert part in plain


def test_the_raw_error_is_a_block_and_the_name_a_link_to_the_person():
    plain, entities = styled(report(RECORD, ANN))
    block = entities[-1]
    assert block.type is MessageEntityType.PRE
    raw = plain.encode("utf-16-le")[block.offset * 2 : (block.offset + block.length) * 2]
    assert raw.decode("utf-16-le").startswith("ERROR: [generic] <pre>")
    links = [each.url for each in entities if each.type is MessageEntityType.TEXT_LINK]
    assert links == ["tg://user?id=5000000001"]
    named = replace(ANN, username="ann_bee")
    links = [each.url for each in styled(report(RECORD, named))[1] if each.url]
    assert links == ["https://t.me/ann_bee"]


def test_a_report_from_a_group_names_the_group():
    in_group = replace(ANN, chat_id=-100123, chat_title="Film & <i>", is_group=True)
    assert "Film & <i> (-100123)" in styled(report(RECORD, in_group))[0]


def test_an_error_without_details_has_no_block():
    _, entities = styled(report(replace(RECORD, error_args=()), ANN))
    assert MessageEntityType.PRE not in [each.type for each in entities]


def test_numbers_of_an_error_are_told_too():
    numbers = replace(RECORD, error="TooLargeError", error_args=(3_000_000_000, 2_000_000_000))
    assert "3000000000" in report(numbers, ANN)


def test_the_longest_report_fits():
    long = replace(
        RECORD,
        job=replace(JOB, url="http://x/" + "<&😀" * 2000),
        error_args=("<pre>😀\n" * 5000,),
    )
    presser = replace(ANN, name="😀&" * 200, chat_title="<b>" * 300, is_group=True)
    assert utf16_units(styled(report(long, presser))[0]) <= 4096
