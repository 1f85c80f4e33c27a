"""A process that adds jobs and says which are kept: `python -m tests.contract.writer KIND FOLDER
FIRST COUNT`. It is killed, or one of several on one store."""

import asyncio
import sys
from pathlib import Path

from tests.contract.stores import NOW, job, open_jobs


async def main(kind: str, folder: Path, first: int, count: int) -> None:
    async with open_jobs(kind, folder) as store:
        for number in range(first, first + count):
            assert await store.add(job(number), NOW)
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
