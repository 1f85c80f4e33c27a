"""How a job has ended is owed to its chat, and a site that refused is left alone for a while."""

import signal

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def dc(tmp_path_factory):
    async with telegram_dc.running(tmp_path_factory.mktemp("endings-dc")) as dc:
        await stages.people_in(dc, stages.FRIENDS[:10])
        yield dc


async def killed_before_the_chat_knew(stage, end):
    """Let a job end while Telegram takes no edits; kill the bot when its files are gone."""
    await stage.dc.fail_calls("messages.editMessage", 500, "INTERNAL", times=1000)
    await end()
    await stages.until(lambda: not stage.jobs, "the end is stored")
    stage.process.send_signal(signal.SIGKILL)
    await stage.process.wait()
    await stage.dc.clear_faults()


async def test_a_sentence_that_the_chat_did_not_get_comes_after_a_restart(dc, site, tmp_path):
    async with stages.running(dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[0]
        to = await stage.send_link("stalled", n=1, hold="owed")
        await stage.pick(to, "MB")
        await stage.status(to, "of 31 MB")
        await killed_before_the_chat_knew(stage, lambda: stage.cancel(to))
    async with stages.running(dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[0]
        await stage.status(to, "Cancelled")


async def test_a_message_that_should_be_gone_goes_after_a_restart(dc, site, tmp_path):
    async with stages.running(dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[1]
        to = await stage.send_link("progressive", n=2)
        menu = await stage.menu(to)
        await stage.dc.fail_calls("messages.deleteMessages", 500, "INTERNAL", times=1000)
        await stage.press(menu, menu.buttons[0][0].data)
        await stage.file(to)
        await stages.until(lambda: "delivered" in stage.log(), "the end is stored")
        stage.process.send_signal(signal.SIGKILL)
        await stage.process.wait()
        await stage.dc.clear_faults()
    async with stages.running(dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[1]
        await stage.dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted)


async def test_a_link_that_cannot_work_is_asked_for_once(dc, site, tmp_path):
    async with stages.running(dc, site, tmp_path) as stage:
        stage.user = stages.FRIENDS[2]
        await site.reset()
        first = await stage.status(await stage.send_link("gone"), "gone")
        asked = len(await site.requests())
        assert asked
        second = await stage.status(await stage.send_link("gone"), "gone")
        assert len(await site.requests()) == asked
        assert second.text.splitlines()[0] == first.text.splitlines()[0]
