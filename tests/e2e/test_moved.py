"""A group that becomes a supergroup has a new id: its links and its right to use the bot follow.

What the bot wrote before stays in the old chat as it is: nobody can change it any more, and nobody
tries for ever.
"""

import asyncio
import contextlib
import sqlite3

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

OLD = tuple(-4_000_000_200 - number for number in range(6))
MOVED = "has become the supergroup"
NEW = tuple(-1_002_700_000_000 - number for number in range(6))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def club(site, tmp_path_factory):
    home = tmp_path_factory.mktemp("moved")
    async with stages.alone(site, home, AUTHORIZED_CHATS=",".join(map(str, OLD))) as stage:
        for chat in OLD:
            await stage.dc.group(chat, "Club", members=[stages.OWNER, BOB], supergroup=False)
        yield stage


async def shown_in(stage, chat, text):
    return await stage.dc.wait_message(
        chat, lambda m: m.out and text in m.text and not m.deleted, timeout_s=30
    )


async def file_in(stage, chat):
    return await stage.dc.wait_message(chat, lambda m: m.out and stages.is_file(m), timeout_s=60)


async def is_left_alone(stage, chat, file):
    """Wait until the status message is gone, as it goes everywhere."""
    async with asyncio.timeout(30):
        while [m for m in await stage.dc.messages(chat) if m.out and not m.deleted] != [file]:
            await asyncio.sleep(0.1)


def owed(stage):
    """How many jobs have an end that their chat was not told."""
    with contextlib.closing(sqlite3.connect(stage.home / "data/userbot.db", timeout=5)) as database:
        ((count,),) = database.execute("SELECT count(*) FROM jobs WHERE owed")
        return count


async def is_over(stage, old, before):
    """Wait until nothing is owed to anybody: nothing was tried in the old chat but once."""
    await stages.until(lambda: not owed(stage), "everybody was told", timeout_s=30)
    assert await stage.dc.messages(old) == before
    assert "Traceback" not in stage.log()
    assert " ERROR " not in stage.log()


@pytest.mark.parametrize(("number", "is_told"), [(0, True), (1, False)], ids=["told", "found out"])
async def test_a_link_of_the_group_is_delivered_to_the_supergroup(club, site, number, is_told):
    old, new, hold = OLD[number], NEW[number], f"moved-{number}"
    to = await club.send_link("stalled", chat=old, sender=BOB, hold=hold)
    await club.pick(to, "MB", chat=old, sender=BOB)
    await club.status(to, "of 31 MB", chat=old)
    await club.dc.migrate(old, new, is_told=is_told)
    await site.release(hold)
    file = await file_in(club, new)
    assert file.media.kind == "video"
    assert file.reply_to is None, "what it answers is in the old chat"
    await is_left_alone(club, new, file)
    link = await club.send_link("progressive", chat=new, sender=BOB, n=hold)
    await club.pick(link, "MB", chat=new, sender=BOB)
    await club.file(link, chat=new)
    assert "AUTHORIZED_CHATS" in club.log()


async def test_an_open_menu_is_answered_in_the_supergroup_also_after_a_restart(site, tmp_path):
    old, new = OLD[2], NEW[2]
    settings = {"AUTHORIZED_CHATS": str(old)}
    async with stages.alone(site, tmp_path, **settings) as first:
        dc = first.dc
        await dc.group(old, "Club", members=[stages.OWNER, BOB], supergroup=False)
        to = await first.send_link("progressive", chat=old, sender=BOB)
        await first.menu(to, chat=old)
        await first.stop()
        await dc.migrate(old, new, is_told=False)
        async with stages.running(dc, site, tmp_path / "bot", **settings) as second:
            menu = await dc.wait_message(new, stages.is_menu, timeout_s=30)
            await second.stop()
        async with stages.running(dc, site, tmp_path / "bot", **settings) as third:
            await stages.until(lambda: third.log().count(MOVED) == 2, "it asked", timeout_s=30)
            refused = await third.press(menu, menu.button("MB").data, sender=stages.OWNER)
            assert "Only the person" in str(refused.text)
            await third.press(menu, menu.button("MB").data, sender=BOB)
            file = await file_in(third, new)
            await dc.wait_message(new, lambda m: m.id == menu.id and m.deleted)
            out = [m for m in await dc.messages(new) if m.out]
            assert [m.id for m in out] == [menu.id, file.id], "the menu's message went on"


async def test_a_menu_that_stayed_in_the_old_chat_can_be_answered_and_stays(club):
    old, new = OLD[4], NEW[4]
    to = await club.send_link("progressive", chat=old, sender=BOB, n="stays")
    menu = await club.menu(to, chat=old)
    await club.dc.migrate(old, new, is_told=True)
    await stages.until(lambda: str(new) in club.log(), "it heard of it")
    before = await club.dc.messages(old)
    assert (await club.press(menu, menu.button("MB").data, sender=BOB)).text is None
    file = await file_in(club, new)
    await is_over(club, old, before)
    await is_left_alone(club, new, file)


async def test_what_is_cancelled_after_the_move_says_so_once_in_the_supergroup(club, site):
    old, new = OLD[5], NEW[5]
    to = await club.send_link("stalled", chat=old, sender=BOB, hold="moved-cancel")
    await club.pick(to, "MB", chat=old, sender=BOB)
    status = await club.status(to, "of 31 MB", chat=old)
    await club.dc.migrate(old, new, is_told=True)
    await stages.until(lambda: str(new) in club.log(), "it heard of it")
    before = await club.dc.messages(old)
    assert (await club.press(status, status.button("Cancel").data, sender=BOB)).text is None
    await shown_in(club, new, "Cancelled")
    await is_over(club, old, before)
    said = [m for m in await club.dc.messages(new) if m.out and not m.deleted]
    assert len(said) == 1
