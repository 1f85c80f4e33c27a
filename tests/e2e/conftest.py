"""One loopback Telegram, one video site and one bot for all tests; a user of their own for each."""

import dataclasses
import itertools

import pytest_asyncio

from tests import video_site
from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

_next_user = itertools.cycle(stages.FRIENDS)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def site(request):
    async with video_site.running(request.config.cache.mkdir("video_site")) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def dc(tmp_path_factory):
    async with telegram_dc.running(tmp_path_factory.mktemp("dc")) as dc:
        for user_id in (stages.OWNER, stages.BOB, stages.EVE, *stages.FRIENDS):
            await dc.user(user_id, f"User {user_id}")
        await dc.group(
            stages.GROUP, "Film club", members=[stages.OWNER, stages.BOB, *stages.FRIENDS]
        )
        yield dc


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def bot(dc, site, tmp_path_factory):
    async with stages.running(dc, site, tmp_path_factory.mktemp("bot")) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def stage(bot):
    """The bot that all tests share, before a user that no other test has."""
    return dataclasses.replace(bot, user=next(_next_user))
