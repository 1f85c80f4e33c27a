"""Updates that no program expects: whoever wants to be served is served."""

import dataclasses

import pytest
import pytest_asyncio
from pyrogram import raw

from tests.e2e import stage as stages
from tests.e2e import storm

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

SEED, COUNT = 20261122, 1000
NOISY, ASKERS = stages.FRIENDS[:1], stages.FRIENDS[1:10]
UNKNOWN = bytes.fromhex("0df0ad0b") + bytes(20)  # no constructor of TL
GROUP = 2147483900  # as TL writes it


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def stormy(site, tmp_path_factory):
    """A bot, and people for whom it has open jobs, lists, menus and data."""
    async with stages.alone(site, tmp_path_factory.mktemp("stormy")) as stage:
        yield stage, await storm.known_of(stage, NOISY)


@pytest.mark.timeout(300)
async def test_amid_odd_updates_people_are_served_and_after_a_restart_too(stormy, site):
    stage, known = stormy
    weather = await storm.blow(stage, known, SEED, COUNT, ASKERS)
    assert weather.sent == COUNT
    assert list(storm.errors_in(stage.log())) == []
    stage.process.kill()  # what it was busy with is nothing to wait for
    await stage.process.wait()
    async with stages.running(stage.dc, site, stage.home) as again:
        await dataclasses.replace(again, user=ASKERS[-1]).deliver("progressive", "MB")


@pytest.mark.timeout(300)
async def test_a_change_of_members_in_an_unseen_group_does_not_hinder_the_next_start(
    site, tmp_path
):
    """Pyrogram notes a chat without a position then, and asks for what was missed in it."""
    async with stages.alone(site, tmp_path) as stage:
        change = raw.types.UpdateChannelParticipant(
            channel_id=999, date=1, actor_id=ASKERS[0], user_id=ASKERS[0], qts=1
        )
        updates = raw.types.Updates(updates=[change], users=[], chats=[], date=1, seq=0)
        await stage.dc.push([updates.write()])
        await storm.ask(stage, ASKERS[0])
        await stage.stop()
        async with stages.running(stage.dc, site, stage.home) as again:
            await storm.ask(again, ASKERS[0])


@pytest.mark.parametrize("body", [UNKNOWN, b"", bytes(8), UNKNOWN[:3], b"\xff" * 64])
async def test_what_cannot_be_read_costs_no_message_of_anybody(stage, body):
    made = (await stage.dc.stats()).connections_made
    await stage.dc.push([body] * 20)
    to = await stage.say("/start")
    await stage.dc.push([body] * 20)
    await stage.status(to, "Send me a link")
    assert (await stage.dc.stats()).connections_made == made, "it did not connect anew"


async def test_a_press_under_what_the_bot_cannot_see_is_answered(stage):
    query_id = 2**60 + stage.user
    press = raw.types.UpdateBotCallbackQuery(
        query_id=query_id,
        user_id=stage.user,
        peer=raw.types.PeerChannel(channel_id=999),
        msg_id=7,
        chat_instance=1,
        data=b"x:0123abcd",
    )
    since = len(stage.dc.history)
    await stage.dc.push([raw.types.UpdateShort(update=press, date=0).write()])
    event = await stage.dc.wait_event(
        "rpc", since=since, timeout_s=30, method="messages.setBotCallbackAnswer"
    )
    assert event


async def test_what_telegram_has_too_much_of_to_send_is_asked_for(stage):
    await stage.status(await stage.say("/start"), "Send me a link")
    to = await stage.say("/start", is_told=False)
    await stage.dc.push([raw.types.UpdatesTooLong().write()])
    await stage.status(to, "Send me a link")


async def test_so_it_is_with_a_group(stage):
    await stage.status(await stage.say("/start", chat=stages.GROUP), "link", chat=stages.GROUP)
    to = await stage.say("/start", chat=stages.GROUP, is_told=False)
    gap = raw.types.UpdateChannelTooLong(channel_id=GROUP, pts=2**31 - 1)
    updates = raw.types.Updates(updates=[gap], users=[], chats=[], date=0, seq=0)
    await stage.dc.push([updates.write()])
    await stage.status(to, "link", chat=stages.GROUP)


async def test_what_telegram_sends_twice_is_answered_once(stage):
    to = await stage.say("/start", is_told=False)
    for _ in range(3):
        await stage.dc.push([raw.types.UpdatesTooLong().write()])
        await stage.status(to, "Send me a link")
    user = raw.types.User(id=stage.user, access_hash=0, first_name="Ann")
    message = raw.types.Message(
        id=to, peer_id=raw.types.PeerUser(user_id=stage.user), date=0, message="/start"
    )
    update = raw.types.UpdateNewMessage(message=message, pts=1, pts_count=1)
    updates = raw.types.Updates(updates=[update] * 3, users=[user], chats=[], date=0, seq=0)
    await stage.dc.push([updates.write()])
    await stage.status(await stage.say("/help"), "How it works")
    answers = [m for m in await stage.dc.messages(stage.user) if m.out and m.reply_to == to]
    assert len(answers) == 1
