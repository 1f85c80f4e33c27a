"""The whole bot with its queue in MongoDB."""

import signal
from contextlib import asynccontextmanager

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


@pytest.mark.parametrize("is_frozen", [False, True], ids=["killed", "frozen"])
@pytest.mark.slow
async def test_a_file_that_is_there_while_mongodb_is_not_is_delivered_once(
    site, tmp_path, is_frozen
):
    """The server goes during a download that ends before it is back."""
    name = f"away-{is_frozen}"
    async with with_mongo(site, tmp_path) as (server, stage):
        to = await fetching(stage, name)
        if is_frozen:
            server.freeze()
        else:
            await server.kill()
        await site.release(name)
        await stages.until(
            lambda: "when the store is back" in stage.log(), "it is missed", timeout_s=60
        )
        if is_frozen:
            server.thaw()
        else:
            await server.start()
        await stage.file(to)
        assert (await stage.dc.delivered())[stage.user, to] == 1
        size = site.file_of("medium").stat().st_size
        came = sum(e.bytes_sent for e in await site.requests() if f"n={name}" in e.target)
        assert came < 1.5 * size, "what was there was not fetched anew"


async def test_a_job_goes_on_when_the_bot_and_its_mongodb_were_killed_together(site, tmp_path):
    async with with_mongo(site, tmp_path) as (server, stage):
        to = await fetching(stage, "both")
        stage.process.send_signal(signal.SIGKILL)
        await server.kill()
        await stage.process.wait()
        await site.release("both")
        await server.start()
        async with stages.running(stage.dc, site, tmp_path / "bot", MONGO_URL=server.url) as again:
            await again.file(to)
            await stages.until(lambda: not again.jobs, "the end of the job", timeout_s=60)
            assert (await stage.dc.delivered())[stage.user, to] == 1


@pytest.mark.slow
async def test_a_link_that_comes_while_mongodb_is_away_is_kept_when_it_is_back(site, tmp_path):
    async with with_mongo(site, tmp_path) as (server, stage):
        await stages.until(lambda: "the bot runs as" in stage.log(), "it has begun", timeout_s=60)
        await server.kill()
        to = await stage.send_link("progressive", n="meanwhile")
        await stages.until(
            lambda: "a link was not kept" in stage.log(), "it is missed", timeout_s=60
        )
        await server.start()
        await stage.pick(to, "MB")
        await stage.file(to)
        said = [message.text for message in await stage.dc.messages(stage.user) if message.out]
        assert not [text for text in said if "went wrong" in text]


@asynccontextmanager
async def with_mongo(site, tmp_path):
    """A bot of its own with a MongoDB of its own."""
    folder = tmp_path / "mongo"
    folder.mkdir()
    async with mongo_server.running(folder) as server, telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:1])
        stage = await stages.spawn(dc, site, tmp_path / "bot", MONGO_URL=server.url)
        try:
            await stages.online(stage)
            yield server, stage
        finally:
            await stage.stop(signal.SIGKILL)


async def fetching(stage, name):
    """Bring a download to where it waits for `site.release(name)`; returns the link's message."""
    to = await stage.send_link("medium", n=name, stall_after=STALL_AFTER, hold=name)
    await stage.pick(to, "MB")
    await stage.site.held(name)
    return to


async def test_without_its_mongodb_the_bot_says_so_and_ends(dc, site, tmp_path):
    url = "mongodb://somebody:open-sesame@127.0.0.1:9"
    stage = await stages.spawn(dc, site, tmp_path, MONGO_URL=url)
    assert await stage.process.wait() == 1
    said = stage.log().splitlines()[-1]
    assert "the bot cannot run: MongoDB" in said
    assert "sesame" not in stage.log()
