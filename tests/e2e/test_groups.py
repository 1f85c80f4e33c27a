"""Groups of every kind: quiet, in reply, and robust against what admins and members do."""

import asyncio
import time

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB, EVE, OWNER

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASIC = -4_000_000_123
NEW = -1_002_500_000_077  # below what old libraries take for a group
PRIVATE_MODE = -1_002_600_000_001
GONE = -1_002_600_000_002
MUTE = -1_002_600_000_003
CLUBS = (BASIC, NEW, PRIVATE_MODE, GONE, MUTE)
MEMBERS = (OWNER, BOB, EVE, *stages.FRIENDS[:10])


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def club(site, tmp_path_factory):
    """A bot of its own: privacy mode is a property of the bot."""
    chats = ",".join(map(str, CLUBS))
    home = tmp_path_factory.mktemp("club")
    async with stages.alone(site, home, AUTHORIZED_CHATS=chats) as stage:
        for chat in CLUBS:
            await stage.dc.group(chat, "Club", members=MEMBERS, supergroup=chat != BASIC)
        yield stage


async def _deliver(stage, chat, name="progressive", sender=BOB, **query):
    to = await stage.send_link(name, chat=chat, sender=sender, **query)
    await stage.pick(to, "MB", chat=chat, sender=sender)
    return to, await stage.file(to, chat=chat)


async def _written(stage, chat):
    return [m for m in await stage.dc.messages(chat) if m.out]


@pytest.mark.parametrize("chat", [BASIC, NEW])
async def test_a_group_gets_the_file_as_a_reply_and_nothing_else(club, chat):
    to, message = await _deliver(club, chat)
    assert message.media.kind == "video"
    assert await club.dc.reactions(chat, to) == ["👀"]
    status = await club.dc.wait_message(chat, lambda m: m.out and m.deleted and m.reply_to == to)
    assert [m for m in await _written(club, chat) if m.id != status.id] == [message]


async def test_an_admin_of_a_basic_group_cancels(club):
    await club.dc.set_member(BASIC, stages.FRIENDS[0], "admin")
    to = await club.send_link("hls", chat=BASIC, sender=BOB)
    menu = await club.menu(to, chat=BASIC)
    refused = await club.press(menu, menu.button("Cancel").data, sender=EVE)
    assert "Only the person" in refused.text
    answer = await club.press(menu, menu.button("Cancel").data, sender=stages.FRIENDS[0])
    assert answer.text is None
    await club.status(to, "Cancelled", chat=BASIC)


async def test_messages_without_a_link_are_not_answered(club):
    texts = ("hello", "/unknown", "/start@another_bot", "see example", "3.14 and 1.2.3")
    idle = [await club.say(text, chat=NEW, sender=BOB) for text in texts]
    idle.append(await club.say("", chat=NEW, sender=BOB, media="photo"))
    await _deliver(club, NEW, n="after")
    assert [m for m in await _written(club, NEW) if m.reply_to in idle] == []


async def test_a_name_that_telegram_takes_for_a_link_is_none_in_a_group(club):
    idle = await club.say("see example.com and photos.app", chat=NEW, sender=BOB)
    await _deliver(club, NEW, n="after-names")
    assert [m for m in await _written(club, NEW) if m.reply_to == idle] == []


async def test_an_owner_who_adds_the_bot_to_a_new_group_learns_its_number(club):
    foreign = -1_002_600_000_099
    await club.dc.group(foreign, "New", members=[OWNER, BOB])
    for by in (BOB, OWNER):
        await club.dc.kick_bot(foreign)
        await club.dc.add_bot(foreign, by=by)
    said = await club.dc.wait_message(foreign, lambda m: m.out and str(foreign) in m.text)
    assert "AUTHORIZED_CHATS" in said.text
    assert await _written(club, foreign) == [said]
    assert f"added to the group {foreign}" in club.log()


async def test_bad_links_in_a_group_get_a_sentence(club):
    to = await club.say("http://10.0.0.1/x", chat=NEW, sender=BOB)
    await club.status(to, "private network", chat=NEW)


