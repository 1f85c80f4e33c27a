"""The whole bot with its queue in MongoDB."""

import signal

import pytest

from tests.contract import mongo_server
from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

pytestmark = pytest.mark.asyncio(loop_scope="session")

STALL_AFTER = 9_000_000


async def test_a_job_goes_on_after_kill_9_with_its_queue_in_mongodb(site, tmp_path):
    folder = tmp_path / "mongo"
    folder.mkdir()
    async with mongo_server.running(folder) as server, telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:1])
        async with stages.running(dc, site, tmp_path / "bot", MONGO_URL=server.url) as stage:
            to = await stage.send_link("progressive", n=1)
            menu = await stage.menu(to)
            stage.process.send_signal(signal.SIGKILL)
            await stage.process.wait()
        async with stages.running(dc, site, tmp_path / "bot", MONGO_URL=server.url) as stage:
            await stage.press(menu, menu.buttons[0][0].data)
            await stage.file(to)
            await dc.wait_message(stage.user, lambda m: m.id == menu.id and m.deleted)
            assert not (stage.home / "data/userbot.db").exists()


async def test_a_file_that_is_there_while_mongodb_is_not_is_delivered_once(site, tmp_path):
    """The server is killed during a download that ends before it is back."""
    folder = tmp_path / "mongo"
    folder.mkdir()
    async with mongo_server.running(folder) as server, telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:1])
        async with stages.running(dc, site, tmp_path / "bot", MONGO_URL=server.url) as stage:
            to = await stage.send_link("medium", n=2, stall_after=STALL_AFTER, hold="away")
            await stage.pick(to, "MB")
            await site.held("away")
            await server.kill()
            await site.release("away")
            await stages.until(lambda: "when the store is back" in stage.log(), "it is missed")
            await server.start()
            await stage.file(to)
            assert (await dc.delivered())[stage.user, to] == 1
            size = site.file_of("medium").stat().st_size
            came = sum(e.bytes_sent for e in await site.requests() if "n=2" in e.target)
            assert came < 1.5 * size, "what was there was not fetched anew"


async def test_without_its_mongodb_the_bot_says_so_and_ends(dc, site, tmp_path):
    url = "mongodb://somebody:open-sesame@127.0.0.1:9"
    stage = await stages.spawn(dc, site, tmp_path, MONGO_URL=url)
    assert await stage.process.wait() == 1
    said = stage.log().splitlines()[-1]
    assert "the bot cannot run: MongoDB" in said
    assert "sesame" not in stage.log()
