"""How often and how much: what the settings say, who is held to what, and what people read."""

import contextlib
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from config.errors import SettingsError
from config.settings import load
from config.values import CHAT_RATES, EVERYBODY_RATES, TRUSTED_RATES, USER_RATES
from tests.contract import stores as samples
from userbot.domain.limits import Allowances, Operation, Rate, day_of, next_day, parse_rates
from userbot.domain.people import Quota, Role, Usage, User
from userbot.domain.records import JobRecord, JobState
from userbot.errors import QuotaSpentError
from userbot.memory.limiter import MemoryLimiter
from userbot.services.access import Access
from userbot.services.allowance import Allowance
from userbot.services.history import Chronicle
from userbot.services.quota import DailyQuota, Spent
from userbot.sqlite.stores import open_stores
from userbot.telegram import pace_words
from userbot.telegram.handlers.pace import Told

COMPLETE = {"API_ID": "12345", "API_HASH": "0" * 32, "BOT_TOKEN": "1:abcdefghij"}
OWNER, ANN, BOB, CAROL, CLUB = 1, 2, 3, 4, -100
LINK, COMMAND = {Operation.LINK: 1}, {Operation.COMMAND: 1}
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ALLOWANCES = Allowances(
    everybody={Operation.LINK: Rate(6, 60)},
    chat={Operation.LINK: Rate(4, 60)},
    user={Operation.LINK: Rate(2, 60)},
    trusted={Operation.LINK: Rate(5, 60)},
    user_quota=Quota(3, 1000),
    trusted_quota=Quota(),
)


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def stores(tmp_path):
    async with open_stores(tmp_path / "userbot.db") as stores:
        yield stores


@pytest.fixture
def access():
    return Access([OWNER], [ANN, BOB], [], trusted=[CAROL])


@pytest.fixture
def allowance(access, clock):
    return Allowance(MemoryLimiter(clock), ALLOWANCES, access)


@pytest.fixture
def quota(stores, access):
    return DailyQuota(stores.quotas, ALLOWANCES, access, lambda: NOON)


@pytest.fixture
def chronicle(stores):
    return Chronicle(stores, 1)


# settings


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("20/60s", dict.fromkeys(Operation, Rate(20, 60))),
        ("link 20/60s", {Operation.LINK: Rate(20, 60), Operation.BUTTON: Rate(1, 1)}),
        ("LINK=1/2m,button:3/1h", {Operation.LINK: Rate(1, 120), Operation.BUTTON: Rate(3, 3600)}),
        ("button off", {}),
        ("off", {}),
        ("off, command 5/10s", {Operation.COMMAND: Rate(5, 10)}),
    ],
)
def test_rates_are_read_as_people_write_them(text, rates):
    assert parse_rates(text, {Operation.BUTTON: Rate(1, 1)}) == rates


@pytest.mark.parametrize(
    "text", ["", "fast", "20", "20/60", "0/60s", "5/0s", "5/60d", "1/25h", "film 2/60s", "-1/60s"]
)
def test_what_is_no_rate_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match="^" + text):
        parse_rates(text, {})
    if text:
        with pytest.raises(SettingsError) as caught:
            load(tmp_path / "none", {**COMPLETE, "LIMIT_CHAT": text})
        assert [problem.name for problem in caught.value.problems] == ["LIMIT_CHAT"]


def test_settings_bring_sensible_limits_and_take_others(tmp_path):
    limits = load(tmp_path / "none", COMPLETE).limits
    rates = (EVERYBODY_RATES, CHAT_RATES, USER_RATES, TRUSTED_RATES)
    assert (limits.everybody, limits.chat, limits.user, limits.trusted) == rates
    assert limits.user_quota == Quota(500, 100_000_000_000)
    assert limits.trusted_quota == Quota()
    environ = {"LIMIT_USER": "link 1/5s", "QUOTA_DAY_COUNT": "0", "QUOTA_DAY_MB": "5"}
    limits = load(tmp_path / "none", {**COMPLETE, **environ}).limits
    assert limits.user == {**USER_RATES, Operation.LINK: Rate(1, 5)}
    assert limits.user_quota == Quota(None, 5_000_000)


