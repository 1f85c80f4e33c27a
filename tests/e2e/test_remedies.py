"""The buttons under a job that has ended: what they do, for whom, and how often."""

import asyncio
import dataclasses

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB, GROUP, OWNER

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ADMIN = stages.FRIENDS[9]
TOO_OLD = "This button is too old. Please send the link again."
NOT_YOURS = "Only the person who sent the link can use this button."
ON_IT = "One moment …"
UNDER_WAY = "I am already on it."
SECOND_OWNER = 1009  # never writes to the bot


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def hasty(site, tmp_path_factory):
    """A bot with little patience: menus and downloads end after a few seconds."""
    home = tmp_path_factory.mktemp("hasty")
    settings = {
        "JOB_TIMEOUT_S": 8,
        "MENU_TIMEOUT_S": 4,
        "MAX_USER_JOBS": 2,
        "OWNER_IDS": f"{OWNER},{SECOND_OWNER}",
    }
    async with stages.alone(site, home, **settings) as stage:
        await stage.dc.user(SECOND_OWNER, "Second owner")
        await stage.dc.set_member(GROUP, ADMIN, "admin")
        yield stage


def person(stage, number):
    """Somebody else for every number."""
    return dataclasses.replace(stage, user=stages.FRIENDS[number])


def labels(message):
    return [button.text for row in message.buttons for button in row]


async def ended(stage, to, button, *, chat=None):
    """The status message of a job that has ended, with a button that helps."""
    return await stage.dc.wait_message(
        chat or stage.user,
        lambda m: m.out and m.reply_to == to and any(button in label for label in labels(m)),
        timeout_s=20,
    )


async def failed(stage, *, chat=None, sender=None, link="forbidden", **query):
    """A link that fails at once, and what the bot says of it."""
    to = await stage.send_link(link, chat=chat, sender=sender, **query)
    return to, await ended(stage, to, "Tell the owner", chat=chat)


async def told(stage, owner=OWNER):
    """What the bot wrote to an owner about jobs that failed."""
    return [m for m in await stage.dc.messages(owner) if m.out and "did not work" in m.text]


# another try


async def test_another_try_goes_on_in_the_same_message_and_delivers(stage):
    to = await stage.send_link("forbidden", times=1, n=stage.user)
    status = await ended(stage, to, "Try again")
    assert labels(status) == ["Try again", "Tell the owner"]
    assert (await stage.press(status, status.button("Try again").data)).text == ON_IT
    menu = await stage.pick(to, "MB")
    assert menu.id == status.id
    await stage.file(to)


async def test_a_second_tap_begins_nothing_more(stage):
    to, status = await failed(stage, times=1, delay=2, n=stage.user)
    data = status.button("Try again").data
    async with asyncio.TaskGroup() as tasks:
        taps = [tasks.create_task(stage.press(status, data)) for _ in range(3)]
    assert sorted(tap.result().text for tap in taps) == sorted([ON_IT, UNDER_WAY, UNDER_WAY])
    assert (await stage.press(status, data)).text == UNDER_WAY
    await stage.pick(to, "MB")
    await stage.file(to)
    assert len([m for m in await stage.dc.messages(stage.user) if m.media]) == 1


async def test_a_job_that_fails_again_offers_the_same_again(stage):
    to, status = await failed(stage, delay=3, n=stage.user)
    await stage.press(status, status.button("Try again").data)
    await stage.status(to, "Looking")
    again = await ended(stage, to, "Try again")
    assert (again.id, again.text, again.buttons) == (status.id, status.text, status.buttons)


async def test_a_menu_that_nobody_tapped_is_shown_again(hasty):
    ann = person(hasty, 0)
    to = await ann.send_link("progressive", n="expired")
    menu = await ann.menu(to)
    expired = await ended(ann, to, "Show the menu again")
    assert "Nobody picked a quality" in expired.text
    assert expired.id == menu.id
    assert (await ann.press(expired, expired.button("Show").data)).text == ON_IT
    await ann.pick(to, "MB")
    await ann.file(to)


async def test_only_the_sound_of_what_takes_too_long_comes_without_a_menu(hasty):
    bob = person(hasty, 1)
    to = await bob.send_link("hls", **{"media.rate": 60_000})
    await bob.pick(to, "720p")
    status = await ended(bob, to, "Audio only")
    assert labels(status) == ["Other quality", "Audio only", "Try again"]
    assert (await bob.press(status, status.button("Audio").data)).text == ON_IT
    assert (await bob.file(to)).media.kind == "audio"


async def test_another_quality_of_what_takes_too_long_shows_the_menu(hasty):
    cy = person(hasty, 2)
    to = await cy.send_link("hls", **{"media.rate": 60_001})
    await cy.pick(to, "720p")
    status = await ended(cy, to, "Other quality")
    assert (await cy.press(status, status.button("Other").data)).text == ON_IT
    await cy.pick(to, "Audio")
    assert (await cy.file(to)).media.kind == "audio"


