"""Twenty jobs in one group under Telegram's documented limits: how long, and how many FLOOD_WAITs.

    python -m tests.benchmarks.group_flood [JOBS]

Twenty calls a minute are all that a group gives, and a job needs at least two: it takes minutes.
"""

import asyncio
import collections
import json
import sys
import tempfile
import time
from pathlib import Path

from tests import video_site
from tests.e2e import stage as stages
from tests.e2e.crowd import serve_crowd

JOBS = 20
TIMEOUT_S = 1200


async def main(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        async with (
            video_site.running(home / "site") as site,
            stages.alone(site, home) as stage,
        ):
            started = time.monotonic()
            files = await serve_crowd(stage, stages.GROUP, jobs, timeout_s=TIMEOUT_S)
            took_s = time.monotonic() - started
            await _tell(stage, len(files), took_s)


async def _tell(stage: stages.Stage, delivered: int, took_s: float) -> None:
    stats = await stage.dc.stats()
    calls = collections.Counter(
        event.method for event in stage.dc.history if event.kind in ("send", "edit")
    )
    figures = {
        "delivered": delivered,
        "seconds": round(took_s, 1),
        "calls": dict(calls),
        "floods": dict(collections.Counter(flood.method for flood in stats.floods)),
        "violations": len(stats.violations),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else JOBS))
