"""The queue as people see it: fair turns, real places, /queue."""

import dataclasses

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB, GROUP, OWNER

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
    emptied = await ann.status(asked, "Nothing is waiting")
    assert (emptied.id, emptied.buttons) == (listed.id, ())
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


def cancels(message):
    return [b.text for row in message.buttons for b in row if "Cancel" in b.text]


async def turned(stage, message, words, *, text):
    """Press a button of a list and return it as it looks then."""
    assert (await stage.press(message, message.button(words).data)).text is None
    return await stage.dc.wait_message(
        message.chat_id, lambda m: m.id == message.id and text in m.text
    )


async def test_a_long_list_is_turned_page_by_page_in_place(site, tmp_path):
    async with stages.alone(site, tmp_path) as bot:
        cat = person(bot, 0)
        to = await cat.say("\n".join(site.url_of("stuck", n=n, hang="pages") for n in range(10)))
        await cat.dc.wait_message(cat.user, lambda m: m.id == to and m.reactions == ("👀",))
        first = await cat.status(await cat.say("/queue"), "10 open links, page 1 of 2")
        assert cancels(first) == [f"Cancel {number}" for number in range(1, 9)]
        second = await turned(cat, first, "›", text="page 2 of 2")  # noqa: RUF001
        assert cancels(second) == ["Cancel 9", "Cancel 10"]
        shorter = await turned(cat, second, "Cancel 9", text="9 open links, page 2 of 2")
        assert cancels(shorter) == ["Cancel 9"]
        only = await turned(cat, shorter, "Cancel 9", text="8. ")
        assert cancels(only) == [f"Cancel {number}" for number in range(1, 9)]
        assert "open links" not in only.text


async def test_a_line_tells_how_far_a_link_is(narrow):
    dee = person(narrow, 7)
    ahead = await dee.send_link("medium", rate=2_000_000, n="far")
    await dee.pick(ahead, "MB")
    await dee.status(ahead, "of 31 MB")
    behind = await dee.send_link("medium", rate=2_000_000, n="behind")
    await dee.pick(behind, "MB")
    await dee.status(behind, "1st in line, about")
    at_menu = await dee.send_link("hls", n="far")
    await dee.menu(at_menu)
    lines = (await dee.status(await dee.say("/queue"), "1. ")).text.splitlines()
    for line, words in zip(
        lines, ("downloading ", "1st in line, about ", "pick a quality"), strict=True
    ):
        assert words in line
    assert lines[0].endswith(" %")
    for to in (ahead, behind, at_menu):
        await dee.cancel(to)


async def test_a_list_belongs_to_whoever_asked_for_it(narrow):
    eve, bob = person(narrow, 8), BOB
    elsewhere = await eve.send_link("hls", n="elsewhere")
    await eve.menu(elsewhere)
    here = await eve.send_link("hls", chat=GROUP, n="here")
    menu = await eve.menu(here, chat=GROUP)
    listed = await eve.status(await eve.say("/queue", chat=GROUP), "1. ", chat=GROUP)
    assert cancels(listed) == ["Cancel 1"]  # what somebody sent in private is nobody's business
    refused = await eve.press(listed, listed.button("Cancel 1").data, sender=bob)
    assert "Only the person" in refused.text
    for data in (f"p:0:{eve.user}", f"p:0:{GROUP}"):
        answer = await eve.press(listed, data.encode(), sender=bob)
        assert answer.text == "Send /queue to see your own links."
    assert (await eve.dc.message(GROUP, listed.id)).text == listed.text
    forged = await eve.press(menu, f"p:0:{bob}".encode(), sender=bob)  # his own, on no list
    assert forged.text == "Send /queue to see your own links."
    kept = await eve.dc.message(GROUP, menu.id)
    assert (kept.text, kept.buttons) == (menu.text, menu.buttons)
    admin = person(narrow, 9)
    await admin.dc.set_member(GROUP, admin.user, "admin")
    await turned(admin, listed, "Cancel 1", text="Nothing is waiting")
    await admin.dc.set_member(GROUP, admin.user, "member")
    await eve.status(here, "Cancelled", chat=GROUP)
    await eve.cancel(elsewhere)


async def test_links_that_wait_to_be_looked_at_have_places_and_a_few_of_them_say_so(site, tmp_path):
    async with stages.alone(site, tmp_path, MAX_USER_DOWNLOADS=4) as bot:  # all that look at links
        greedy, modest = person(bot, 0), person(bot, 1)
        links = [site.url_of("stuck", n=f"look-{n}", hang="looks") for n in range(9)]
        to = await greedy.say("\n".join(links))
        await greedy.status(to, "Waiting: 3rd in line")
        one = await modest.send_link("progressive", n="look")
        place = await modest.status(one, "Waiting: 1st in line")
        assert place.button("Cancel")
        for behind in ("2nd", "3rd", "4th"):
            await greedy.status(to, f"Waiting: {behind} in line")
        said = [m for m in await greedy.dc.messages(greedy.user) if "in line" in m.text]
        assert len(said) == 3, "of five that wait"
        await site.release("looks")
        menu = await modest.menu(one)
        assert menu.id == place.id, "all of it in one message"


async def test_a_link_that_is_looked_at_at_once_says_no_place(stage):
    to = await stage.send_link("progressive", n="at-once")
    await stage.menu(to)
    said = [event.message for event in stage.dc.history if event.message is not None]
    answers = [
        message for message in said if (message.chat_id, message.reply_to) == (stage.user, to)
    ]
    assert answers
    assert not [message for message in answers if "in line" in message.text]
