"""The database is killed with -9 or frozen at random moments, and comes back, also with the bot.

The bot has its queue in MongoDB; the server is the one of the tests. Every round sends links of
every kind at once, strikes when some jobs reach the chosen boundary, or at a random moment, sends
one more link, brings back what is away after some seconds and waits until everything has ended.
"""

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.benchmarks.kill_matrix import GROUPS, PEOPLE, RANDOM, met, opened, say
from tests.contract import mongo_server
from tests.contract.mongo_server import Server
from tests.e2e.boundaries import BOUNDARIES, reached
from tests.e2e.fates import Fates, described, settled
from tests.e2e.mortal import Mortal, Row
from tests.e2e.people import KINDS, Kind, Play, Post
from tests.telegram_dc import control as telegram_dc
from tests.telegram_dc.control import DataCentre
from tests.video_site.client import VideoSite
from userbot.errors import StoreAwayError
from userbot.telegram.problems import problem

FIRST_PERSON = 10_000
JOBS = 8
RANDOM_S, REACH_S, ROUND_S = 5.0, 8.0, 180.0
DOWN_S, FROZEN_S = (1.0, 20.0), 20.0
LOOK_AGAIN_S = 1.0
BLINK_MS, LOOK_MS = 200, 2000  # a look at the rows waits that long for a server, or an answer
KILLED, FROZEN, BOTH = "killed", "frozen", "with the bot"
STRIKES = (KILLED, KILLED, KILLED, FROZEN, BOTH)
NOT_KEPT = problem(StoreAwayError(""))
FIELDS = ("chat_id", "message_id", "url", "state", "lease_until", "ended_at", "attempts")


@dataclass(frozen=True, slots=True)
class Plan:
    """One round. The last of `kinds` is sent while the database is away."""

    name: str
    strike: str
    boundary: str
    count: int  # so many jobs reach the boundary before
    kinds: tuple[Kind, ...]
    down_s: float
    bot_first: bool  # comes back before its database, and cannot start


@dataclass(frozen=True, slots=True)
class Outcome:
    rounds: int = 0
    fates: Fates = field(default_factory=Fates)
    refused: int = 0  # links of the outage: their people were told at once to send them later
    slowest_s: float = 0.0  # from the return of the database until all was over

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.rounds + other.rounds,
            self.fates + other.fates,
            self.refused + other.refused,
            max(self.slowest_s, other.slowest_s),
        )

    @property
    def is_good(self) -> bool:
        return self.fates.is_good and not self.fates.given_up


@dataclass
class MongoMortal(Mortal):
    """A bot whose queue is in MongoDB, and a client of ours to look at it."""

    client: MongoClient[dict[str, Any]] | None = None

    def rows(self, chats: Collection[int]) -> list[Row]:
        """The jobs of these chats; none while the server is away."""
        assert self.client
        try:
            found = self.client["userbot"]["jobs"].find({"chat_id": {"$in": list(chats)}})
            return list(map(_row, found))
        except PyMongoError:
            return []


def _row(found: Mapping[str, Any]) -> Row:
    values = {name: found.get(name, 0) for name in FIELDS}
    is_claimed, ended_at = int(values.pop("lease_until") > 0), values.pop("ended_at") / 1e6
    return Row(found["_id"], is_claimed=is_claimed, ended_at=ended_at, **values)


async def play(site: VideoSite, home: Path, rounds: int, chance: random.Random) -> bool:
    """Play so many rounds; say how they went, and whether all were well."""
    people = range(FIRST_PERSON, FIRST_PERSON + PEOPLE * rounds)
    settings: dict[str, object] = {
        "AUTHORIZED_USERS": ",".join(map(str, people)),
        "AUTHORIZED_CHATS": ",".join(map(str, GROUPS)),
        "MAX_DOWNLOADS": "2",
    }
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    (home / "mongo").mkdir(parents=True)
    async with (
        mongo_server.running(home / "mongo") as server,
        telegram_dc.running(home / "dc", flood_limits=False) as dc,
        mortal(dc, site, home / "bot", settings | {"MONGO_URL": server.url}) as bot,
    ):
        await met(bot)
        for number, plan in enumerate(plans(rounds, chance)):
            crew = people[number * PEOPLE : (number + 1) * PEOPLE]
            round_ = await opened(bot, crew, GROUPS[number % len(GROUPS)], plan.name)
            outcomes[plan.strike] += await played(round_, plan, server, chance)
        crashes = bot.stage.log().count("in a way nobody expected")
    say(table(outcomes))
    say(f"{crashes} times something happened that nobody expected")
    return not crashes and all(outcome.is_good for outcome in outcomes.values())


