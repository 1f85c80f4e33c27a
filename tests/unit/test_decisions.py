"""What an owner decides about people, what people always take, and how much they get."""

import asyncio

import pytest

from tests.unit.backstage import OWNER, backstage
from userbot.domain.choices import Choice
from userbot.domain.jobs import Chosen, Request
from userbot.domain.media import MediaKind
from userbot.domain.people import Preferences, Quota, Role, User, preferred
from userbot.domain.records import JobState
from userbot.errors import QuotaSpentError
from userbot.services.access import Access
from userbot.services.decisions import Decisions
from userbot.telegram import decision_words
from userbot.telegram.handlers.decisions import quota_of

ANN, BOB = 2, 3
PAGE = "https://example.org/page"
VIDEO_720 = Preferences(MediaKind.VIDEO, 720)


@pytest.fixture
async def stage(tmp_path):
    async with backstage(tmp_path) as stage:
        yield stage


def decisions_of(stage, access=None):
    return Decisions(stage.stores.users, access or stage.access, stage.jobs, stage.clock.now)


def private(user_id: int) -> Request:
    return Request(user_id, 1, user_id, is_group=False)


async def test_who_is_banned_is_served_no_more_and_their_open_links_end(stage):
    decisions = decisions_of(stage)
    ann, bob = await stage.send_link(ANN, PAGE), await stage.send_link(BOB, PAGE + "2")
    for job in (ann, bob):
        await stage.reaches(job, JobState.OFFERED)
    assert await decisions.ban(ANN, "too loud") == 1
    assert stage.access.is_banned(ANN)
    assert (await stage.ends(ann)).state is JobState.CANCELLED
    assert (await stage.record(bob)).state is JobState.OFFERED
    await decisions.unban(ANN)
    assert not stage.access.is_banned(ANN)


async def test_what_was_decided_holds_after_a_restart(stage):
    decisions = decisions_of(stage)
    await decisions.ban(ANN)
    await decisions.set_role(BOB, Role.TRUSTED)
    await decisions.set_quota(BOB, Quota(5))
    again = Access([OWNER], [], [])
    await decisions_of(stage, again).load()
    assert again.is_banned(ANN)
    assert again.allows(private(BOB))
    assert not again.allows(private(4))
    assert (again.role_of(BOB), again.quota_of(BOB)) == (Role.TRUSTED, Quota(5))


async def test_a_person_is_let_in_in_private_and_out_again(stage):
    decisions, access = decisions_of(stage), stage.access
    await decisions.set_role(ANN, Role.ALLOWED)
    assert access.allows(private(ANN))
    assert not access.allows(Request(-5, 1, ANN, is_group=True))
    await decisions.set_role(ANN, Role.USER)
    assert not access.allows(private(ANN))


def test_no_command_lifts_what_the_settings_say_or_touches_an_owner():
    access = Access([OWNER], [BOB], [], banned=[ANN])
    for user_id in (OWNER, ANN, BOB):
        access.decide(User(user_id, role=Role.USER))
    assert access.is_banned(ANN)
    assert access.allows(private(BOB))
    assert access.role_of(OWNER) is None


# what is always taken


def choice(kind: MediaKind, height: int | None = None) -> Choice:
    return Choice(kind, ("1",), height)


LADDER = [choice(MediaKind.VIDEO, height) for height in (2160, 1080, 480)]
LADDER.append(choice(MediaKind.AUDIO))


@pytest.mark.parametrize(
    ("choices", "wanted", "taken"),
    [
        (LADDER, Preferences(), None),
        (LADDER, Preferences(MediaKind.VIDEO, 1080), LADDER[1]),
        (LADDER, VIDEO_720, LADDER[2]),
        (LADDER, Preferences(MediaKind.AUDIO), LADDER[3]),
        (LADDER[:2], VIDEO_720, None),
        (LADDER[:3], Preferences(MediaKind.AUDIO), None),
        ([choice(MediaKind.VIDEO)], VIDEO_720, choice(MediaKind.VIDEO)),
    ],
)
def test_what_somebody_always_takes_is_the_best_that_fits_or_they_are_asked(choices, wanted, taken):
    assert preferred(choices, wanted) == taken


async def test_who_has_chosen_once_sees_no_menu(stage):
    await stage.stores.users.set_preferences(ANN, VIDEO_720)
    ann = await stage.send_link(ANN, PAGE)
    assert (await stage.ends(ann)).state is JobState.DELIVERED
    assert stage.chats.shown(ann, Chosen)
    bob = await stage.send_link(BOB, PAGE)
    await stage.reaches(bob, JobState.OFFERED)


async def test_who_tries_again_is_asked(stage):
    await stage.stores.users.set_preferences(ANN, VIDEO_720)
    stage.site.hold_file(PAGE)
    job = await stage.send_link(ANN, PAGE)
    await stage.reaches(job, JobState.QUEUED)
    assert await stage.jobs.cancel(job.id)
    assert await stage.jobs.again(job.id)
    await stage.reaches(job, JobState.OFFERED)


# how much


async def test_of_500_links_at_once_exactly_as_many_are_accepted_as_the_day_has_room_for(stage):
    stage.access.decide(User(ANN, quota=Quota(50)))
    stage.site.hold_page(PAGE)

    async def send(number):
        try:
            return await stage.intake.accept(Request(ANN, number, ANN, is_group=False), PAGE)
        except QuotaSpentError as error:
            assert error.limit == 50
            return False

    async with asyncio.TaskGroup() as tasks:
        sent = [tasks.create_task(send(number)) for number in range(500)]
    assert sum(each.result() for each in sent) == 50
    assert await stage.store.count_unfinished(ANN) == 50


async def test_a_link_that_was_known_and_one_that_failed_count_for_nothing(stage):
    stage.access.decide(User(ANN, quota=Quota(2)))
    for _ in range(3):
        await stage.intake.accept(Request(ANN, 10**6, ANN, is_group=False), PAGE)
    other = await stage.send_link(ANN, PAGE + "2")
    with pytest.raises(QuotaSpentError):
        await stage.send_link(ANN, PAGE + "3")
    await stage.reaches(other, JobState.OFFERED)
    await stage.jobs.cancel(other.id)
    await stage.endings.told(other.id)
    await until_released(stage)
    await stage.send_link(ANN, PAGE + "3")
    with pytest.raises(QuotaSpentError):
        await stage.jobs.again(other.id)


async def until_released(stage):
    async with asyncio.timeout(10):
        while (await stage.stores.quotas.usage(ANN, stage.clock.now().date())).count > 1:
            await asyncio.sleep(0.01)


# what an owner writes


@pytest.mark.parametrize(
    ("words", "quota"),
    [
        (("20",), Quota(20, 7)),
        (("0",), Quota(None, 7)),
        (("20", "5"), Quota(20, 5_000_000)),
        (("0", "0"), Quota()),
        ((), None),
        (("many",), None),
        (("-1",), None),
        (("1", "2", "3"), None),
    ],
)
def test_a_limit_is_videos_and_megabytes(words, quota):
    assert quota_of(words, Quota(500, 7)) == quota


def test_an_owner_reads_what_was_done():
    assert "2 open links were cancelled" in decision_words.banned(7, 2)
    assert "cancelled" not in decision_words.banned(7, 0)
    assert "BANNED_USERS" in decision_words.unbanned(7, is_still=True)
    assert "TRUSTED_USERS" in decision_words.disallowed(7, is_still=True)
    limited = decision_words.limited(7, Quota(20, 5_000_000_000))
    assert limited == "<code>7</code> gets 20 videos a day, 5.0 GB at most."
