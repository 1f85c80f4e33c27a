"""A process that claims and finishes jobs until all have ended, and says which it had:
`python -m tests.contract.claimer KIND FOLDER PER_USER`. It fails when somebody holds too many."""

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.contract.stores import LEASE, NOW, open_jobs
from userbot.domain.records import FairLimits, JobState, Lane
from userbot.ports import JobStore


async def main(kind: str, folder: Path, per_user: int) -> None:
    async with open_jobs(kind, folder) as store, asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(work(store, per_user))


async def work(store: JobStore, per_user: int) -> None:
    limits = FairLimits(per_user, per_chat=10**6)
    while jobs := await store.unfinished():
        held = Counter(job.job.request.user_id for job in jobs if job.is_claimed)
        assert max(held.values(), default=0) <= per_user, held
        claim = await store.claim(Lane.DELIVER, NOW, LEASE, limits)
        if claim:
            sys.stdout.write(f"{claim.record.job.id}\n")
            done = replace(claim.record, state=JobState.DELIVERED)
            assert await store.release(claim, done, NOW)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
