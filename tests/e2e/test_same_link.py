"""Many people, one link: the site is asked once, Telegram gets the file once, everybody has it."""

import asyncio
import dataclasses
from collections import Counter

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.fates import described, settled
from tests.e2e.mortal import mortal
from tests.e2e.people import Kind, Play
from tests.telegram_dc import control as telegram_dc
from userbot.telegram import texts

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

MANY = 50
LONG_S = 60  # generous: a busy machine
RATE_BYTES_S = 15_000_000
STALL_AFTER = 9_000_000


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def calm(site, tmp_path_factory):
    """A bot in a Telegram without limits, where nobody has to wait for a budget."""
    home = tmp_path_factory.mktemp("calm")
    async with telegram_dc.running(home / "dc", flood_limits=False) as dc:
        await stages.people_in(dc, stages.FRIENDS[:100])
        async with stages.running(dc, site, home / "bot", MAX_DOWNLOADS=2) as stage:
            yield stage


def person(stage, number):
    return dataclasses.replace(stage, user=stages.FRIENDS[number])


async def visits(stage, mark):
    """How often each path was asked for by links with this mark."""
    found = [entry for entry in await stage.site.requests() if mark in entry.target]
    return Counter(f"{entry.method} {entry.path}" for entry in found)


async def uploads(stage):
    """How many files, pictures apart, Telegram was given."""
    return sum(media.kind != "photo" for media in await stage.dc.documents())


async def served(stage, people, name="medium", **query):
    """Let everybody send the same link and tap the same quality; return their files."""

    async def serve(someone):
        to = await someone.send_link(name, **query)
        menu = await someone.menu(to, timeout_s=LONG_S)
        await someone.press(menu, menu.buttons[0][0].data)
        return await someone.file(to, timeout_s=LONG_S)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(serve(someone)) for someone in people]
    return [task.result() for task in running]


async def alone(stage, number):
    """What one person's request costs the site."""
    await served(stage, [person(stage, number)], n=f"alone-{number}", rate=RATE_BYTES_S)
    return await visits(stage, f"n=alone-{number}")


async def test_fifty_people_and_one_link_cost_what_one_person_costs(calm):
    cost = await alone(calm, 0)
    before = await uploads(calm)
    people = [person(calm, number) for number in range(1, 1 + MANY)]
    files = await served(calm, people, n="fifty", rate=RATE_BYTES_S)
    assert await visits(calm, "n=fifty") == cost
    assert await uploads(calm) == before + 1
    assert len({file.media.sha256 for file in files}) == 1
    delivered = await calm.dc.delivered()
    assert [
        delivered[someone.user, file.reply_to] for someone, file in zip(people, files, strict=True)
    ] == [1] * MANY


async def test_what_was_delivered_once_is_there_at_once(calm):
    ann, bob = person(calm, 51), person(calm, 52)
    first = await ann.deliver("medium", "MB", n="again")
    cost, before = await visits(calm, "n=again"), await uploads(calm)
    to = await bob.send_link("medium", n="again")
    menu = await bob.menu(to)
    assert menu.buttons[0][0].text.startswith("⚡ ")
    await bob.press(menu, menu.buttons[0][0].data)
    second = await bob.file(to)
    assert (second.media.sha256, second.text) == (first.media.sha256, first.text)
    assert second.media.kind == "video"
    assert await visits(calm, "n=again") == cost
    assert await uploads(calm) == before


async def test_a_fresh_copy_uses_nothing_from_before(calm):
    ann, bob = person(calm, 53), person(calm, 54)
    await ann.deliver("medium", "MB", n="fresh")
    cost, before = await visits(calm, "n=fresh"), await uploads(calm)
    to = await bob.send_link("medium", n="fresh")
    menu = await bob.menu(to)
    await bob.press(menu, menu.button(texts.FRESH_COPY).data)
    anew = await bob.status(to, "download it anew")
    assert "⚡" not in anew.buttons[0][0].text
    await bob.press(anew, anew.buttons[0][0].data)
    await bob.file(to)
    after = await visits(calm, "n=fresh")
    assert after == cost + cost
    assert await uploads(calm) == before + 1


