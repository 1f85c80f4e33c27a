"""What was accepted goes on after the bot was killed at any moment."""

import asyncio
import signal
import sys

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


class Mortal:
    """A bot that is killed and started again with the same data."""

    def __init__(self, dc, site, home):
        self.dc, self.site, self.home = dc, site, home

    def running(self, **settings):
        return stages.running(self.dc, self.site, self.home, **settings)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def own_dc(tmp_path_factory):
    """Two bots of one login would share every update, and the other tests' bot is running."""
    async with telegram_dc.running(tmp_path_factory.mktemp("mortal-dc")) as dc:
        await stages.people_in(dc, stages.FRIENDS[-5:])
        yield dc


@pytest.fixture
def mortal(own_dc, site, tmp_path):
    return Mortal(own_dc, site, tmp_path)


async def kill(stage):
    stage.process.send_signal(signal.SIGKILL)
    await stage.process.wait()


def speaker(stage, number):
    stage.user = stages.FRIENDS[-number]
    return stage


async def files_of(stage, to):
    return [m for m in await stage.dc.messages(stage.user) if m.reply_to == to and m.media]


async def test_a_menu_works_after_a_restart_in_the_same_message(mortal):
    async with mortal.running() as stage:
        speaker(stage, 1)
        to = await stage.send_link("progressive", n=901)
        menu = await stage.menu(to)
        await kill(stage)
    async with mortal.running() as stage:
        speaker(stage, 1)
        await stage.press(menu, menu.buttons[0][0].data)
        await stage.file(to)
        await stage.dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted)


async def test_a_download_goes_on_where_it_was(mortal):
    async with mortal.running() as stage:
        speaker(stage, 2)
        await stage.site.reset()
        to = await stage.send_link("medium", rate=6_000_000, n=902)
        menu = await stage.pick(to, "MB")
        await stage.status(to, "of 31 MB")
        await asyncio.sleep(1)
        await kill(stage)
    async with mortal.running() as stage:
        speaker(stage, 2)
        message = await stage.file(to)
        assert message.media.size == stage.site.file_of("medium").stat().st_size
        ranges = [r.headers.get("range") for r in await stage.site.requests("/media/medium.mp4")]
        assert [r for r in ranges if r and r != "bytes=0-"], ranges
        await stage.dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted)


async def test_an_upload_that_was_killed_is_sent_once(mortal):
    async with mortal.running() as stage:
        speaker(stage, 3)
        to = await stage.send_link("medium", n=903)
        await stage.dc.faults(bandwidth_bytes_s=200_000)
        await stage.pick(to, "MB")
        await stage.status(to, "Uploading")
        await kill(stage)
        await stage.dc.clear_faults()
    async with mortal.running() as stage:
        speaker(stage, 3)
        await stage.file(to)
        assert len(await files_of(stage, to)) == 1


async def test_a_message_that_was_sent_is_not_sent_again(mortal):
    async with mortal.running() as stage:
        speaker(stage, 4)
        to = await stage.send_link("progressive", n=904)
        await stage.dc.swallow_answers("messages.sendMedia")
        await stage.pick(to, "MB")
        await stage.file(to)
        await kill(stage)
    async with mortal.running() as stage:
        speaker(stage, 4)
        await stage.dc.wait_message(
            stage.user, lambda m: m.out and m.reply_to == to and m.deleted, timeout_s=20
        )
        assert len(await files_of(stage, to)) == 1


async def test_a_second_bot_on_the_same_data_says_so_and_touches_nothing(mortal):
    async with mortal.running() as stage:
        speaker(stage, 5)
        to = await stage.send_link("stalled", n=905, hold="second-bot")
        await stage.pick(to, "MB")
        await stage.status(to, "of 31 MB")
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "run.py"),
            cwd=stages.ROOT,
            env=stage.env,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await second.communicate()
        assert second.returncode == 2
        assert b"another bot runs" in said
        assert stage.jobs
        await stage.cancel(to)
        await stage.status(to, "Cancelled")
