"""Many people with one link at once, then one more who asks for what is there already.

    python -m tests.benchmarks.same_link [PEOPLE]

Telegram's limits are off: with them, thirty messages a second are all that a bot may send.
"""

import asyncio
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests import video_site
from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

PEOPLE = 50
TIMEOUT_S = 300
AGAIN = 20
LINK, QUERY = "medium", {"n": "same"}


async def main(people: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        async with (
            video_site.running(home / "site") as site,
            telegram_dc.running(home / "dc", flood_limits=False) as dc,
        ):
            await stages.people_in(dc)
            async with stages.running(dc, site, home / "bot") as stage:
                crowd = [dataclasses.replace(stage, user=id) for id in stages.FRIENDS[:people]]
                took_s = await _all(crowd)
                figures = {
                    "people": people,
                    "from link to file, s": _spread(took_s),
                    **await _counts(stage),
                    "once more, from tap to file, ms": _spread(await _again(stage, people)),
                }
                sys.stdout.write(json.dumps(figures, indent=1) + "\n")


async def _all(crowd: list[stages.Stage]) -> list[float]:
    async with asyncio.timeout(TIMEOUT_S), asyncio.TaskGroup() as tasks:
        served = [tasks.create_task(_served(someone)) for someone in crowd]
    return [task.result() for task in served]


async def _served(someone: stages.Stage) -> float:
    began = time.monotonic()
    to = await someone.send_link(LINK, **QUERY)
    menu = await someone.menu(to, timeout_s=TIMEOUT_S)
    await someone.press(menu, menu.buttons[0][0].data)
    await someone.file(to, timeout_s=TIMEOUT_S)
    return time.monotonic() - began


async def _again(stage: stages.Stage, first: int) -> list[float]:
    """How long others wait for it, one after another."""
    times = []
    for user in stages.FRIENDS[first : first + AGAIN]:
        someone = dataclasses.replace(stage, user=user)
        to = await someone.send_link(LINK, **QUERY)
        menu = await someone.menu(to)
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(someone.press(menu, menu.buttons[0][0].data))
            await someone.file(to)
            times.append((time.monotonic() - began) * 1000)
    return times


async def _counts(stage: stages.Stage) -> dict[str, int]:
    visits = [entry for entry in await stage.site.requests() if entry.method == "GET"]
    documents = [media for media in await stage.dc.documents() if media.kind != "photo"]
    return {
        "times the site was read": len(visits),  # a direct link: once to look, once to download
        "uploads": len(documents),
        "deliveries": sum((await stage.dc.delivered()).values()),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 1),
        "largest": round(max(values), 1),
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
