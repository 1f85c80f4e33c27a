"""Several processes on one store."""

import asyncio
import contextlib
import sys

import pytest

from tests.contract.stores import NOW, job, open_jobs, queue
from userbot.domain.records import JobState
from userbot.errors import TooManyJobsError

COUNT = 24


async def start(module, *arguments):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.contract.{module}", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("per_user", [1, 2])
async def test_two_processes_claim_each_job_once_and_keep_the_limits(kind, tmp_path, per_user):
    async with open_jobs(kind, tmp_path) as store:
        await queue(store, *(job(number, user=number % 5) for number in range(COUNT)))
    processes = [await start("claimer", kind, tmp_path, per_user) for _ in range(2)]
    claimed = []
    for process in processes:
        output, _ = await process.communicate()
        assert process.returncode == 0
        claimed += output.decode().split()
    assert sorted(claimed) == sorted(f"job{number}" for number in range(COUNT))
    async with open_jobs(kind, tmp_path) as store:
        assert [record.state for record in await store.untold()] == [JobState.DELIVERED] * COUNT


async def test_two_stores_keep_no_more_jobs_of_a_person_than_allowed(kind, tmp_path):
    kept = []

    async def add(store, number):
        with contextlib.suppress(TooManyJobsError):
            kept.append(await store.add(job(number), NOW, max_unfinished=5))

    async with open_jobs(kind, tmp_path) as one, open_jobs(kind, tmp_path) as other:
        async with asyncio.TaskGroup() as tasks:
            for number in range(20):
                tasks.create_task(add((one, other)[number % 2], number))
        assert kept == [True] * 5
        assert await one.count_unfinished(1) == 5
