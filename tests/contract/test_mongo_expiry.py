"""What MongoDB forgets by itself follows the settings."""

from datetime import timedelta

import pytest

from tests.contract.stores import database_of, drop
from userbot.mongo.client import open_database
from userbot.mongo.schema import prepare

DAY = timedelta(days=1)


@pytest.fixture
async def database(mongo_url, tmp_path):
    async with open_database(mongo_url, database_of(tmp_path)) as database:
        yield database
    await drop("mongo", tmp_path)


async def expiry(database, name):
    index = (await database[name].index_information()).get("expiry")
    return None if index is None else int(index["expireAfterSeconds"])


@pytest.mark.parametrize("name", ["history", "errors"])
async def test_the_index_has_the_days_of_the_settings(database, name):
    for retention in (30 * DAY, 30 * DAY, 7 * DAY, None, None, DAY):
        await prepare(database, retention)
        wanted = None if retention is None else retention.total_seconds()
        assert await expiry(database, name) == wanted


async def test_counts_of_days_that_are_over_go_in_any_case(database):
    await prepare(database)
    assert await expiry(database, "usage") == 3 * 86400