async def test_what_telegram_does_not_take_any_more_is_fetched_again_by_the_same_job(calm):
    ann, bob = person(calm, 55), person(calm, 56)
    await ann.deliver("medium", "MB", n="stale")
    before = await uploads(calm)
    to = await bob.send_link("medium", n="stale")
    menu = await bob.menu(to)
    await calm.dc.expire_file_references()
    await bob.press(menu, menu.buttons[0][0].data)
    await bob.file(to)
    assert await uploads(calm) == before + 1
    assert (await calm.dc.delivered())[bob.user, to] == 1


async def test_another_form_of_a_link_costs_no_second_look(calm):
    ann, bob = person(calm, 57), person(calm, 58)
    target = calm.site.url_of("page", n="forms", x=1)
    await ann.menu(await ann.send_link("redirect", to=target))
    cost = await visits(calm, "n=forms")
    for form in (target, f"{calm.site.url}/page/?x=1&utm_source=a&n=forms"):
        await bob.menu(await bob.say(form))
    assert await visits(calm, "n=forms") == cost


async def follow(stage, people, mark):
    """Have the first lead and the others follow a download that goes on when it is released."""
    links = []
    for someone in people:
        to = await someone.send_link("medium", n=mark, stall_after=STALL_AFTER, hold=mark)
        await someone.pick(to, "MB")
        await someone.status(to, "Downloading")
        links.append(to)
    await stage.site.held(mark)
    return links


async def test_when_the_first_leaves_another_goes_on(calm):
    people = [person(calm, number) for number in (59, 60, 61)]
    before = await uploads(calm)
    links = await follow(calm, people, "leaves")
    await people[0].cancel(links[0])
    await people[0].status(links[0], "Cancelled")
    await calm.site.release("leaves")
    for someone, to in zip(people[1:], links[1:], strict=True):
        assert (await someone.file(to, timeout_s=LONG_S)).media.kind == "video"
    assert await uploads(calm) == before + 1
    assert (await calm.dc.delivered())[people[0].user, links[0]] == 0


async def test_who_follows_can_leave_and_nobody_else_notices(calm):
    people = [person(calm, number) for number in (62, 63, 64)]
    before = await uploads(calm)
    links = await follow(calm, people, "stays")
    await people[1].cancel(links[1])
    await people[1].status(links[1], "Cancelled")
    await calm.site.release("stays")
    for at in (0, 2):
        await people[at].file(links[at], timeout_s=LONG_S)
    assert await uploads(calm) == before + 1
    last = await people[1].status(links[1], "Cancelled")
    assert not last.buttons


async def test_those_who_wait_together_hear_of_a_failure_together(calm):
    people = [person(calm, number) for number in range(65, 70)]
    links = [await someone.send_link("stuck", hang="fails", n="fails") for someone in people]
    await calm.site.held("fails")
    bad = [await someone.send_link("not_found", n="lost") for someone in people]
    for someone, to in zip(people, bad, strict=True):
        await someone.status(to, "gone", timeout_s=LONG_S)
    assert sum((await visits(calm, "n=lost")).values()) <= 4
    for someone, to in zip(people, links, strict=True):
        await someone.cancel(to)


async def test_killed_in_the_middle_everybody_gets_it_once(site, tmp_path):
    people = stages.FRIENDS[:8]
    async with telegram_dc.running(tmp_path / "dc", flood_limits=False) as dc:
        await stages.people_in(dc, people)
        async with mortal(dc, site, tmp_path / "bot", MAX_DOWNLOADS=2) as bot:
            play = Play(bot, people, stages.GROUP, "crowd")
            query: dict[str, str | int] = {"stall_after": STALL_AFTER, "hold": "killed"}
            async with asyncio.TaskGroup() as tasks:
                taps = tasks.create_task(play.tap_menus())
                await play.send(Kind("medium", query, is_copy=True, people=len(people)))
                await stages.until(
                    lambda: sum(row.state == "queued" for row in play.rows()) == len(people),
                    "everybody waits for the file",
                    timeout_s=30,
                )
                await bot.kill()
                await site.release("killed")
                await bot.start()
                fates = await settled(play, within_s=LONG_S)
                taps.cancel()
            bad = [post for post, fate in fates.items() if not fate.is_good]
            assert not bad, "\n".join(
                [text for post in bad for text in await described(play, post)]
            )
            assert len(fates) == len(people)
            assert sum(media.kind != "photo" for media in await dc.documents()) <= 2
