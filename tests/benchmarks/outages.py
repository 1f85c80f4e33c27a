"""Redis, the database and Telegram go away and come back: what becomes of every link?

    python -m tests.benchmarks.outages [--redis] [--database] [--telegram] [--rounds 20]
        [--freeze-s 60]

Without any of the three, all. `outages_redis`, `outages_database` and `outages_telegram` say what
they do. Ends with 1 when a link was lost, delivered twice or failed for the outage, when somebody
waited for Redis, or when what Telegram had was uploaded again.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from pathlib import Path

from tests import video_site
from tests.benchmarks import outages_database, outages_redis, outages_telegram
from tests.benchmarks.kill_matrix import say


async def main(options: argparse.Namespace) -> int:
    home = Path(tempfile.mkdtemp(prefix="outages-"))
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    is_all = not (options.redis or options.database or options.telegram)
    goods = []
    async with video_site.running(media) as site:
        if is_all or options.redis:
            goods.append(await outages_redis.play(site, home / "redis", options.freeze_s))
        if is_all or options.database:
            chance = random.Random(options.seed)
            goods.append(
                await outages_database.play(site, home / "database", options.rounds, chance)
            )
        if is_all or options.telegram:
            goods.append(await outages_telegram.play(site, home / "telegram", options.freeze_s))
    say(f"files: {home}")
    return 0 if all(goods) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--database", action="store_true")
    parser.add_argument("--telegram", action="store_true")
    parser.add_argument("--rounds", type=int, default=20, help="outages of the database")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--freeze-s", type=float, default=60, help="outages of Redis and Telegram")
    parsed = parser.parse_args()
    say(f"seed {parsed.seed}")
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(parsed)))
