"""Kills the bot with -9 at every boundary between steps, and at random moments, and counts.

    python -m tests.benchmarks.kill_matrix --rounds 200

Every round sends links of every kind at once, kills the bot when the chosen boundary is reached,
sends one more, starts the bot again - in some rounds it dies once more while it starts or recovers
- and waits until everything has ended. Ends with 1 when a link was lost, delivered twice, or sent
by a later life than the one that took its Cancel, or a process or a folder was left.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path

from tests import small_disk, video_site
from tests.e2e.boundaries import BOUNDARIES, reached
from tests.e2e.fates import Fates, described, settled
from tests.e2e.mortal import Mortal, mortal
from tests.e2e.people import (
    ASKED_TO_WAIT,
    CANCELLED,
    CANCELLED_LATE,
    KINDS,
    SENT_LATER,
    TRIED_AGAIN,
    TROUBLED_KINDS,
    Kind,
    Play,
    Post,
)
from tests.e2e.stage import OWNER
from tests.telegram_dc import control as telegram_dc

RANDOM = "random moment"
RANDOM_SHARE = 6  # of so many more than there are boundaries
RANDOM_S = 5.0
REACH_S = 8.0  # later nothing of a round reaches any boundary
ROUND_S = 180.0  # of a busy machine
LOOK_S = 0.1
LATENCIES_MS = (0, 20)
FIRST_PERSON = 10_000
PEOPLE = 4
GROUPS = (-1002100000001, -1002100000002, -1002100000003)
DISK_BYTES = 120_000_000  # two of the larger videos wait for each other
ALL_KINDS = (*KINDS, *TROUBLED_KINDS)
LARGE = KINDS[1]
NEEDS = {  # what has to be sent, so that a boundary is reached
    "trying again": (TRIED_AGAIN,),
    "no room": (LARGE, LARGE),
    "asked to wait": (ASKED_TO_WAIT,),
    "chat takes none": (SENT_LATER,),
    "cancelling": (CANCELLED,),
    "cancel taken": (CANCELLED_LATE,),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One round. `again_s` is when the bot dies once more: while it starts, or after."""

    name: str
    boundary: str
    count: int  # so many jobs reach the boundary before the bot dies
    kinds: tuple[Kind, ...]  # the last is sent while the bot is down
    latency_ms: int
    waits: bool  # for the end of the old processes before the next start
    again_s: float | None
    dies_starting: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    rounds: int = 0
    hits: int = 0
    fates: Fates = field(default_factory=Fates)
    processes: int = 0
    folders: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def is_good(self) -> bool:
        return self.fates.is_good and not (self.processes or self.folders)

    @property
    def is_kept(self) -> bool:
        """The promise: nothing lost, nothing twice, nothing unwanted, nothing left."""
        fates = self.fates
        is_broken = fates.lost or fates.twice or fates.unwanted
        return not (is_broken or self.processes or self.folders)


