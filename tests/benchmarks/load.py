"""Many jobs at once: memory, the event loop's lag, and how soon `/start` is answered.

    python -m tests.benchmarks.load --jobs 32

First half of the jobs download slowly while the other half upload over a throttled line; then as
many run at full speed. Data centre and site are processes of their own and have the same cores, so
the second part says how the bot fares on a machine that has nothing left. The machine must be
quiet otherwise.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from tests import video_site
from tests.e2e import stage as stages
from tests.e2e.people import is_open
from tests.e2e.stage import Stage
from tests.telegram_dc import control as telegram_dc

MB = 1e6
FIRST_PERSON, FIRST_CALLER, CALLERS = 20_000, 30_000, 100
ASK_EVERY_S = 0.2
ASK_TIMEOUT_S = 20
SAMPLE_EVERY_S = 1.0
READY_S, DONE_S = 180, 900
SLOW_BYTES_S = 100_000  # of a download
LINE_BYTES_S = 60_000  # of each connection to Telegram
LIMITS = {"bot_mb": 250, "worker_mb": 50, "lag_ms": 20, "start_ms": 300}


@dataclass
class Figures:
    """What was measured in one part. Memory in bytes, times in seconds."""

    bot: list[int] = field(default_factory=list)  # RSS
    worker: list[int] = field(default_factory=list)  # PSS of each process of that sort
    guard: list[int] = field(default_factory=list)
    fork_server: list[int] = field(default_factory=list)
    ffmpeg: list[int] = field(default_factory=list)
    asks: list[float] = field(default_factory=list)
    unanswered: int = 0
    lag: dict[str, float] = field(default_factory=dict)  # milliseconds


async def main(options: argparse.Namespace) -> None:
    people = range(FIRST_PERSON, FIRST_PERSON + options.jobs)
    callers = range(FIRST_CALLER, FIRST_CALLER + CALLERS)
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        home = Path(name)
        async with (
            video_site.running(media) as site,
            telegram_dc.running(home / "dc", native_crypto=True) as dc,
        ):
            for user in (*people, *callers):
                await dc.user(user, f"User {user}", started=True)
            who = ",".join(map(str, (*people, *callers)))
            async with bot(dc, site, home / "bot", options.jobs, who) as stage:
                await parts(stage, people, callers, options)


async def parts(
    stage: Stage, people: Sequence[int], callers: Sequence[int], options: argparse.Namespace
) -> None:
    say(header())
    idle = await measured(stage, callers, lambda: asyncio.sleep(options.seconds / 2))
    say(line("idle", idle))
    opened = await half_and_half(stage, people)
    mixed = await measured(stage, callers, lambda: asyncio.sleep(options.seconds))
    say(line(f"{len(people)} slow", mixed))
    await cancelled(stage, opened)
    await stage.dc.clear_faults()
    began_at = time.monotonic()
    fast = await measured(stage, callers, lambda: full_speed(stage, people, options.mib))
    say(line(f"{len(people)} fast", fast))
    say(f"full speed: {len(people)} x {options.mib} MiB in {time.monotonic() - began_at:.0f} s")
    stats = await stage.dc.stats()
    floods = dict(Counter(flood.method for flood in stats.floods))
    say(f"FLOOD_WAITs: {floods}; {len(stats.violations)} calls against the rules")
    say(f"limits: {LIMITS}")


@asynccontextmanager
async def bot(dc, site, home: Path, jobs: int, who: str) -> AsyncIterator[Stage]:
    """The bot with a probe of its loop; see `load_bot`."""
    home.mkdir(parents=True)
    many = {"MAX_DOWNLOADS": jobs, "MAX_UPLOADS": jobs, "AUTHORIZED_USERS": who}
    env = stages.environment(dc, home, **many)
    with (home / "bot.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.benchmarks.load_bot"),
            cwd=stages.ROOT,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    stage = Stage(dc, site, home, process, env)
    try:
        await stages.online(stage)
        yield stage
        await stage.stop()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def measured(
    stage: Stage, callers: Sequence[int], work: Callable[[], Awaitable[object]]
) -> Figures:
    """Measure for as long as work takes."""
    figures = Figures()
    await lag(stage)
    async with asyncio.TaskGroup() as tasks:
        watching = [
            tasks.create_task(sample(stage, figures)),
            tasks.create_task(ask(stage, callers, figures)),
        ]
        await work()
        figures.lag = await lag(stage)
        for task in watching:
            task.cancel()
    return figures


async def lag(stage: Stage) -> dict[str, float]:
    """How late the bot's loop was since the last time that it was asked."""
    stdin, stdout = stage.process.stdin, stage.process.stdout
    assert stdin and stdout
    stdin.write(b"\n")
    async with asyncio.timeout(ASK_TIMEOUT_S):
        found: dict[str, float] = json.loads(await stdout.readline())
    return found


async def sample(stage: Stage, figures: Figures) -> None:
    while True:
        with contextlib.suppress(psutil.NoSuchProcess):
            figures.bot.append(psutil.Process(stage.pid).memory_info().rss)
        for kind, process in await asyncio.to_thread(family, stage.pid):
            with contextlib.suppress(OSError):
                getattr(figures, kind).append(pss(process.pid))
        await asyncio.sleep(SAMPLE_EVERY_S)


