"""Telegram is out of reach for a while, or the bot dies on the way: nothing is sent twice."""

import contextlib
import json
import signal
import sqlite3

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc
from userbot.telegram.uploader import UploadState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

PART = 512 * 1024
IN_FLIGHT = 16


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def dc(tmp_path_factory):
    """A Telegram that may fail without hurting the other tests."""
    async with telegram_dc.running(tmp_path_factory.mktemp("outage-dc")) as dc:
        await stages.people_in(dc, stages.FRIENDS[:10])
        yield dc


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bot(dc, site, tmp_path_factory):
    async with stages.running(dc, site, tmp_path_factory.mktemp("outage")) as stage:
        stage.user = stages.FRIENDS[0]
        yield stage


async def files_of(stage, to):
    return [m for m in await stage.dc.messages(stage.user) if m.reply_to == to and m.media]


async def parts(dc):
    return (await dc.stats()).rpc.get("upload.saveBigFilePart", 0)


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "black hole"])
async def test_an_upload_goes_on_by_itself_after_an_outage(bot, refused):
    before = await parts(bot.dc)
    to = await bot.send_link("medium", n=f"outage-parts-{refused}")
    await bot.dc.faults(bandwidth_bytes_s=300_000)
    menu = await bot.pick(to, "MB")
    await bot.status(to, "Uploading")
    await bot.dc.outage(6, refused=refused)
    message = await bot.file(to)
    assert message.media.size == bot.site.file_of("medium").stat().st_size
    assert await parts(bot.dc) - before <= -(-message.media.size // PART) + IN_FLIGHT
    await bot.dc.wait_message(bot.user, lambda m: m.id == menu.id and m.deleted)
    assert len(await files_of(bot, to)) == 1
    await bot.dc.clear_faults()


async def test_an_outage_before_the_send_delays_it(bot):
    known = len(bot.dc.history)
    await bot.dc.swallow_answers("messages.sendMedia")
    to = await bot.send_link("progressive", n="outage-send")
    await bot.pick(to, "MB")
    await bot.dc.wait_event("send", since=known, method="messages.sendMedia")
    await bot.dc.outage(2, refused=True)
    menu = await bot.dc.wait_message(
        bot.user, lambda m: m.out and m.reply_to == to and m.deleted, timeout_s=30
    )
    assert menu.buttons
    assert len(await files_of(bot, to)) == 1


async def test_a_link_sent_in_an_outage_is_served_after_it(bot):
    await bot.dc.outage(2, refused=True)
    to = await bot.send_link("progressive", n="outage-link")
    start = await bot.say("/start")
    await bot.status(start, "Send me a link")
    await bot.pick(to, "MB")
    await bot.file(to)


@pytest.mark.parametrize(
    "query",
    [{}, {"no_length": 1}, {"rate": 2_000_000}],
    ids=["begun early", "plain", "still downloaded"],
)
async def test_a_killed_upload_sends_the_missing_parts_alone(site, tmp_path, query):
    async with telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:1])
        async with stages.running(dc, site, tmp_path / "bot") as stage:
            to = await stage.send_link("big", size=48, **query)
            await dc.faults(bandwidth_bytes_s=0 if "rate" in query else 250_000)
            await stage.pick(to, "Video")
            await stages.until(lambda: _noted(stage.home) > 20, "a note", timeout_s=30)
            stage.process.send_signal(signal.SIGKILL)
            await stage.process.wait()
            noted, sent = _noted(stage.home), await parts(dc)
            await dc.clear_faults()
        async with stages.running(dc, site, tmp_path / "bot") as stage:
            message = await stage.file(to)
        assert message.media is not None
        total = -(-message.media.size // PART)
        assert sent < total, "it was killed on the way"
        late = IN_FLIGHT  # read from the dead bot's connections after they were counted
        assert await parts(dc) - sent <= total - noted + late


def _noted(home):
    """How many parts of the one job are noted as uploaded."""
    with contextlib.closing(sqlite3.connect(home / "data/userbot.db", timeout=5)) as database:
        for (note,) in database.execute("SELECT upload_note FROM jobs"):
            return len(UploadState.load(json.loads(note)[2]).done) if note else 0
    return 0
