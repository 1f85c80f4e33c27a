"""Odd updates by the thousand for a running bot, with people among them who want to be served."""

import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import psutil

from tests.e2e import stage as stages
from tests.e2e.odd_updates import OddUpdates
from tests.e2e.odd_values import Known, Values
from tests.e2e.stage import Stage

BATCH = 100
ANSWER_TIMEOUT_S = 60
_MIB = 2**20
# A line of the log that a human must look at, and what follows it.
_ERROR = re.compile(r"^\S+ (?:ERROR|CRITICAL) .*(?:\n    \|.*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Size:
    """What the bot holds."""

    memory_mib: float
    files: int


@dataclass
class Weather:
    """What a storm was like. `waits_s`: how long each /start waited for its answer."""

    sent: int = 0
    waits_s: list[float] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def growth_mib(self) -> float:
        """From the first tenth, when caches are warm, to the end."""
        return self.sizes[-1].memory_mib - self.sizes[len(self.sizes) // 10].memory_mib


async def blow(stage: Stage, known: Known, seed: int, count: int, askers: Sequence[int]) -> Weather:
    """Send count odd updates; after each batch one of the askers says /start and is answered.

    Raises TimeoutError when one is not.
    """
    weather, began = Weather(), time.monotonic()
    bodies = iter(OddUpdates(Values(seed, known)))
    for asker in itertools.cycle(askers):
        batch = list(islice(bodies, min(BATCH, count - weather.sent)))
        if not batch:
            break
        await stage.dc.push(batch)
        weather.sent += len(batch)
        weather.waits_s.append(await ask(stage, asker))
        weather.sizes.append(size_of(stage))
    weather.seconds = time.monotonic() - began
    return weather


async def ask(stage: Stage, asker: int) -> float:
    """How long somebody waits for the answer to /start."""
    began = time.monotonic()
    to = await stage.say("/start", chat=asker, sender=asker)
    await stage.dc.wait_message(
        asker,
        lambda m: m.out and m.reply_to == to and "Send me a link" in m.text,
        timeout_s=ANSWER_TIMEOUT_S,
    )
    return time.monotonic() - began


def size_of(stage: Stage) -> Size:
    bot = psutil.Process(stage.pid)
    return Size(bot.memory_info().rss / _MIB, bot.num_fds())


def errors_in(log: str) -> Iterator[str]:
    """What is in a log that a human must look at."""
    for found in _ERROR.finditer(log):
        yield found[0]


async def known_of(stage: Stage, people: Sequence[int]) -> Known:
    """What there is to be spoken of: people, open jobs, and everything that can be pressed."""
    presses, numbers = [], []
    for person in people:
        to = await stage.send_link("hls", chat=person, sender=person, n=f"storm-{person}")
        menu = await stage.menu(to, chat=person)
        asked = await stage.say("/queue", chat=person, sender=person)
        listed = await stage.status(asked, "pick a quality", chat=person)
        presses += [b.data for m in (menu, listed) for row in m.buttons for b in row if b.data]
        presses += [data.format(person).encode() for data in ("h:0:{}", "d:d:{}", "d:y:{}")]
        numbers += [to, menu.id, listed.id]
    return Known(
        bot_id=stage.dc.bot_id,
        users=[*people, stages.OWNER, stages.EVE, stage.dc.bot_id],
        groups=[stages.GROUP],
        messages=numbers,
        presses=presses,
        links=[stage.site.url_of("not_found", n="storm"), "http://10.1.2.3/x", "run.py"],
    )
