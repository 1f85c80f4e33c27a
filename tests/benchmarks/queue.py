"""How fast the durable queue is with many jobs: `python -m tests.benchmarks.queue`.

Figures are of the disk under TMPDIR, and worth something on a quiet machine only.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path

from userbot.domain.choices import Choice
from userbot.domain.jobs import Job, JobId, Request
from userbot.domain.media import Extraction, Format, MediaKind
from userbot.domain.records import Claim, FairLimits, JobState, Lane
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=1)
LIMITS = FairLimits(per_user=2, per_chat=4)
OPEN = FairLimits(per_user=10**6, per_chat=10**6)
ROUNDS = 200
FORMATS = tuple(
    Format(f"{number}", "mp4", "https", "avc1.640028", "mp4a.40.2", 1920, 1080, 30.0, 2500.0, 10**8)
    for number in range(30)
)


async def main(jobs: int, users: int, info_bytes: int) -> None:
    say(f"\n{jobs} queued jobs of {users} people, info JSON of {info_bytes} bytes")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "userbot.db")
        started = time.perf_counter()
        await fill(path, jobs, users, info_bytes)
        size_mb = path.stat().st_size / 1e6
        say(f"  filled in {time.perf_counter() - started:.1f} s, file of {size_mb:.0f} MB")
        started = time.perf_counter()
        async with open_database(path) as database:
            store = SqliteJobs(database)
            await store.give_up_claims()
            found = await store.unfinished()
            say(f"  open, list {len(found)} unfinished: {time.perf_counter() - started:.2f} s")
            await measure(store, found[len(found) // 2].job.id, found[-1].job.id)


async def fill(path: Path, jobs: int, users: int, info_bytes: int) -> None:
    info_json = '{"a": "' + "x" * info_bytes + '"}'
    page = Extraction("site", "1", "A title", "https://example.org/1", FORMATS, info_json)
    choice = Choice(MediaKind.VIDEO, ("22",), 1080, 30, 10**8)
    async with open_database(path) as database:
        await database.read(lambda connection: connection.execute("SELECT 1").fetchone())
        await database._connection.run(lambda con: con.execute("PRAGMA synchronous = OFF"))
        store = SqliteJobs(database)
        for number in range(jobs):
            request = Request(number % users, number, number % users, is_group=False)
            await store.add(Job(JobId(f"{number:08x}"), request, "https://example.org/"), NOW)
            claim = await store.claim(Lane.INSPECT, NOW, LEASE, OPEN)
            assert claim
            kept = replace(
                claim.record,
                extraction=page,
                choices=(choice,) * 6,
                choice=choice,
                state=JobState.QUEUED,
            )
            await store.release(claim, kept, NOW)


async def measure(store: SqliteJobs, middle: JobId, last: JobId) -> None:
    async def claim_and_release() -> None:
        claim = await store.claim(Lane.DELIVER, NOW, LEASE, LIMITS)
        assert claim
        claims.append(claim)

    claims: list[Claim] = []
    limits_free = min(ROUNDS, 2)
    await timed("claim, others held", claim_and_release, limits_free)
    claim = claims[0]

    async def cycle() -> None:
        taken = await store.claim(Lane.DELIVER, NOW, LEASE, OPEN)
        assert taken
        times.append(time.perf_counter() - start[0])
        await store.release(taken, taken.record, NOW)

    times: list[float] = []
    start = [0.0]
    for _ in range(ROUNDS):
        start[0] = time.perf_counter()
        await cycle()
    show("claim", times)
    await timed("renew", lambda: store.renew(claim, LEASE))
    await timed("save", lambda: store.save(claim, claim.record, NOW))
    await timed("find", lambda: store.find(middle))
    await timed("position, middle", lambda: store.position(middle, NOW))
    await timed("position, last", lambda: store.position(last, NOW))
    await timed("places, first 20", lambda: store.places(Lane.DELIVER, NOW, 20))
    await timed("places, all", lambda: store.places(Lane.DELIVER, NOW, 10**6), 20)
    await timed("count_unfinished", lambda: store.count_unfinished(1))


async def timed(name: str, call: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> None:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    show(name, times)


def show(name: str, times: list[float]) -> None:
    times = sorted(time_s * 1000 for time_s in times)
    p99 = times[int(len(times) * 0.99) - 1]
    say(f"  {name:20} median {statistics.median(times):7.2f} ms   p99 {p99:7.2f} ms")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--info-bytes", type=int, default=20_000)
    options = parser.parse_args()
    say(f"SQLite {sqlite3.sqlite_version}, {os.cpu_count()} CPUs")
    for people in (1, 50, options.jobs):
        asyncio.run(main(options.jobs, people, options.info_bytes))
