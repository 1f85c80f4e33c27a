"""What every History, Statistics and Errors promise."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.contract.stores import MINUTE, NOW, open_stores
from userbot.domain.history import ErrorEntry, HistoryItem, Mark, MediaKey, SentFile, Tally
from userbot.domain.jobs import JobId
from userbot.domain.media import MediaKind
from userbot.domain.records import JobState

DAY = timedelta(days=1)
HOSTILE = [
    "",
    "\0nul\0in the middle",
    "'; DROP TABLE history; --",
    '{"$gt": ""}',
    "$where",
    "$title",
    "a.b.$c",
    "../../etc/passwd",
    "\u202e\u0627\u0644\u200f emoji \U0001f469\u200d\U0001f469\u200d\U0001f467 \ufffe\uffff",
    '"\\u0000\\ud800\n\r\t\x7f\x1b[31m',
    "x" * 10_000,
]


def item(number, **values):
    return HistoryItem(
        **{
            "job_id": JobId(f"job{number}"),
            "user_id": 1,
            "chat_id": 1,
            "url": f"https://example.org/{number}",
            "result": JobState.DELIVERED,
            "ended_at": NOW + number * MINUTE,
            "message_id": number,
            "site": "site",
            "media_id": f"id{number}",
            "title": f"Title {number}",
            "variant": "video:1",
            "kind": MediaKind.VIDEO,
            "height": 720,
            "size_bytes": 1000 * number,
            "duration_s": 12.5,
            "seconds": {"extract": 0.125, "download": 2.0},
            "file_ids": (f"file{number}",),
            "bot_id": 77,
            "is_shareable": True,
            **values,
        }
    )


async def keep(stores, *items):
    for each in items:
        await stores.history.add(each)


async def test_an_item_is_kept_as_it_came(stores, kind, tmp_path):
    bare = HistoryItem(JobId("bare"), 2, -(10**13), "u", JobState.EXPIRED, NOW)
    await keep(stores, item(1), bare)
    async with open_stores(kind, tmp_path) as again:
        assert await again.history.find(1, JobId("job1")) == item(1)
        assert await again.history.find(2, JobId("bare")) == bare


async def test_nobody_finds_what_is_somebody_elses(stores):
    await keep(stores, item(1))
    assert await stores.history.find(2, JobId("job1")) is None
    assert await stores.history.find(1, JobId("job2")) is None
    assert await stores.history.page(2, None, 10) == []


async def test_a_job_is_kept_once_with_its_last_end(stores):
    failed = item(1, result=JobState.FAILED, error="SiteDownError", file_ids=())
    await keep(stores, failed, failed)
    assert await stores.history.export(1) == [failed]
    await keep(stores, item(1), item(1))
    assert await stores.history.export(1) == [item(1)]
    assert (await stores.statistics.total(NOW)).jobs == 1


async def test_file_ids_that_were_dropped_do_not_come_back_when_the_end_is_told_again(stores):
    await keep(stores, item(1))
    assert await stores.history.drop_files(item(1).media) == 1
    await keep(stores, item(1))
    assert await stores.history.export(1) == [item(1, file_ids=())]


async def test_the_same_end_told_by_many_at_once_is_kept_once(stores):
    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(stores.history.add(item(1)))
    assert await stores.history.export(1) == [item(1)]


async def test_pages_go_from_the_newest_to_the_oldest_without_gaps(stores):
    same_moment = [item(number, ended_at=NOW) for number in range(20, 24)]
    await keep(stores, *(item(number) for number in range(6)), *same_moment, item(50, user_id=2))
    seen, before = [], None
    while page := await stores.history.page(1, before, 3):
        assert len(page) <= 3
        seen += page
        before = page[-1].mark
    newest = [item(5), item(4), item(3), item(2), item(1)]
    first = [item(23), item(22), item(21), item(20)]
    assert seen == [*newest, *(replace(each, ended_at=NOW) for each in first), item(0)]
    assert await stores.history.export(1) == seen[::-1]
    assert await stores.history.page(1, None, 0) == []
    assert await stores.history.page(1, Mark(NOW - DAY, JobId("z")), 5) == []


async def test_the_newest_file_that_may_be_shared_is_found(stores):
    same = {"media_id": "same"}
    key = MediaKey("site", "same", "video:1", 77)
    assert await stores.history.find_files(key) == SentFile()
    await keep(
        stores,
        item(1, **same),
        item(2, **same, file_ids=("part 1", "part 2"), user_id=2),
        item(3, **same, is_shareable=False),
        item(4, **same, result=JobState.FAILED),
        item(5, **same, file_ids=()),
        item(6, **same, bot_id=78),
        item(7, **same, variant="audio:1"),
        item(8, **same, site="other"),
    )
    assert (await stores.history.find_files(key)).file_ids == ("part 1", "part 2")


async def test_files_that_are_stale_are_dropped_and_the_items_stay(stores):
    same = {"media_id": "same"}
    await keep(stores, item(1, **same), item(2, **same, user_id=2), item(3))
    key = item(1, **same).media
    assert await stores.history.drop_files(key) == 2
    assert await stores.history.drop_files(key) == 0
    assert await stores.history.find_files(key) == SentFile()
    assert await stores.history.find(1, JobId("job1")) == item(1, **same, file_ids=())
    assert (await stores.history.find_files(item(3).media)).file_ids == ("file3",)


async def test_a_person_is_forgotten_whole_and_alone(stores):
    await keep(stores, item(1), item(2), item(3, user_id=2))
    assert await stores.history.forget_user(1) == 2
    assert await stores.history.forget_user(1) == 0
    assert await stores.history.export(1) == []
    assert await stores.history.export(2) == [item(3, user_id=2)]


async def test_what_is_old_is_forgotten(stores):
    await keep(stores, *(item(number) for number in range(4)))
    assert await stores.history.forget_before(NOW + 2 * MINUTE) == 2
    assert await stores.history.export(1) == [item(2), item(3)]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
async def test_hostile_text_is_kept_and_finds_only_itself(stores, text):
    names = ("url", "site", "media_id", "title", "variant", "error")
    bad = item(1, **dict.fromkeys(names, text), file_ids=(text,), seconds={text: 1.0})
    await keep(stores, bad, item(2))
    assert await stores.history.find(1, bad.job_id) == bad
    assert await stores.history.find(1, JobId(text)) is None
    assert (await stores.history.find_files(bad.media)).file_ids == (text,)
    assert await stores.history.page(1, Mark(NOW, JobId(text)), 5) == []
    sites = dict(await stores.statistics.by_site(NOW, 5))
    assert sites == {text: Tally(1, 1, 0, 1000), "site": Tally(1, 1, 0, 2000)}
    entry = ErrorEntry(JobId(text), 1, NOW, text, text, text)
    await stores.errors.add(entry)
    assert await stores.errors.recent(5) == [entry]
    assert await stores.errors.counts(NOW) == [(text, 1)]
    assert await stores.history.drop_files(bad.media) == 1
    assert (await stores.history.find(1, JobId("job2"))).file_ids == ("file2",)


async def test_what_utf8_cannot_say_becomes_a_question_mark(stores):
    await keep(stores, item(1, title="a\ud800b", site="\udfff", file_ids=("\ud800",)))
    (found,) = await stores.history.export(1)
    assert (found.title, found.site, found.file_ids) == ("a?b", "?", ("?",))
    assert (await stores.history.find_files(replace(found.media, site="\udc00"))).file_ids == ("?",)


async def test_numbers_are_counted_by_day_site_and_person(stores):
    await keep(
        stores,
        item(1, ended_at=NOW - DAY),
        item(2, site="b"),
        item(3, site="a", result=JobState.FAILED, size_bytes=0, user_id=2),
        item(4, site="a", result=JobState.CANCELLED, size_bytes=0, user_id=3),
        item(5, site="a", ended_at=NOW + DAY, size_bytes=2**40),
    )
    numbers, since = stores.statistics, NOW - DAY
    assert await numbers.total(since) == Tally(5, 3, 1, 3000 + 2**40)
    assert await numbers.total(NOW + 2 * DAY) == Tally()
    assert await numbers.by_day(since) == [
        (date(2029, 12, 31), Tally(1, 1, 0, 1000)),
        (date(2030, 1, 1), Tally(3, 1, 1, 2000)),
        (date(2030, 1, 2), Tally(1, 1, 0, 2**40)),
    ]
    assert await numbers.by_site(since, 5) == [
        ("a", Tally(3, 1, 1, 2**40)),
        ("b", Tally(1, 1, 0, 2000)),
        ("site", Tally(1, 1, 0, 1000)),
    ]
    assert [user for user, _ in await numbers.by_user(since, 2)] == [1, 2]
    assert await numbers.by_user(since, 0) == await numbers.by_site(since, -1) == []
    assert await numbers.by_day(NOW + 2 * DAY) == []


async def test_errors_are_kept_once_counted_and_forgotten(stores):
    errors = stores.errors
    entries = [
        ErrorEntry(JobId("a"), 1, NOW, "Down", "site", "503"),
        ErrorEntry(JobId("b"), 2, NOW + MINUTE, "Down"),
        ErrorEntry(JobId("a"), 1, NOW + MINUTE, "Removed"),
    ]
    for entry in [*entries, *entries]:
        await errors.add(entry)
    assert await errors.recent(2) == [entries[2], entries[1]]
    assert await errors.recent(9) == [entries[2], entries[1], entries[0]]
    assert await errors.recent(0) == []
    assert await errors.export(1) == [entries[0], entries[2]]
    assert await errors.export(3) == []
    assert await errors.counts(NOW) == [("Down", 2), ("Removed", 1)]
    assert await errors.counts(NOW + MINUTE) == [("Down", 1), ("Removed", 1)]
    assert await errors.forget_user(2) == 1
    assert await errors.forget_before(NOW + MINUTE) == 1
    assert await errors.recent(9) == [entries[2]]