def test_the_password_of_redis_is_not_printed(tmp_path):
    url = "rediss://somebody:open-sesame@host:6379/2"
    settings = load(tmp_path / "none", {**COMPLETE, "REDIS_URL": url})
    assert settings.store.redis_url is not None
    assert settings.store.redis_url.get_secret_value() == url
    assert "sesame" not in repr(settings)


# allowances


async def test_a_group_that_writes_itself_is_still_a_group(clock):
    access = Access([OWNER], [], [CLUB])
    allowances = replace(ALLOWANCES, user={}, chat={Operation.LINK: Rate(1, 60)})
    allowance = Allowance(MemoryLimiter(clock), allowances, access)
    assert await allowance.charge(CLUB, CLUB, LINK, is_group=True) is None
    assert await allowance.charge(CLUB, CLUB, LINK, is_group=True)


async def test_a_person_is_held_to_their_own_limit_and_told_for_how_long(allowance, clock):
    assert await allowance.charge(ANN, ANN, LINK) is None
    clock.now_s += 10
    assert await allowance.charge(ANN, ANN, LINK) is None
    refusal = await allowance.charge(ANN, ANN, LINK)
    assert refusal.operation is Operation.LINK
    assert refusal.wait_s == pytest.approx(50)
    assert await allowance.charge(BOB, BOB, LINK) is None
    clock.now_s += 50.1
    assert await allowance.charge(ANN, ANN, LINK) is None


async def test_what_was_sent_over_hours_while_the_bot_was_away_is_no_flood(allowance):
    hours = [NOON.timestamp() - 3600 * hour for hour in range(8)]
    assert [await allowance.charge(ANN, ANN, LINK, missed_at_s=at) for at in hours] == [None] * 8
    assert await allowance.charge(ANN, ANN, LINK) is None, "what is sent now counts from now on"


async def test_a_flood_just_before_the_bot_was_back_is_one(allowance):
    at = NOON.timestamp()
    flood = [
        await allowance.charge(ANN, ANN, LINK, missed_at_s=at + second / 2) for second in range(100)
    ]
    assert flood.count(None) == 2
    refused = next(refusal for refusal in flood if refusal)
    assert 0 < refused.wait_s <= 60


async def test_what_a_group_sent_while_the_bot_was_away_is_held_to_its_limit_too(allowance):
    async def charged(at):
        in_club = [
            await allowance.charge(user, CLUB, LINK, is_group=True, missed_at_s=at)
            for user in range(10, 20)
        ]
        return in_club.count(None)

    assert [await charged(NOON.timestamp() - 600 * number) for number in range(3)] == [4] * 3


async def test_a_chat_and_everybody_together_have_limits_too(allowance):
    crowd = range(10, 20)
    in_club = [await allowance.charge(user, CLUB, LINK, is_group=True) for user in crowd]
    assert in_club.count(None) == 4
    alone = [await allowance.charge(user, user, LINK) for user in crowd]
    assert alone.count(None) == 2


async def test_an_operation_without_a_limit_and_an_owner_are_never_refused(allowance):
    for _ in range(20):
        assert await allowance.charge(ANN, ANN, COMMAND) is None
        assert await allowance.charge(OWNER, OWNER, LINK) is None
    assert await allowance.charge(ANN, ANN, LINK) is None


async def test_whom_the_owner_trusts_has_another_allowance(allowance, access, clock):
    access.decide(User(ANN, role=Role.TRUSTED))
    results = [await allowance.charge(ANN, ANN, LINK) for _ in range(8)]
    assert results.count(None) == 5
    access.decide(User(ANN, role=Role.USER))
    clock.now_s += 61
    results = [await allowance.charge(ANN, ANN, LINK) for _ in range(8)]
    assert results.count(None) == 2


# quotas


def record(number=1, user=ANN, size_bytes=100, state=JobState.DELIVERED):
    file = replace(samples.media_file(), size_bytes=size_bytes)
    return JobRecord(samples.job(number, user), state, NOON, NOON, file=file)


