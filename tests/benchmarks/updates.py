"""Random and mutated updates against the running bot: `python -m tests.benchmarks.updates`.

Between them people say /start, and each must be answered. Ends with 1 when somebody was not, when
the bot holds more and more memory or files, when its log has an error, or when it delivers no video
at the end. What was sent is the same for the same --seed.
"""

import argparse
import asyncio
import dataclasses
import statistics
import sys
import tempfile
from pathlib import Path

from tests import video_site
from tests.e2e import stage as stages
from tests.e2e import storm

COUNT = 100_000
NOISY, ASKERS = stages.FRIENDS[:4], stages.FRIENDS[10:100]  # none asks too often
MAX_GROWTH_MIB = 60
MAX_MORE_FILES = 30
_TOLD_ERRORS = 5


async def main(count: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        async with (
            video_site.running(home / "site") as site,
            stages.alone(site, home) as stage,
        ):
            for asker in ASKERS:
                await stage.dc.user(asker, f"User {asker}")
            known = await storm.known_of(stage, NOISY)
            weather = await storm.blow(stage, known, seed, count, ASKERS)
            tell(weather)
            person = dataclasses.replace(stage, user=ASKERS[0])
            await person.deliver("progressive", "MB", n="after-the-storm")
            say("a video was delivered after it")
            return verdict(weather, stage.log())


def tell(weather: storm.Weather) -> None:
    waits_s, first, last = weather.waits_s, weather.sizes[0], weather.sizes[-1]
    say(f"{weather.sent} updates in {weather.seconds:.0f} s")
    say(f"/start: median {statistics.median(waits_s):.2f} s, worst {max(waits_s):.2f} s")
    say(f"memory: {first.memory_mib:.0f} MiB, at the end {last.memory_mib:.0f} MiB")
    say(f"files: {first.files}, at the end {last.files}")


def verdict(weather: storm.Weather, log: str) -> int:
    """1 for what must not be, else 0."""
    errors = list(storm.errors_in(log))
    for error in errors[:_TOLD_ERRORS]:
        say(error)
    say(f"errors in the log: {len(errors)}")
    more_files = weather.sizes[-1].files - weather.sizes[0].files
    is_calm = weather.growth_mib <= MAX_GROWTH_MIB and more_files <= MAX_MORE_FILES
    return 0 if is_calm and not errors else 1


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.updates", description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    sys.exit(asyncio.run(main(asked.count, asked.seed)))
