"""Redis freezes, comes back and dies while links are worked on: all of them end well.

The large form of this is `tests/benchmarks/outages.py`.
"""

import asyncio

import pytest

from tests.contract.volatile import redis
from tests.e2e import stage as stages
from tests.e2e.boundaries import BOUNDARIES, reached
from tests.e2e.fates import described, settled
from tests.e2e.mortal import mortal
from tests.e2e.people import Kind, Play
from tests.telegram_dc import control as telegram_dc

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

LONG_S = 60
SMALL = Kind("progressive", is_copy=True)
LARGE = Kind("medium", {"rate": 10_000_000}, is_copy=True)


async def test_every_link_is_delivered_once_whatever_redis_does(site, tmp_path):
    people = stages.FRIENDS[:4]
    async with redis() as server, telegram_dc.running(tmp_path / "dc", flood_limits=False) as dc:
        await stages.people_in(dc, people)
        async with mortal(dc, site, tmp_path / "bot", REDIS_URL=server.url) as bot:
            play = Play(bot, people, stages.GROUP, "redis")
            async with asyncio.TaskGroup() as tasks:
                taps = tasks.create_task(play.tap_menus())
                await _send(play, LARGE, SMALL)
                await reached(BOUNDARIES["downloading"], play, 1)
                server.freeze()
                await _send(play, SMALL, LARGE)
                await reached(BOUNDARIES["delivered"], play, 2)
                await _said(bot, "away", "back", 1)
                server.thaw()
                await _said(bot, "back", "away", 0)
                await _send(play, LARGE, SMALL)
                await server.kill()
                fates = await settled(play, within_s=LONG_S)
                taps.cancel()
            bad = [post for post, fate in fates.items() if not fate.is_good]
            words = [text for post in bad for text in await described(play, post)]
            assert not bad, "\n".join(words)
            assert " ERROR " not in bot.stage.log()


async def _send(play, *kinds):
    for kind in kinds:
        await play.send(kind)


async def _said(bot, what, other, more):
    """Wait until the log says one thing so much more often than the other."""

    def is_said():
        log = bot.stage.log()
        return log.count(f"Redis is {what}") == log.count(f"Redis is {other}") + more

    await stages.until(is_said, f"Redis is {what}", timeout_s=LONG_S)
