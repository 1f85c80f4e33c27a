"""Redis and the database stop, freeze and come back under load: what becomes of every link?

    python -m tests.benchmarks.outages [--redis] [--database] [--rounds 20] [--freeze-s 60]

Without either of the two, both. `outages_redis` and `outages_database` say what they do. Ends with
1 when a link was lost, delivered twice or failed for the outage, or when somebody waited for Redis.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from pathlib import Path

from tests import video_site
from tests.benchmarks import outages_database, outages_redis
from tests.benchmarks.kill_matrix import say


async def main(options: argparse.Namespace) -> int:
    home = Path(tempfile.mkdtemp(prefix="outages-"))
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    both = options.redis == options.database
    goods = []
    async with video_site.running(media) as site:
        if both or options.redis:
            goods.append(await outages_redis.play(site, home / "redis", options.freeze_s))
        if both or options.database:
            chance = random.Random(options.seed)
            goods.append(
                await outages_database.play(site, home / "database", options.rounds, chance)
            )
    say(f"files: {home}")
    return 0 if all(goods) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--database", action="store_true")
    parser.add_argument("--rounds", type=int, default=20, help="outages of the database")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--freeze-s", type=float, default=60, help="outages of Redis")
    parsed = parser.parse_args()
    say(f"seed {parsed.seed}")
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(parsed)))
