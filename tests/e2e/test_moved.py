"""A group that becomes a supergroup has a new id: its links and its right to use the bot follow."""

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB

pytestmark = pytest.mark.asyncio(loop_scope="session")

OLD = tuple(-4_000_000_200 - number for number in range(4))
MOVED = "has become the supergroup"
NEW = tuple(-1_002_700_000_000 - number for number in range(4))


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
    left = [m for m in await club.dc.messages(new) if m.out and not m.deleted]
    assert left == [file], "a status message goes, as it does everywhere"
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