@asynccontextmanager
async def mortal(
    dc: DataCentre, site: VideoSite, home: Path, settings: dict[str, object]
) -> AsyncIterator[MongoMortal]:
    url = str(settings["MONGO_URL"])
    with MongoClient[dict[str, Any]](
        url, timeoutMS=LOOK_MS, serverSelectionTimeoutMS=BLINK_MS
    ) as client:
        bot = MongoMortal(dc, site, home, settings, client=client)
        await bot.start()
        try:
            yield bot
        finally:
            await bot.kill()


def plans(rounds: int, chance: random.Random) -> Iterable[Plan]:
    boundaries = [*BOUNDARIES, *[RANDOM] * len(BOUNDARIES)]
    for number in range(rounds):
        strike = STRIKES[number % len(STRIKES)]
        yield Plan(
            name=f"{number:04}",
            strike=strike,
            boundary=chance.choice(boundaries),
            count=chance.randint(1, JOBS // 2),
            kinds=tuple(chance.sample(KINDS, JOBS)),
            down_s=FROZEN_S if strike == FROZEN else chance.uniform(*DOWN_S),
            bot_first=chance.random() < 0.5,
        )


async def played(play: Play, plan: Plan, server: Server, chance: random.Random) -> Outcome:
    """Play one round, and say how it went."""
    async with asyncio.TaskGroup() as tasks:
        taps = tasks.create_task(play.tap_menus())
        strike = tasks.create_task(struck(play, plan, server, chance))
        for kind in plan.kinds[:-1]:
            await play.send(kind)
        await strike
        await play.send(plan.kinds[-1])
        await asyncio.sleep(plan.down_s)
        await revived(play.bot, plan, server)
        began_at = time.monotonic()
        fates = await settled(play, within_s=ROUND_S)
        took_s = time.monotonic() - began_at
        taps.cancel()
    refused = {post: await _is_refused(play, post) for post in fates}
    judged = {post: _without(fate) if refused[post] else fate for post, fate in fates.items()}
    outcome = Outcome(1, sum(judged.values(), Fates()), sum(refused.values()), took_s)
    say(f"{plan.name} {plan.strike} at {plan.boundary} x{plan.count} for {plan.down_s:.0f} s:")
    say(f"  {'good' if outcome.is_good else 'BAD'}, over {took_s:.1f} s after its return")
    for post, fate in judged.items():
        if not fate.is_good or fate.given_up:
            say("\n".join([f"  {fate}", *await described(play, post)]))
    return outcome


async def struck(play: Play, plan: Plan, server: Server, chance: random.Random) -> None:
    """Strike at the boundary, at the latest after a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REACH_S):
            if plan.boundary == RANDOM:
                await asyncio.sleep(chance.uniform(0, RANDOM_S))
            else:
                await reached(BOUNDARIES[plan.boundary], play, plan.count)
    if plan.strike == FROZEN:
        server.freeze()
        return
    if plan.strike == BOTH:
        await play.bot.kill()
    await server.kill()


async def revived(bot: Mortal, plan: Plan, server: Server) -> None:
    """Bring back what is away. A bot without its database ends, and is started once more."""
    if plan.strike == FROZEN:
        server.thaw()
        return
    async with asyncio.TaskGroup() as tasks:
        if plan.strike == BOTH and plan.bot_first:
            tasks.create_task(_insist(bot))
            await asyncio.sleep(LOOK_AGAIN_S)
        await server.start()
        if plan.strike == BOTH and not plan.bot_first:
            await bot.start()


async def _insist(bot: Mortal) -> None:
    """Start the bot as often as it takes, as systemd does."""
    while not bot.is_up.is_set():
        try:
            await bot.start()
        except RuntimeError:
            await asyncio.sleep(LOOK_AGAIN_S)


async def _is_refused(play: Play, post: Post) -> bool:
    """Whether its sender was told at once that the link was not taken."""
    messages = await play.dc.messages(post.chat_id)
    answers = [m for m in messages if m.out and m.reply_to == post.message_id and not m.deleted]
    return [message.text for message in answers] == [NOT_KEPT]


def _without(fate: Fates) -> Fates:
    """What became of a link that was refused at once: nothing."""
    return replace(fate, wrong=0, told=0, lost=0)


def table(outcomes: Mapping[str, Outcome]) -> str:
    """One line for each sort of outage, and the sum."""
    names = ["rounds", *(f.name for f in fields(Fates)), "refused", "slowest s"]
    lines = [" ".join([f"{'MongoDB':16}", *(f"{name:>9}" for name in names)])]
    for name, outcome in [*outcomes.items(), ("all", sum(outcomes.values(), Outcome()))]:
        numbers = [outcome.rounds, *astuple(outcome.fates), outcome.refused]
        columns = [*(f"{number:9}" for number in numbers), f"{outcome.slowest_s:9.1f}"]
        lines.append(" ".join([f"{name:16}", *columns]))
    return "\n".join(lines)
