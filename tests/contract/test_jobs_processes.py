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


async def test_what_was_acknowledged_survives_kill_9(kind, tmp_path):
    kept = 0
    for first in range(0, 4000, 1000):
        process = await start("writer", kind, tmp_path, first, 1000)
        lines: list[int] = []
        while len(lines) < 20 + first // 50:
            lines.append(int(await process.stdout.readline()))
        process.kill()
        rest = (await process.stdout.read()).splitlines(keepends=True)
        lines += [int(line) for line in rest if line.endswith(b"\n")]
        await process.wait()
        async with open_jobs(kind, tmp_path) as store:
            for number in lines:
                assert await store.find(job(number).id)
            assert len(await store.unfinished()) - kept - len(lines) in (0, 1)
            kept = len(await store.unfinished())


async def test_processes_share_a_store(kind, tmp_path):
    async with asyncio.TaskGroup() as tasks:
        writers = [
            tasks.create_task(start("writer", kind, tmp_path, first, 50))
            for first in range(0, 400, 100)
        ]
    for writer in writers:
        await writer.result().communicate()
        assert writer.result().returncode == 0
    async with open_jobs(kind, tmp_path) as store:
        assert len(await store.unfinished()) == 200
