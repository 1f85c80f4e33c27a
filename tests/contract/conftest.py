import asyncio
import os

import pytest
import pytest_asyncio

from tests.contract import mongo_server
from tests.contract.stores import KINDS, drop, open_jobs, open_stores


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def mongo_url(tmp_path_factory):
    """The server that the tests share; the processes that they start find it as well."""
    is_given = mongo_server.URL_VARIABLE in os.environ
    async with mongo_server.url_for_all(tmp_path_factory.mktemp("mongo")) as url:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(mongo_server.URL_VARIABLE, url)
            if not is_given:
                patch.setenv(mongo_server.OWN_VARIABLE, "1")
            yield url


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    if request.param == "mongo":
        request.getfixturevalue("mongo_url")
    yield request.param
    asyncio.run(drop(request.param, tmp_path))


@pytest.fixture
async def store(kind, tmp_path):
    async with open_jobs(kind, tmp_path) as store:
        yield store


@pytest.fixture
async def stores(kind, tmp_path):
    async with open_stores(kind, tmp_path) as stores:
        yield stores