def family(pid: int) -> list[tuple[str, psutil.Process]]:
    """The bot's processes and what each is."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for fork_server in psutil.Process(pid).children():
            found.append(("fork_server", fork_server))
            for guard in fork_server.children():
                found.append(("guard", guard))
                found += [(kind_of(child), child) for child in guard.children(recursive=True)]
    return found


def kind_of(process: psutil.Process) -> str:
    """A worker has no other program than Python; what it starts is ffmpeg."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return "worker" if "python" in process.name() else "ffmpeg"
    return "ffmpeg"


def pss(pid: int) -> int:
    """Return the proportional set size: shared pages count in part."""
    for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if row.startswith("Pss:"):
            return int(row.split()[1]) * 1024
    return 0


async def ask(stage: Stage, callers: Sequence[int], figures: Figures) -> None:
    """Say /start again and again, each time somebody else, until cancelled."""
    number = 0
    async with asyncio.TaskGroup() as tasks:
        while True:
            tasks.create_task(ask_once(stage, callers[number % len(callers)], figures))
            number += 1
            await asyncio.sleep(ASK_EVERY_S)


async def ask_once(stage: Stage, caller: int, figures: Figures) -> None:
    """Times are the data centre's own, from the message until its answer."""
    since = len(stage.dc.history)
    to = await stage.say("/start", chat=caller, sender=caller)
    asked_at = 0.0
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            async for event in stage.dc.events(since):
                if event.message is None or event.chat_id != caller:
                    continue
                if event.message.id == to:
                    asked_at = event.at
                elif event.message.reply_to == to:
                    figures.asks.append(event.at - asked_at)
                    return
    except TimeoutError:
        figures.unanswered += 1


async def half_and_half(stage: Stage, people: Sequence[int]) -> list[tuple[Stage, int]]:
    """Bring half of the people's jobs to a slow download, and half to a slow upload."""
    half = len(people) // 2
    await stage.dc.faults(bandwidth_bytes_s=LINE_BYTES_S)
    async with asyncio.TaskGroup() as tasks:
        slow = [
            tasks.create_task(brought(stage, user, "Downloading", SLOW_BYTES_S))
            for user in people[:half]
        ]
        fast = [tasks.create_task(brought(stage, user, "Uploading", 0)) for user in people[half:]]
    return [task.result() for task in (*slow, *fast)]


async def brought(stage: Stage, user: int, words: str, rate: int) -> tuple[Stage, int]:
    own = replace(stage, user=user)
    query = {"rate": rate} if rate else {}
    to = await own.send_link("medium", **query, n=user)
    menu = await own.menu(to, timeout_s=READY_S)
    await own.dc.press(user, menu.id, data=menu.button("MB").data, timeout_s=READY_S)
    await own.status(to, words, timeout_s=READY_S)
    return own, to


async def cancelled(stage: Stage, opened: list[tuple[Stage, int]]) -> None:
    for own, to in opened:
        for message in await own.dc.messages(own.user):
            if message.reply_to == to and is_open(message):
                data = message.button("Cancel").data
                await own.dc.press(own.user, message.id, data=data, timeout_s=READY_S)
    await stages.until(lambda: not stage.workers(), "all workers are gone", timeout_s=READY_S)


async def full_speed(stage: Stage, people: Sequence[int], mib: int) -> None:
    """Have everybody's video delivered."""
    async with asyncio.TaskGroup() as tasks:
        for user in people:
            tasks.create_task(delivered(replace(stage, user=user), mib))


async def delivered(own: Stage, mib: int) -> None:
    to = await own.say(f"{own.site.url}/big.mp4?size={mib}&n=fast-{own.user}")
    menu = await own.menu(to, timeout_s=READY_S)
    await own.dc.press(own.user, menu.id, data=menu.button("MB").data, timeout_s=READY_S)
    await own.file(to, timeout_s=DONE_S)


def header() -> str:
    names = ("bot RSS", "worker PSS", "worker max", "guard max", "forks PSS", "ffmpeg max")
    times = ("lag p50", "lag p99", "lag max", "start p50", "start p99", "start max", "asks", "none")
    return " ".join([f"{'MB, ms':10}", *(f"{name:>10}" for name in (*names, *times))])


def line(name: str, figures: Figures) -> str:
    asks = sorted(figures.asks)
    numbers = [
        max(figures.bot, default=0) / MB,
        sum(figures.worker) / max(len(figures.worker), 1) / MB,
        max(figures.worker, default=0) / MB,
        max(figures.guard, default=0) / MB,
        max(figures.fork_server, default=0) / MB,
        max(figures.ffmpeg, default=0) / MB,
        *(figures.lag[p] for p in ("p50", "p99", "p100")),
        *(1000 * share(asks, p) for p in (50, 99, 100)),
        len(asks),
        figures.unanswered,
    ]
    return " ".join([f"{name:10}", *(f"{number:10.1f}" for number in numbers)])


def share(values: list[float], percent: int) -> float:
    return values[min(len(values) * percent // 100, len(values) - 1)] if values else 0.0


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=40, help="of the slow part")
    parser.add_argument("--mib", type=int, default=64, help="of a video at full speed")
    asyncio.run(main(parser.parse_args()))
