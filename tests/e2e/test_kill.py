"""Killed with -9 at any boundary between two steps: nothing is lost, sent twice, or left behind.

The large form of this is `tests/benchmarks/kill_matrix.py`.
"""

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.boundaries import BOUNDARIES, reached
from tests.e2e.fates import described, settled
from tests.e2e.mortal import mortal
from tests.e2e.people import CANCELLED_LATE, Kind, Play
from tests.telegram_dc import control as telegram_dc

pytestmark = pytest.mark.asyncio(loop_scope="session")

REACH_S = 30
SETTLE_S = 20
SLOW_LINE_MS = 150  # Telegram has a message long before the bot knows: time to die in between
FILE = Kind("progressive", is_copy=True)
LARGE = Kind("medium", {"rate": 15_000_000}, is_copy=True)
KINDS = {
    "in line": (LARGE, LARGE),
    "downloading": (LARGE,),
    "uploading": (LARGE,),
    "merging": (Kind("dash", button="480p"),),
    "failed": (Kind("not_found", fails=True),),
}
# The others are killed over a slow line below, or differ little from their neighbours; the large
# form has them all.
IN_SUITE = (
    *("extracting", "offered", "picked", "in line", "downloading", "merging", "uploading"),
    *("about to send", "delivered"),
)
_numbers = itertools.count()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bot(site, tmp_path_factory):
    home = tmp_path_factory.mktemp("killed")
    async with telegram_dc.running(home / "dc", flood_limits=False) as dc:
        await stages.people_in(dc, stages.FRIENDS[:50])
        async with mortal(dc, site, home / "bot", MAX_DOWNLOADS=1) as bot:
            yield bot


@pytest_asyncio.fixture(loop_scope="session")
async def play(bot):
    """Two people nobody else knows, and a bot that is up."""
    if not bot.is_up.is_set():
        await bot.start()
    number = next(_numbers)
    people = stages.FRIENDS[2 * number : 2 * number + 2]
    yield Play(bot, people, stages.GROUP, f"kill{number}", since=len(bot.dc.history))
    await bot.dc.clear_faults()


@asynccontextmanager
async def tapping(play):
    """People tap their menus, whether the bot lives or not; at the end all has to be well."""
    async with asyncio.TaskGroup() as tasks:
        taps = tasks.create_task(play.tap_menus())
        yield
        fates = await settled(play, within_s=SETTLE_S)
        taps.cancel()
    bad = [post for post, fate in fates.items() if not fate.is_good]
    assert not bad, "\n".join([line for post in bad for line in await described(play, post)])
    assert not play.bot.folders
    assert not await play.bot.orphans()


async def killed_at(play, boundary):
    async with asyncio.timeout(REACH_S):
        await reached(BOUNDARIES[boundary], play, 1)
    await play.bot.kill()


@pytest.mark.parametrize("boundary", IN_SUITE)
async def test_a_bot_that_is_killed_goes_on(play, boundary):
    async with tapping(play):
        for kind in KINDS.get(boundary, (FILE,)):
            await play.send(kind)
        await killed_at(play, boundary)
        await play.bot.start()


@pytest.mark.parametrize("boundary", ["seen", "menu shown", "sent", "status cleared", "failed"])
@pytest.mark.slow
async def test_what_telegram_has_and_the_bot_does_not_know_is_not_done_again(play, boundary):
    await play.dc.faults(latency_ms=SLOW_LINE_MS)
    async with tapping(play):
        await play.send(KINDS.get(boundary, (FILE,))[0])
        await killed_at(play, boundary)
        await play.dc.clear_faults()
        await play.bot.start()


@pytest.mark.slow
async def test_a_cancel_that_was_taken_counts_although_the_bot_dies(play):
    async with tapping(play):
        post = await play.send(replace(CANCELLED_LATE, cancel_at="by hand, below"))
        async with asyncio.timeout(REACH_S):
            await reached(BOUNDARIES["about to send"], play, 1)
        await replace(play.bot.stage, user=post.chat_id).cancel(post.message_id)
        await play.bot.kill()
        await play.dc.clear_faults()
        await play.bot.start()
    assert [row.state for row in play.rows()] == ["cancelled"]


@pytest.mark.slow
async def test_killed_while_it_starts_it_goes_on_all_the_same(play):
    async with tapping(play):
        await play.send(FILE)
        await killed_at(play, "picked")
        await play.send(FILE)
        await play.bot.spawn()
        await asyncio.sleep(1)  # any moment of the start will do
        await play.bot.kill()
        await play.bot.start()


async def test_what_was_sent_is_not_called_a_failure_after_the_second_death(play):
    async with tapping(play):
        await play.send(FILE)
        await killed_at(play, "downloaded")
        await play.dc.faults(latency_ms=SLOW_LINE_MS)
        await play.bot.start()
        await killed_at(play, "sent")
        await play.dc.clear_faults()
        await play.bot.start()


async def test_the_same_video_twice_in_one_message_comes_twice(play):
    """The file that is there must not be taken for the one that was about to be sent."""
    post = await play.send(Kind("progressive", times=2, is_copy=True))
    stage = replace(play.bot.stage, user=post.chat_id)
    await stage.pick(post.message_id, "MB")
    await stages.until(
        lambda: any(row.has_ended for row in play.rows()), "the first is there", timeout_s=REACH_S
    )
    await play.dc.faults(latency_ms=SLOW_LINE_MS)
    async with tapping(play):
        await killed_at(play, "about to send")
        await play.dc.clear_faults()
        await play.bot.start()
