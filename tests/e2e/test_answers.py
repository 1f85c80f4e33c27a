"""Whoever writes is answered soon and once, whatever others do and whatever happens to the bot."""

import asyncio
import contextlib
import dataclasses
import signal
import sqlite3

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

pytestmark = pytest.mark.asyncio(loop_scope="session")

HELLO = "Send me a link"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def own_dc(tmp_path_factory):
    """A Telegram whose bot may be killed."""
    async with telegram_dc.running(tmp_path_factory.mktemp("answers-dc")) as dc:
        await stages.people_in(dc, stages.FRIENDS[:10])
        yield dc


async def kill(stage):
    stage.process.send_signal(signal.SIGKILL)
    await stage.process.wait()


def position(stage):
    """How far the updates are noted as handled, 0 when nothing is."""
    (session,) = (stage.home / "sessions").glob("*.session")
    with contextlib.closing(sqlite3.connect(session, timeout=5)) as database:
        row = database.execute("SELECT pts FROM update_state WHERE id = 0").fetchone()
        return row[0] if row else 0


async def is_at_home(stage, user):
    """Have the bot know where it is, as it does after its first minute with anybody."""
    stage.user = user
    await stage.status(await stage.say("/start"), HELLO)
    await stages.until(lambda: position(stage) > 0, "the first position")


async def answers_to(stage, to):
    return [m for m in await stage.dc.messages(stage.user) if m.out and m.reply_to == to]


async def test_a_chat_that_floods_the_bot_makes_nobody_else_wait(stage):
    noisy = dataclasses.replace(stage, user=stages.FRIENDS[-30])
    for _ in range(40):
        await noisy.say("/start")
    to = await stage.say("/start")
    await stage.status(to, HELLO, timeout_s=10)


async def test_a_chat_in_which_the_bot_has_to_wait_makes_nobody_else_wait(stage):
    waiting = dataclasses.replace(stage, user=stages.FRIENDS[-31])
    await stage.dc.fail_calls("messages.sendMessage", 420, "FLOOD_WAIT_4")
    late = await waiting.say("/start")
    busy = f"chat {waiting.user}: sending again after FLOOD_WAIT"
    await stages.until(lambda: busy in stage.log(), "the wait")
    to = await stage.say("/start")
    await stage.status(to, HELLO, timeout_s=3)
    await waiting.status(late, HELLO)


async def test_a_command_that_does_not_exist_is_not_taken_for_a_message_without_a_link(stage):
    await stage.status(await stage.say("/nonsense"), "do not know this command")


async def test_a_command_is_answered_once_although_the_bot_is_killed(own_dc, site, tmp_path):
    async with stages.running(own_dc, site, tmp_path) as stage:
        await is_at_home(stage, stages.FRIENDS[0])
        before = await stage.say("/start")
        await stage.status(before, HELLO)
        await asyncio.sleep(1)  # what is older than that is not answered again
        await kill(stage)
    async with stages.running(own_dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[0]
        after = await stage.say("/help")
        await stage.status(after, "How it works")
        assert len(await answers_to(stage, before)) == 1


async def test_a_link_sent_while_the_bot_was_down_survives_a_kill_at_the_start(
    own_dc, site, tmp_path
):
    async with stages.running(own_dc, site, tmp_path) as stage:
        await is_at_home(stage, stages.FRIENDS[1])
        await kill(stage)
        to = await stage.send_link("progressive", n="at-start")
    async with stages.running(own_dc, site, tmp_path) as stage:
        await kill(stage)
    async with stages.running(own_dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[1]
        await stage.menu(to)


async def test_a_login_that_telegram_puts_off_waits(own_dc, site, tmp_path):
    await own_dc.fail_calls("auth.importBotAuthorization", 420, "FLOOD_WAIT_2")
    async with stages.running(own_dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[2]
        to = await stage.say("/start")
        await stage.status(to, HELLO)
        assert "wait for 2 s" in stage.log()