async def test_links_that_are_refused_beside_a_good_one_get_one_answer(club):
    good = club.site.url_of("progressive", n="mixed")
    text = f"http://10.0.0.1/x http://10.0.0.2/x {good} http://a:b@example.com/z"
    to = await club.say(text, chat=NEW, sender=BOB)
    answer = await club.status(to, "private network", chat=NEW)
    assert [line.partition(":")[0] for line in answer.text.splitlines()] == [
        *("I took 1 of your 4 links.", "Links 1, 2", "Link 4")  # each sentence once
    ]
    await club.pick(to, "MB", chat=NEW, sender=BOB)
    await club.file(to, chat=NEW)
    answers = [m for m in await _written(club, NEW) if m.reply_to == to]
    assert len(answers) == 3  # that one, the menu, the file


async def test_a_link_that_is_edited_into_a_message_later_is_not_served(club):
    to = await club.say("hello", chat=BASIC, sender=BOB)
    await club.dc.edit(BASIC, to, club.site.url_of("progressive", n="later"))
    await _deliver(club, BASIC, n="after-the-edit")
    assert not [m for m in await _written(club, BASIC) if m.reply_to == to]


async def test_people_whom_telegram_keeps_waiting_keep_nobody_else_waiting(club):
    to = await club.send_link("hls", chat=NEW, sender=BOB, n="slow")
    menu = await club.menu(to, chat=NEW)
    cancel = menu.button("Cancel").data
    many = stages.FRIENDS[1:10]  # more than the workers that Pyrogram has for handlers
    await club.dc.swallow_answers("channels.getParticipant", times=100)
    try:
        async with asyncio.TaskGroup() as tasks:
            presses = [tasks.create_task(club.press(menu, cancel, sender=user)) for user in many]
            await asyncio.sleep(0)  # they are on their way before what follows
            began = time.monotonic()
            asked = await club.say("/start", chat=OWNER, sender=OWNER)
            await club.status(asked, "Send me a link", chat=OWNER)
            took_s = time.monotonic() - began
            assert not any(press.done() for press in presses)
            for press in presses:
                press.cancel()
    finally:
        await club.dc.clear_faults()
    assert took_s < 3
    await club.press(menu, cancel, sender=BOB)
    await club.status(to, "Cancelled", chat=NEW)


async def test_an_edited_message_is_not_a_second_job(club):
    link = club.site.url_of("progressive", n="edited")
    to = await club.say(link, chat=NEW, sender=BOB)
    menu = await club.menu(to, chat=NEW)
    await club.dc.edit(NEW, to, f"look: {link}")
    await club.press(menu, menu.buttons[0][0].data, sender=BOB)
    await club.file(to, chat=NEW)
    assert len([m for m in await _written(club, NEW) if m.reply_to == to and m.media]) == 1


async def test_reactions_that_are_refused_are_no_error(club):
    await club.dc.set_chat(MUTE, reactions_refused=True)
    to, _ = await _deliver(club, MUTE)
    assert await club.dc.reactions(MUTE, to) == []


async def test_a_link_that_is_deleted_before_delivery_still_brings_the_file(club):
    to = await club.send_link("medium", chat=NEW, sender=BOB, rate=20_000_000)
    menu = await club.menu(to, chat=NEW, timeout_s=80)  # the others here have used the budget
    await club.press(menu, menu.button("MB").data, sender=BOB)
    await club.dc.delete(NEW, to)
    message = await club.dc.wait_message(
        NEW, lambda m: m.out and m.media is not None and m.id > menu.id, timeout_s=80
    )
    assert message.reply_to is None
    assert message.media.kind == "video"