def plans(rounds: int, jobs: int, chance: random.Random) -> Iterable[Plan]:
    names = [*BOUNDARIES, *[RANDOM] * RANDOM_SHARE]
    for number in range(rounds):
        if number % len(names) == 0:
            chance.shuffle(names)
        boundary = names[number % len(names)]
        needs = NEEDS.get(boundary, ())
        yield Plan(
            name=f"{number:04}",
            boundary=boundary,
            count=len(needs[:1]) or chance.randint(1, jobs // 2),
            kinds=(*needs, *chance.sample(ALL_KINDS, min(jobs, len(ALL_KINDS)))),
            latency_ms=chance.choice(LATENCIES_MS),
            waits=chance.random() < 0.5,
            again_s=chance.uniform(0.2, 2.5) if chance.random() < 0.4 else None,
            dies_starting=chance.random() < 0.5,
        )


async def main(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)
    home = Path(tempfile.mkdtemp(prefix="kill-matrix-"))
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    people = range(FIRST_PERSON, FIRST_PERSON + PEOPLE * options.rounds)
    settings = {
        "AUTHORIZED_USERS": ",".join(map(str, people)),
        "AUTHORIZED_CHATS": ",".join(map(str, GROUPS)),
        "MAX_DOWNLOADS": "2",
    }
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    small = small_disk.mounted_if_allowed(home / "bot/data", DISK_BYTES)
    async with (
        video_site.running(media) as site,
        telegram_dc.running(home / "dc", flood_limits=False) as dc,
        AsyncExitStack() as stack,
    ):
        if not stack.enter_context(small):
            say("no right to mount: no job waits for disk space")
        bot = await stack.enter_async_context(mortal(dc, site, home / "bot", **settings))
        await met(bot)
        for number, plan in enumerate(plans(options.rounds, options.jobs, chance)):
            crew = people[number * PEOPLE : (number + 1) * PEOPLE]
            play = await opened(bot, crew, GROUPS[number % len(GROUPS)], plan.name)
            outcomes[plan.boundary] += await played(play, plan, chance)
        log = bot.stage.log()
        violations = (await dc.stats()).violations
    say(table(outcomes))
    say(f"{len(violations)} calls against Telegram's rules; {log.count(' ERROR ')} errors logged")
    say(f"files: {home}")
    return 0 if sum(outcomes.values(), Outcome()).is_kept else 1


async def met(bot: Mortal) -> None:
    """Make the bot know its groups for good: it hears what it misses in those alone."""
    await bot.dc.user(OWNER, "Olga")
    for group in GROUPS:
        await bot.dc.group(group, f"Group {group}", members=[OWNER])
        await bot.dc.say(group, "Hello all", sender=OWNER)
    to = await bot.dc.say(OWNER, "/start")
    await bot.stage.status(to)
    await bot.stop()
    await bot.start()


async def opened(bot: Mortal, people: range, group: int, name: str) -> Play:
    for user in people:
        await bot.dc.user(user, f"User {user}", started=True)
        await bot.dc.set_member(group, user, "member")
    return Play(bot, people, group, name, since=len(bot.dc.history))


async def played(play: Play, plan: Plan, chance: random.Random) -> Outcome:
    """Play one round, and say how it went."""
    began_at = time.monotonic()
    await play.dc.clear_faults()
    await play.dc.faults(latency_ms=plan.latency_ms)
    async with asyncio.TaskGroup() as tasks:
        taps = tasks.create_task(play.tap_menus())
        death = tasks.create_task(die(play, plan, chance))
        for kind in plan.kinds[:-1]:
            await play.send(kind)
        is_hit = await death
        await play.send(plan.kinds[-1])
        left = await play.bot.orphans() if plan.waits else []
        await revive(play.bot, plan)
        fates = await settled(play, within_s=ROUND_S)
        left += await play.bot.orphans()
        taps.cancel()
    folders = [folder.name for folder in play.bot.folders]
    outcome = Outcome(1, int(is_hit), sum(fates.values(), Fates()), len(left), len(folders))
    again = f", again {plan.again_s:.1f} s" if plan.again_s else ""
    verdict = "good" if outcome.is_good else "BAD"
    took_s = time.monotonic() - began_at
    say(f"{plan.name} {plan.boundary} x{plan.count}{again}: {verdict} in {took_s:.1f} s")
    if not outcome.is_good:
        say(f"  {plan}\n  processes {left}, folders {folders}")
        await tell(play, fates)
    return outcome


async def die(play: Play, plan: Plan, chance: random.Random) -> bool:
    """Kill the bot at the boundary, at the latest after a while; False when it was not reached."""
    async with asyncio.TaskGroup() as tasks:
        moment = tasks.create_task(_moment(play, plan, chance))
        links = sum(kind.people * kind.times for kind in plan.kinds[:-1])
        end = tasks.create_task(_all_ended(play, links))
        await asyncio.wait({moment, end}, timeout=REACH_S, return_when=asyncio.FIRST_COMPLETED)
        is_hit = moment.done()
        await play.bot.kill()
        moment.cancel()
        end.cancel()
    return is_hit


async def _moment(play: Play, plan: Plan, chance: random.Random) -> None:
    if plan.boundary == RANDOM:
        await asyncio.sleep(chance.uniform(0, RANDOM_S))
    else:
        await reached(BOUNDARIES[plan.boundary], play, plan.count)


async def _all_ended(play: Play, links: int) -> None:
    while len(rows := play.rows()) < links or not all(row.has_ended for row in rows):
        await asyncio.sleep(LOOK_S)


async def revive(bot: Mortal, plan: Plan) -> None:
    if plan.again_s is not None:
        await (bot.spawn() if plan.dies_starting else bot.start())
        await asyncio.sleep(plan.again_s)
        await bot.kill()
    await bot.start()


async def tell(play: Play, fates: dict[Post, Fates]) -> None:
    for post, fate in fates.items():
        if not fate.is_good:
            say("\n".join([f"  {fate}", *await described(play, post)]))


def table(outcomes: dict[str, Outcome]) -> str:
    """One line for each boundary, and the sum."""
    names = ["rounds", "hit", *(f.name for f in fields(Fates)), "processes", "folders"]
    lines = [" ".join([f"{'':16}", *(f"{name:>9}" for name in names)])]
    for name, outcome in [*sorted(outcomes.items()), ("all", sum(outcomes.values(), Outcome()))]:
        fates = astuple(outcome.fates)
        numbers = [outcome.rounds, outcome.hits, *fates, outcome.processes, outcome.folders]
        lines.append(" ".join([f"{name:16}", *(f"{number:9}" for number in numbers)]))
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=8, help="messages with links in a round")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parsed = parser.parse_args()
    say(f"seed {parsed.seed}")
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(parsed)))
