"""What the bot does when Telegram ends its login, or does not let it in; and without its file."""

import asyncio
import contextlib
import sqlite3

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.small_disk import mounted
from tests.telegram_dc import control as telegram_dc

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

DISK_BYTES = 2 * 1024 * 1024
WITHIN_S = 60


@pytest_asyncio.fixture(loop_scope="session")
async def own_dc(tmp_path):
    """A Telegram that may forget the bot without hurting other tests."""
    async with telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:20])
        yield dc


@contextlib.asynccontextmanager
async def starting(dc, site, home):
    """Start a bot that may never be there."""
    stage = await stages.spawn(dc, site, home)
    try:
        yield stage
    finally:
        if stage.process.returncode is None:
            stage.process.kill()
            await stage.process.wait()


async def answers(stage, user):
    to = await stage.say("/help", chat=user, sender=user)
    return await stage.status(to, chat=user, timeout_s=WITHIN_S)


async def end_of(stage):
    async with asyncio.timeout(WITHIN_S):
        return await stage.process.wait()


async def test_a_login_that_telegram_forgot_is_made_anew_at_the_start(own_dc, site, tmp_path):
    async with stages.running(own_dc, site, tmp_path / "bot") as stage:
        assert await answers(stage, stages.BOB)
    await own_dc.forget_auth_keys()
    async with stages.running(own_dc, site, tmp_path / "bot") as stage:
        assert await answers(stage, stages.FRIENDS[0])
        assert "has ended the login" in stage.log()
    assert len(list((tmp_path / "bot/sessions").glob("*.session.ended"))) == 1


async def test_a_bot_whose_login_is_forgotten_ends_and_says_why(own_dc, site, tmp_path):
    async with starting(own_dc, site, tmp_path / "bot") as stage:
        await stages.online(stage)
        assert await answers(stage, stages.FRIENDS[0])
        await own_dc.forget_auth_keys()
        assert await end_of(stage) == 1
        assert "Telegram ended the login" in stage.log()


async def test_sigterm_is_heard_while_telegram_wants_the_login_to_wait(own_dc, site, tmp_path):
    await own_dc.fail_calls("auth.importBotAuthorization", 420, "FLOOD_WAIT_600")
    async with starting(own_dc, site, tmp_path / "bot") as stage:
        await stages.until(
            lambda: "wants the login to wait" in stage.log(), "the wait", timeout_s=WITHIN_S
        )
        assert await stage.stop() == 0


async def test_sigterm_is_heard_while_telegram_does_not_answer(own_dc, site, tmp_path):
    await own_dc.outage(600)
    async with starting(own_dc, site, tmp_path / "bot") as stage:
        await stages.until(
            lambda: "unfinished jobs" in stage.log(), "about to log in", timeout_s=WITHIN_S
        )
        assert await stage.stop() == 0
    await own_dc.end_outage()


async def test_a_session_file_that_another_holds_costs_no_answer(own_dc, site, tmp_path):
    async with stages.running(own_dc, site, tmp_path / "bot") as stage:
        (file,) = (tmp_path / "bot/sessions").glob("*.session")
        with contextlib.closing(sqlite3.connect(file, timeout=WITHIN_S)) as other:
            other.execute("BEGIN IMMEDIATE")
            for user in stages.FRIENDS[:5]:
                assert await answers(stage, user)
        assert stage.log().count("the session file cannot be written") == 1
        assert await answers(stage, stages.FRIENDS[5])
        await stages.until(lambda: "is written again" in stage.log(), "it is written")


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk", DISK_BYTES) as disk:
        yield disk


async def test_a_full_disk_under_the_session_file_costs_no_answer(
    own_dc, site, tmp_path, small_disk
):
    home = tmp_path / "bot"
    async with stages.running(own_dc, site, home, SESSIONS_DIR=small_disk) as stage:
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
        for user in stages.FRIENDS[:12]:  # more than Pyrogram has workers
            assert await answers(stage, user)
        assert stage.log().count("the session file cannot be written") == 1
        filler.unlink()
        assert await answers(stage, stages.FRIENDS[12])
        await stages.until(lambda: "is written again" in stage.log(), "it is written")