async def test_a_link_that_is_deleted_at_once_does_no_harm(club):
    to = await club.send_link("progressive", chat=MUTE, sender=BOB, n="at-once", delay=1)
    await club.dc.delete(MUTE, to)
    menu = await club.dc.wait_message(
        MUTE, lambda m: m.out and len(m.buttons) > 1 and not m.deleted, timeout_s=20
    )
    assert menu.reply_to is None
    assert (await club.press(menu, menu.buttons[0][0].data, sender=BOB)).text is None
    await club.dc.wait_message(MUTE, lambda m: m.out and bool(m.media) and m.id > menu.id)


async def test_a_status_message_that_somebody_deletes_does_not_end_the_job(club):
    to = await club.send_link("medium", chat=BASIC, sender=BOB, rate=20_000_000)
    menu = await club.pick(to, "MB", chat=BASIC, sender=BOB)
    await club.dc.delete(BASIC, menu.id)
    assert (await club.file(to, chat=BASIC)).media.kind == "video"


async def test_a_bot_that_is_kicked_out_ends_the_job_and_stays_healthy(club):
    to = await club.send_link("medium", chat=GONE, sender=BOB, rate=10_000_000)
    menu = await club.pick(to, "MB", chat=GONE, sender=BOB)
    await club.status(to, "Downloading", chat=GONE)
    folder = club.home / "data/jobs" / stages.job_of(menu)
    assert folder.is_dir()
    await club.dc.kick_bot(GONE)
    await stages.until(lambda: not folder.exists(), "the job ended", timeout_s=20)
    await _deliver(club, BASIC, n="after-the-kick")
    await club.dc.add_bot(GONE)
    await _deliver(club, GONE, n="back-again")


async def test_a_user_who_blocks_the_bot_ends_the_job(club):
    user = stages.FRIENDS[3]
    to = await club.send_link("medium", chat=user, sender=user, rate=10_000_000)
    menu = await club.pick(to, "MB", chat=user, sender=user)
    await club.status(to, "Downloading", chat=user)
    folder = club.home / "data/jobs" / stages.job_of(menu)
    await club.dc.block(user)
    await stages.until(lambda: not folder.exists(), "the job ended", timeout_s=20)
    await _deliver(club, user, sender=user, n="unblocked")


async def test_writes_refused_from_the_start_leave_nothing_open(club):
    await club.dc.set_chat(GONE, writes_refused=True)
    await club.send_link("not_found", chat=GONE, sender=BOB)
    await club.send_link("progressive", chat=GONE, sender=BOB)
    await _deliver(club, BASIC, n="while-refused")
    await club.dc.set_chat(GONE, writes_refused=False)


async def test_a_group_in_privacy_mode_is_told_what_to_do(club):
    await club.dc.set_chat(PRIVATE_MODE, privacy=True)
    try:
        to = await club.say("/start", chat=PRIVATE_MODE, sender=BOB)
        # the login knows what the bot may read since its start; so does Telegram's own answer
        assert "Send me a link" in (await club.status(to, chat=PRIVATE_MODE)).text
        hidden = await club.send_link("progressive", chat=PRIVATE_MODE, sender=BOB)
        await _deliver(club, BASIC, n="meanwhile")
        assert not [m for m in await _written(club, PRIVATE_MODE) if m.reply_to == hidden]
    finally:
        await club.dc.set_chat(PRIVATE_MODE, privacy=False)


async def test_a_bot_that_starts_in_privacy_mode_says_how_to_end_it(site, tmp_path):
    async with stages.alone(site, tmp_path) as first:
        await first.stop()
        await first.dc.set_chat(stages.GROUP, privacy=True)
        async with stages.running(first.dc, site, tmp_path / "bot") as stage:
            to = await stage.say("/start", chat=stages.GROUP, sender=BOB)
            hint = await stage.status(to, "hides links", chat=stages.GROUP)
            assert "/setprivacy" in hint.text
            assert "admin" in hint.text
            await stage.dc.add_bot(stages.GROUP, "admin")
            to = await stage.say("/start", chat=stages.GROUP, sender=BOB)
            assert "hides" not in (await stage.status(to, chat=stages.GROUP)).text
            await _deliver(stage, stages.GROUP)
