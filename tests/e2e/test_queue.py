"""The queue as people see it: fair turns, real places, /queue."""

import dataclasses

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import OWNER

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def narrow(site, tmp_path_factory):
    home = tmp_path_factory.mktemp("narrow")
    async with stages.alone(site, home, MAX_DOWNLOADS=1) as stage:
        yield stage


def person(stage, number):
    """Somebody else for every number."""
    return dataclasses.replace(stage, user=stages.FRIENDS[number])


async def delivered_to(stage):
    return [m.reply_to for m in await stage.dc.messages(stage.user) if stages.is_file(m)]


async def test_one_link_of_another_is_served_next_however_many_wait(narrow):
    greedy, modest = person(narrow, 0), person(narrow, 1)
    many = []
    for number in range(4):
        to = await greedy.send_link("medium", rate=3_000_000, n=f"many-{number}")
        await greedy.pick(to, "MB")
        many.append(to)
    await greedy.status(many[3], "in line, about")
    one = await modest.send_link("medium", rate=15_000_000, n="one")
    await modest.pick(one, "MB")
    before = await delivered_to(greedy)
    await modest.status(one, "1st in line")
    await modest.file(one)
    delivered = await delivered_to(greedy)
    assert len(delivered) <= len(before) + 1, "the next free slot was for the one"
    for to in many:
        if to not in delivered:
            await greedy.cancel(to)


async def test_what_is_small_does_not_wait_behind_what_is_large(narrow):
    slow, quick = person(narrow, 2), person(narrow, 3)
    to = await slow.send_link("medium", rate=1_000_000, n="slow")
    await slow.pick(to, "MB")
    await slow.status(to, "of 31 MB")
    await quick.deliver("progressive", "MB", n="quick")
    await slow.cancel(to)


async def test_queue_lists_ones_own_jobs_and_cancels_each(narrow):
    ann = person(narrow, 4)
    at_menu = await ann.send_link("hls", n="queue")
    menu = await ann.menu(at_menu)
    asked = await ann.say("/queue")
    listed = await ann.dc.wait_message(
        ann.user, lambda m: m.out and m.reply_to == asked and "pick a quality" in m.text
    )
    await ann.press(listed, listed.button("Cancel 1").data)
    await ann.status(at_menu, "Cancelled")
    assert not (await ann.dc.message(ann.user, menu.id)).buttons
    asked = await ann.say("/queue")
    await ann.status(asked, "Nothing is waiting")


async def test_the_owner_sees_and_cancels_everybodys(narrow):
    bob, owner = person(narrow, 5), dataclasses.replace(narrow, user=OWNER)
    to = await bob.send_link("hls", n="bobs")
    await bob.menu(to)
    asked = await owner.say("/queue")
    listed = await owner.status(asked, str(bob.user))
    await owner.press(listed, listed.button("Cancel 1").data)
    await bob.status(to, "Cancelled")
