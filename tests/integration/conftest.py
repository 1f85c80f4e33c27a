"""A data centre for each module of tests about it, and a client of it for each test."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import telegram_dc
from tests.integration.loopback import ANN, BOB, online
from tests.telegram_dc import DataCentre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DataCentre]:
    async with telegram_dc.running(tmp_path_factory.mktemp("dc")) as dc:
        await dc.user(ANN, "Ann", "ann")
        await dc.user(BOB, "Bob")
        yield dc


@pytest_asyncio.fixture(loop_scope="module")
async def dc(centre: DataCentre) -> AsyncIterator[DataCentre]:
    """The module's data centre without faults, flood history or members' mischief."""
    await centre.clear_faults()
    await centre.clear_flood()
    for user_id in (ANN, BOB):
        await centre.say(user_id, "/start")
        await centre.set_chat(user_id, writes_refused=False, reactions_refused=False)
    known = len((await centre.stats()).violations)
    yield centre
    await centre.clear_faults()
    violations = (await centre.stats()).violations[known:]
    assert "server_error" not in {violation.kind for violation in violations}


@pytest_asyncio.fixture(loop_scope="module")
async def client(dc: DataCentre, tmp_path: Path) -> AsyncIterator[Any]:
    async with online(dc, tmp_path) as client:
        await dc.wait_online()
        yield client