async def test_what_is_accepted_counts_until_it_fails_or_the_day_is_over(quota, chronicle, stores):
    assert await quota.spent(ANN, 3) is None
    assert await quota.spent(ANN, 4) == Spent(12 * 3600, 3, 3)
    for number in range(3):
        await quota.reserve(ANN, samples.job(number).id)
    assert await quota.spent(ANN, 1) == Spent(12 * 3600, 3, 0)
    with pytest.raises(QuotaSpentError) as caught:
        await quota.reserve(ANN, samples.job(3).id)
    assert caught.value.args == (12 * 3600, 3, None)
    assert await quota.spent(ANN, 0) is None
    assert await quota.spent(BOB, 3) is None
    await chronicle.keep(record(0, state=JobState.FAILED))
    assert await quota.spent(ANN, 1) is None
    assert await stores.quotas.usage(ANN, date(2030, 1, 1)) == Usage(2, 0)


async def test_what_was_delivered_counts_once_however_often_its_end_is_told(
    quota, chronicle, stores
):
    await quota.reserve(ANN, samples.job(1).id)
    for _ in range(3):
        assert await chronicle.keep(record(1))
    assert await chronicle.keep(record(2)), "accepted before a count was kept"
    assert await stores.quotas.usage(ANN, date(2030, 1, 1)) == Usage(2, 200)


async def test_who_had_their_data_deleted_has_had_their_videos_all_the_same(chronicle, stores):
    chronicle.forgot(ANN, NOON)
    await chronicle.keep(record(1))
    assert await stores.history.export(ANN) == []
    assert await stores.quotas.usage(ANN, date(2030, 1, 1)) == Usage(1, 100)


async def test_bytes_have_a_quota_of_their_own(quota, chronicle):
    await chronicle.keep(record(size_bytes=1000))
    assert await quota.spent(ANN, 1) == Spent(12 * 3600, limit_bytes=1000)
    assert await quota.spent(ANN, 0) == Spent(12 * 3600, limit_bytes=1000)
    with pytest.raises(QuotaSpentError):
        await quota.reserve(ANN, samples.job(2).id)


async def test_owners_the_trusted_and_those_with_a_quota_of_their_own(quota, access):
    access.decide(User(BOB, role=Role.TRUSTED))
    access.decide(User(ANN, quota=Quota(count=1)))
    for free in (OWNER, BOB, CAROL):
        assert await quota.spent(free, 10**6) is None
    assert await quota.spent(ANN, 2) == Spent(12 * 3600, 1, 1)


async def test_a_store_that_fails_refuses_nobody(quota, stores, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "userbot.db")) as database:
        database.execute("DROP TABLE charges")
        database.commit()
    assert await quota.spent(ANN, 10) is None
    await quota.reserve(ANN, samples.job(1).id)
    await quota.release(ANN, samples.job(1).id)


def test_days_begin_at_midnight_utc():
    late = datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert day_of(late) == date(2030, 12, 31)
    assert next_day(late) == datetime(2031, 1, 1, tzinfo=UTC)


# words


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [(0.001, "1 s"), (11.2, "12 s"), (59.5, "1 min"), (61, "2 min"), (3000, "50 min"), (3601, "1")],
)
def test_a_refusal_says_when_and_never_too_early(wait_s, words):
    said = pace_words.too_often(Operation.LINK, wait_s)
    assert said.startswith(f"You can send the next link in {words}")


def test_of_several_links_none_was_taken_and_it_says_so():
    said = pace_words.too_often(Operation.LINK, 12, 7)
    assert said == "I took none of your links. You can send them again in 12 s."


def test_every_operation_has_words():
    assert len({pace_words.too_often(operation, 5) for operation in Operation}) == len(Operation)


@pytest.mark.parametrize(
    ("spent", "words"),
    [
        (Spent(1800, 20, 0), "You have had your 20 videos for today."),
        (Spent(1800, 1, 0), "You have had your one video for today."),
        (Spent(1800, limit_bytes=5_000_000_000), "You have had your 5.0 GB for today."),
        (Spent(1800, 20, 2), "You can get 2 more today, so I took none of these links."),
    ],
)
def test_a_spent_day_is_explained(spent, words):
    said = f"{words} A new day begins in 30 min, at midnight UTC."
    assert pace_words.spent(spent) == said


def test_what_was_told_is_not_told_again_for_a_while(clock):
    told = Told(clock)
    assert not told.lately("a", 10)
    assert told.lately("a", 10)
    assert not told.lately("b", 10)
    clock.now_s += 10
    assert not told.lately("a", 10)