async def test_another_try_counts_as_an_open_link(hasty):
    dan = person(hasty, 3)
    _, status = await failed(dan, n="full")
    links = [await dan.send_link("stuck", hang=f"full-{n}") for n in range(2)]
    for n in range(2):
        await dan.site.held(f"full-{n}")
    refused = await dan.press(status, status.button("Try again").data)
    assert "2 links open already" in refused.text
    assert (await dan.dc.message(dan.user, status.id)).buttons == status.buttons
    for to in links:
        await dan.cancel(to)


# who may


async def test_nobody_else_presses_what_helps(stage):
    _, status = await failed(stage, chat=GROUP, n=f"whose-{stage.user}")
    for words in ("Try again", "Tell the owner"):
        for other in (BOB, OWNER):
            answer = await stage.press(status, status.button(words).data, sender=other)
            assert answer.text == NOT_YOURS
    assert (await stage.press(status, status.button("Try again").data)).text == ON_IT


async def test_what_an_anonymous_admin_sent_is_pressed_by_admins(hasty):
    _, status = await failed(hasty, chat=GROUP, sender=GROUP, n="anonymous")
    data = status.button("Try again").data
    assert (await hasty.press(status, data, sender=BOB)).text == NOT_YOURS
    assert (await hasty.press(status, data, sender=ADMIN)).text == ON_IT


async def test_a_button_of_another_chat_is_out_of_reach(stage):
    _, mine = await failed(stage, n=f"mine-{stage.user}")
    _, status = await failed(stage, chat=GROUP, sender=BOB, n=f"other-{stage.user}")
    data = mine.button("Try again").data
    for sender in (BOB, stage.user):
        assert (await stage.press(status, data, sender=sender)).text == NOT_YOURS
    assert (await stage.dc.message(stage.user, mine.id)).buttons == mine.buttons


@pytest.mark.parametrize("data", [b"r:00000000:a", b"r:00000000:o", b"r:zzzzzzzz:a"])
async def test_a_job_that_nobody_knows_is_too_old(stage, data):
    _, status = await failed(stage, n=f"old-{stage.user}")
    assert (await stage.press(status, data)).text == TOO_OLD


async def test_a_cancelled_job_has_nothing_to_tell(stage):
    to = await stage.send_link("hls", n=f"cancelled-{stage.user}")
    job_id = stages.job_of(await stage.menu(to))
    await stage.cancel(to)
    status = await stage.status(to, "Cancelled")
    assert not status.buttons
    assert (await stage.press(status, f"r:{job_id}:o".encode())).text == TOO_OLD


# a word to the owner


async def test_an_owner_whom_nobody_can_reach_is_told_once_there(hasty):
    eli = person(hasty, 4)
    _, status = await failed(eli, n="reach")
    data = status.button("Tell the owner").data
    assert (await eli.press(status, data)).text == "I could not reach my owner."
    await eli.say("/start", chat=OWNER, sender=OWNER)
    await eli.dc.wait_message(OWNER, lambda m: m.out and "Send me a link" in m.text)
    before = len(await told(eli))
    assert (await eli.press(status, data)).text == "I told my owner."
    assert (await eli.press(status, data)).text == "My owner knows about this already."
    reports = await told(eli)
    assert len(reports) == before + 1
    for part in (f"User {eli.user}", str(eli.user), "403", "ForbiddenError"):
        assert part in reports[-1].text
    assert eli.site.url_of("forbidden", n="reach") in reports[-1].text
    assert "pre" in [entity.type for entity in reports[-1].entities]


async def test_the_raw_error_is_seen_by_owners_alone(hasty):
    fay = person(hasty, 5)
    await fay.say("/start", chat=OWNER, sender=OWNER)
    _, status = await failed(fay, chat=GROUP, n="raw")
    answer = await fay.press(status, status.button("Tell the owner").data)
    assert answer.text == "I told my owner."
    for chat in (fay.user, GROUP):
        for message in await fay.dc.messages(chat):
            assert not message.out or "403" not in message.text
    report = (await told(fay))[-1]
    assert f"Film club ({GROUP})" in report.text


async def test_an_owner_who_asks_gets_the_details_every_time(hasty):
    owner = dataclasses.replace(hasty, user=OWNER)
    _, status = await failed(owner, n="owners")
    before = len(await told(owner))
    for _ in range(2):
        answer = await owner.press(status, status.button("Tell the owner").data)
        assert answer.text == "I sent you what I know."
    assert len(await told(owner)) == before + 2


async def test_one_person_cannot_bury_the_owner(hasty):
    gus = person(hasty, 6)
    await gus.say("/start", chat=OWNER, sender=OWNER)
    said = []
    for number in range(6):
        _, status = await failed(gus, n=f"bury-{number}")
        said.append((await gus.press(status, status.button("Tell the owner").data)).text)
    assert said[:5] == ["I told my owner."] * 5
    assert "wait a while" in said[5]
