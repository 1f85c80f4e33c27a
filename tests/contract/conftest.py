import pytest

from tests.contract.stores import KINDS, open_jobs


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
async def store(kind, tmp_path):
    async with open_jobs(kind, tmp_path) as store:
        yield store
