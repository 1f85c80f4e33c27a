"""Redis freezes, thaws, is killed and starts empty, while a dozen people send link after link.

Meanwhile others say `/start` five times a second, and in each part one more person sends more links
than the limit allows.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks.kill_matrix import say
from tests.benchmarks.load import Figures, ask, share
from tests.contract.redis_server import Server
from tests.contract.volatile import redis
from tests.e2e.fates import Fates, described, settled
from tests.e2e.mortal import Mortal, mortal
from tests.e2e.people import KINDS, Play
from tests.e2e.stage import GROUP, is_menu
from tests.telegram_dc import control as telegram_dc
from tests.video_site.client import VideoSite

FIRST_PERSON, PEOPLE = 20_000, 12
FIRST_HASTY, HASTY = 25_000, 5
FIRST_CALLER, CALLERS = 30_000, 100
LINKS, LINK_LIMIT = 9, 5
REFUSAL = "You can send the next link in"
LIMIT_MS = 500
THERE_S = 15.0  # before, between and after the outages
MARGIN_S = 2.0  # people ask before it begins, too
LOOK_S, NOTICED_S, BACK_S = 0.01, 20.0, 60.0
LINK_S, SETTLE_S = 120.0, 180.0
SENT = tuple(kind for kind in KINDS if not (kind.fails or kind.in_group))


@dataclass
class Part:
    """What was seen while Redis was in one state."""

    name: str
    figures: Figures = field(default_factory=Figures)
    seconds: float = 0.0
    noticed_s: float | None = None  # from the change until the log says so
    away: int = 0  # lines of the log
    back: int = 0
    served: int = 0  # of the links of who sends too many
    is_refused: bool = False
    is_outage: bool = False

    @property
    def is_good(self) -> bool:
        """Once away in an outage, once back after it, limits in force, and nobody waited."""
        said = (1, 0) if self.is_outage else (0, int(self.noticed_s is not None))
        worst_ms = 1000 * max(self.figures.asks, default=0.0)
        return (
            (self.away, self.back) == said
            and (self.served, self.is_refused) == (LINK_LIMIT, True)
            and worst_ms < LIMIT_MS
            and not self.figures.unanswered
        )


async def play(site: VideoSite, home: Path, outage_s: float) -> bool:
    """Play it all; say how it went, and whether that was well."""
    people = range(FIRST_PERSON, FIRST_PERSON + PEOPLE)
    hasty = range(FIRST_HASTY, FIRST_HASTY + HASTY)
    callers = range(FIRST_CALLER, FIRST_CALLER + CALLERS)
    settings = {
        "TRUSTED_USERS": _joined(people),
        "AUTHORIZED_USERS": _joined([*hasty, *callers]),
        "LIMIT_USER": f"link {LINK_LIMIT}/1h",
    }
    async with redis() as server, telegram_dc.running(home / "dc") as dc:
        for user in (*people, *hasty, *callers):
            await dc.user(user, f"User {user}", started=True)
        async with mortal(dc, site, home / "bot", REDIS_URL=server.url, **settings) as bot:
            plays = [Play(bot, [user], GROUP, f"redis-{user}") for user in people]
            async with crowd(plays):
                parts = await _parts(bot, server, callers, hasty, outage_s)
            fates = await _fates(plays)
            for part, user in zip(parts, hasty, strict=True):
                part.served = await _served(bot, user)  # none of them later than the others
            troubles = [line for line in bot.stage.log().splitlines() if " ERROR " in line]
    say(table(parts))
    say(f"{fates}\n{len(troubles)} errors logged")
    return all(part.is_good for part in parts) and _is_good(fates) and not troubles


def _joined(ids: Sequence[int]) -> str:
    return ",".join(map(str, ids))


async def _parts(
    bot: Mortal, server: Server, callers: Sequence[int], hasty: Sequence[int], outage_s: float
) -> list[Part]:
    changes: tuple[tuple[str, Callable[[], Awaitable[None] | None], float], ...] = (
        ("there", lambda: None, THERE_S),
        ("frozen", server.freeze, outage_s),
        ("thawed", server.thaw, THERE_S),
        ("killed", server.kill, outage_s),
        ("started", server.start, THERE_S),
    )
    parts = []
    for user, (name, does, seconds) in zip(hasty, changes, strict=True):
        part = Part(name, is_outage=name in ("frozen", "killed"))
        async with _watched(bot, part, callers, user):
            await asyncio.sleep(MARGIN_S)
            before = _said(bot)
            if (doing := does()) is not None:
                await doing
            if name != "there":
                await _noticed(bot, part, before)
            await asyncio.sleep(seconds)
        assert bot.stage.process.returncode is None, bot.stage.log()[-3000:]
        parts.append(part)
        say(line(part))
    return parts


@asynccontextmanager
async def _watched(
    bot: Mortal, part: Part, callers: Sequence[int], hasty: int
) -> AsyncIterator[None]:
    """Ask all the while, look at the log before and after, and have somebody send too much."""
    before, began_at = _said(bot), time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(ask(bot.stage, callers, part.figures))
        yield
        await _hurry(bot, part, hasty)
        asking.cancel()
    part.seconds = time.monotonic() - began_at
    part.away, part.back = (now - then for now, then in zip(_said(bot), before, strict=True))


async def _hurry(bot: Mortal, part: Part, user: int) -> None:
    """Send more links than somebody may, and wait for the answers."""
    stage = replace(bot.stage, user=user)
    for number in range(LINKS):
        await stage.send_link("progressive", n=f"hasty-{user}-{number}")
    with contextlib.suppress(TimeoutError):
        await stage.dc.wait_message(user, lambda m: m.out and REFUSAL in m.text, timeout_s=LINK_S)
        part.is_refused = True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINK_S):
            while part.served < LINK_LIMIT:
                await asyncio.sleep(LOOK_S)
                part.served = await _served(bot, user)


async def _served(bot: Mortal, user: int) -> int:
    return sum(is_menu(message) for message in await bot.dc.messages(user))


async def _noticed(bot: Mortal, part: Part, before: tuple[int, int]) -> None:
    """Wait until the log says that Redis is in its new state."""
    index, began_at = int(not part.is_outage), time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(NOTICED_S if part.is_outage else BACK_S):
            while _said(bot)[index] == before[index]:
                await asyncio.sleep(LOOK_S)
        part.noticed_s = time.monotonic() - began_at


def _said(bot: Mortal) -> tuple[int, int]:
    """How often the log has said that Redis is away, and back."""
    log = bot.stage.log()
    return log.count("Redis is away"), log.count("Redis is back")


@asynccontextmanager
async def crowd(plays: Sequence[Play]) -> AsyncIterator[None]:
    """Let each person send a link, wait for the file and send the next, through the block."""
    async with asyncio.TaskGroup() as tasks:
        taps = [tasks.create_task(play.tap_menus()) for play in plays]
        is_over = asyncio.Event()
        sending = [
            tasks.create_task(_send(play, number, is_over)) for number, play in enumerate(plays)
        ]
        yield
        is_over.set()
        await asyncio.wait(sending)
        for task in taps:
            task.cancel()


async def _send(play: Play, number: int, is_over: asyncio.Event) -> None:
    while not is_over.is_set():
        post = await play.send(SENT[number % len(SENT)])
        number += 1
        with contextlib.suppress(TimeoutError):  # what became of it is counted in the end
            await replace(play.bot.stage, user=post.chat_id).file(post.message_id, timeout_s=LINK_S)


async def _fates(plays: Sequence[Play]) -> Fates:
    found = Fates()
    for play in plays:
        for post, fate in (await settled(play, within_s=SETTLE_S)).items():
            found += fate
            if not _is_good(fate):
                say("\n".join(await described(play, post)))
    return found


def _is_good(fates: Fates) -> bool:
    return fates.is_good and not (fates.told or fates.given_up)


def table(parts: Sequence[Part]) -> str:
    """One line for each part."""
    names = ("seconds", "noticed s", "away", "back", "p50 ms", "p99 ms", "max ms", "asks", "none")
    head = " ".join([f"{'Redis':10}", *(f"{name:>9}" for name in (*names, "served"))])
    return "\n".join([head, *map(line, parts)])


def line(part: Part) -> str:
    asks = sorted(part.figures.asks)
    numbers = [
        f"{part.seconds:9.0f}",
        f"{'-' if part.noticed_s is None else format(part.noticed_s, '.2f'):>9}",
        *(f"{count:9}" for count in (part.away, part.back)),
        *(f"{1000 * share(asks, percent):9.0f}" for percent in (50, 99, 100)),
        *(f"{count:9}" for count in (len(asks), part.figures.unanswered, part.served)),
    ]
    return " ".join([f"{part.name:10}", *numbers])
