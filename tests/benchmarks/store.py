"""How fast the durable store is: `python -m tests.benchmarks.store`.

SQLite as the bot opens it (WAL, synced at each commit), beside a bare INSERT by aiosqlite with the
same pragmas: faster than that no write can be. Figures are of the disk under TMPDIR, and worth
something on a quiet machine only.
"""

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiosqlite

from userbot.domain.history import HistoryItem
from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import MediaKind
from userbot.domain.people import Quota
from userbot.domain.records import Claim, FairLimits, JobState, Lane
from userbot.ports.durable import Stores
from userbot.sqlite.database import PRAGMAS
from userbot.sqlite.stores import open_stores

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=1)
LIMITS = FairLimits(per_user=10**6, per_chat=10**6)
PEOPLE = 50

Step = Callable[[int], Awaitable[object]]


async def main(rounds: int, at_once: int) -> None:
    say(f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} CPUs, {rounds} rounds of each")
    say(f"{'':34}  one by one          {at_once} at once")
    with tempfile.TemporaryDirectory() as folder:
        await limit(Path(folder, "bare.db"), rounds, at_once)
        async with open_stores(Path(folder, "userbot.db")) as stores:
            for name, step in steps(stores, rounds):
                await measure(name, step, rounds, at_once)


async def limit(path: Path, rounds: int, at_once: int) -> None:
    """Measure what no store on this disk can beat."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for pragma in PRAGMAS:
            await connection.execute(pragma)
        await connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")

        async def insert(number: int) -> None:
            await connection.execute("INSERT INTO t VALUES (?, ?)", (number, "x" * 300))

        await measure("bare INSERT and commit", insert, rounds, at_once)


def steps(stores: Stores, rounds: int) -> list[tuple[str, Step]]:
    """Return what is measured, in order: a step may need what the ones before it left."""
    claims: dict[int, Claim] = {}

    async def claim(number: int) -> None:
        found = await stores.jobs.claim(Lane.INSPECT, NOW, LEASE, LIMITS)
        assert found
        claims[number] = found

    async def release(number: int) -> None:
        held = claims[number]
        done = replace(held.record, state=JobState.DELIVERED, sent_message_id=number)
        assert await stores.jobs.release(held, done, NOW)

    return [
        ("jobs: add", lambda number: stores.jobs.add(job(number), NOW)),
        ("jobs: claim", claim),
        ("jobs: save", lambda number: stores.jobs.save(claims[number], claims[number].record, NOW)),
        ("jobs: release", release),
        ("jobs: find", lambda number: stores.jobs.find(job(number).id)),
        ("history: add", lambda number: stores.history.add(item(number))),
        ("history: page", lambda number: stores.history.page(number % PEOPLE, None, 6)),
        ("history: find files", lambda number: stores.history.find_files(item(number).media)),
        ("users: touch", lambda number: stores.users.touch(number % PEOPLE, "Ann", NOW)),
        ("users: find", lambda number: stores.users.find(number % PEOPLE)),
        (
            "quotas: reserve",
            lambda number: stores.quotas.reserve(number % PEOPLE, job(number).id, DAY, Quota(500)),
        ),
        (f"statistics: by site ({2 * rounds})", lambda number: stores.statistics.by_site(NOW, 5)),
    ]


async def measure(name: str, step: Step, rounds: int, at_once: int) -> None:
    """Run a step for all rounds one by one, then for as many more `at_once` at a time."""
    took_s = []
    for number in range(rounds):
        began = time.perf_counter()
        await step(number)
        took_s.append(time.perf_counter() - began)
    waiting = iter(range(rounds, 2 * rounds))

    async def work() -> None:
        for number in waiting:
            await step(number)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(work())
    together = rounds / (time.perf_counter() - began)
    middle, slow = statistics.median(took_s), statistics.quantiles(took_s, n=100)[98]
    alone = rounds / sum(took_s)
    times = f"p50 {middle * 1e3:6.2f} ms  p99 {slow * 1e3:6.2f} ms"
    say(f"{name:30} {alone:7.0f}/s  {times}  {together:7.0f}/s")


DAY = date(2030, 1, 1)


def job(number: int) -> Job:
    user_id = number % PEOPLE
    request = Request(user_id, number, user_id, is_group=False)
    return Job(JobId(f"{number:08x}"), request, f"https://example.org/watch?v={number}")


def item(number: int) -> HistoryItem:
    return HistoryItem(
        job_id=JobId(f"{number:08x}"),
        user_id=number % PEOPLE,
        chat_id=number % PEOPLE,
        url=f"https://example.org/watch?v={number}",
        result=JobState.DELIVERED,
        ended_at=NOW + timedelta(seconds=number),
        message_id=number,
        site=f"site {number % 7}",
        media_id=f"id {number}",
        title="A title as long as titles often are, with a few words more",
        variant="video:137+140",
        kind=MediaKind.VIDEO,
        height=1080,
        size_bytes=10**8,
        duration_s=600.0,
        seconds={"extract": 1.0, "download": 20.0, "upload": 10.0},
        file_ids=("x" * 80,),
        bot_id=1,
        is_shareable=True,
    )


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(main(options.rounds, options.at_once))
