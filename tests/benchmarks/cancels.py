"""Cancels jobs in every stage, and looks what is left of them.

    python -m tests.benchmarks.cancels [--times 50] [--at-once 5] [--stage merge]

Some jobs at a time are brought to a stage, and all are cancelled in the same moment. A few seconds
later nothing may be there: no folder, no process. Ends with 1 when something was left, or when a
job ended neither as cancelled nor with its file. After FLOOD_WAIT a chat hears nothing until
Telegram takes messages again: there "said" is that wait.
"""

import argparse
import asyncio
import contextlib
import itertools
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests import small_disk, video_site
from tests.benchmarks.kill_matrix import say
from tests.e2e import stage as stages
from tests.e2e.cancelling import End, cancelled, no_workers, runs_ffmpeg, waiting_ffmpeg
from tests.e2e.stage import FRIENDS, Stage
from tests.video_site import VideoSite

SAYS_SO_S = 15.0  # the longest FLOOD_WAIT below, and what Telegram needs beside it
DISK_BYTES = 100_000_000  # one of the larger videos at a time
SLOW_BYTES_S = 60_000
REACH_S = 120.0  # until a job is at its stage: a busy machine
SLOTS = 8
QUICK = 2  # of the small ones no more are fetched at a time
AHEAD = FRIENDS[9]  # who is served before all others

Reach = Callable[[Stage, str], Coroutine[Any, Any, int]]
_names = (f"cancel-{number}" for number in itertools.count())


@dataclass(frozen=True, slots=True)
class Case:
    """How a job is brought to a stage, alone with others like it. Returns the link's message."""

    reach: Reach
    settings: Mapping[str, object] = field(default_factory=dict)
    faults: Mapping[str, float] = field(default_factory=dict)
    refusal: str = ""  # of every file that is sent
    waits: bool = False  # ffmpeg does
    is_behind: bool = False  # another job is under way, and stays
    at_once: int = len(FRIENDS)


@dataclass
class Tally:
    ends: list[End] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def row(self) -> list[str]:
        worst = [
            max((getattr(end, name) for end in self.ends), default=0.0)
            for name in ("answered_s", "said_s", "gone_s")
        ]
        done = sum(end.is_cancelled for end in self.ends)
        counts = [len(self.ends), done, len(self.ends) - done, len(self.left)]
        return [*(f"{count:9}" for count in counts), *(f"{seconds:9.2f}" for seconds in worst)]


# stages


def _at(link: str, button: str | None, words: str, **query: str | int) -> Reach:
    """A link, what is tapped under it (None: nothing), and what the bot says at this stage."""

    async def reach(stage: Stage, name: str) -> int:
        holds = {key: name for key in ("hang", "hold", "media.hang") if key in query}
        to = await stage.send_link(link, **query | holds, n=name)
        if button is not None:
            await _picked(stage, to, button)
        await stage.status(to, words, timeout_s=REACH_S)
        for hold in holds.values():
            await stage.site.held(hold)
        return to

    return reach


async def _picked(stage: Stage, to: int, button: str) -> None:
    menu = await stage.menu(to, timeout_s=REACH_S)
    await stage.press(menu, menu.button(button).data)


async def _menu(stage: Stage, name: str) -> int:
    to = await stage.send_link("hls", n=name)
    await stage.menu(to, timeout_s=REACH_S)
    return to


async def _refused(stage: Stage, name: str) -> int:
    """A file that was sent and that Telegram does not take yet."""
    to = await stage.send_link("progressive", n=name)
    since = len(stage.dc.history)
    await _picked(stage, to, "MB")
    async with asyncio.timeout(REACH_S):
        async for event in stage.dc.events(since):
            if event.kind == "rpc" and "WAIT_" in event.data["error"]:
                return to
    raise RuntimeError("Telegram is gone")


def _ffmpeg(link: str, button: str, words: str) -> Case:
    async def reach(stage: Stage, name: str) -> int:
        to = await _at(link, button, words)(stage, name)
        await stages.until(lambda: runs_ffmpeg(stage), "ffmpeg runs")
        return to

    return Case(reach, waits=True, at_once=QUICK)


CASES = {
    "looking": Case(_at("stuck", None, "Looking", hang="")),
    "menu": Case(_menu),
    "in line": Case(_at("medium", "MB", "in line"), {"MAX_DOWNLOADS": 1}, is_behind=True),
    "downloading": Case(_at("medium", "MB", "Downloading", rate=200_000)),
    "stalled": Case(_at("stalled", "MB", "Downloading", hold="")),
    "segments": Case(_at("hls", "720p", "Downloading", **{"media.hang": ""}), at_once=QUICK),
    "merge": _ffmpeg("dash", "720p", "Putting picture and sound together"),
    "convert": _ffmpeg("webm", "", "Converting"),
    "finish": _ffmpeg("moov_at_end", "MB", "Finishing"),
    "upload": Case(_at("medium", "MB", "Uploading"), faults={"bandwidth_bytes_s": SLOW_BYTES_S}),
    "flood wait": Case(_refused, refusal="FLOOD_WAIT_6"),
    "long flood wait": Case(_refused, refusal="FLOOD_WAIT_12"),
    "slow mode": Case(_at("progressive", "MB", "slow down in this"), refusal="SLOWMODE_WAIT_60"),
    "trying again": Case(_at("unavailable", None, "Trying again")),
    "no disk space": Case(_at("medium", "MB", "disk space"), is_behind=True),
}


# the play


async def main(options: argparse.Namespace) -> int:
    home = Path(tempfile.mkdtemp(prefix="cancels-"))
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    tallies: dict[str, Tally] = {}
    async with video_site.running(media) as site:
        for name in options.stage or CASES:
            tallies[name] = Tally()
            async with _bot(site, home / name.replace(" ", "-"), CASES[name]) as stage:
                if stage is not None:
                    await played(stage, CASES[name], tallies[name], options)
            say(f"{name}: {''.join(tallies[name].row)}")
    say(table(tallies))
    say(f"files: {home}")
    return int(any(tally.left for tally in tallies.values()))


@asynccontextmanager
async def _bot(site: VideoSite, home: Path, case: Case) -> AsyncIterator[Stage | None]:
    """A bot for one stage; None where a small disk is needed and cannot be made."""
    path, wait = waiting_ffmpeg(home)
    if case.waits:
        wait.touch()
    async with AsyncExitStack() as stack:
        if case is CASES["no disk space"] and not stack.enter_context(
            small_disk.mounted_if_allowed(home / "bot/data", DISK_BYTES)
        ):
            say("no right to mount: no job waits for disk space")
            yield None
            return
        settings = {"MAX_DOWNLOADS": SLOTS, "MAX_UPLOADS": SLOTS, "PATH": path, **case.settings}
        stage = await stack.enter_async_context(stages.alone(site, home, **settings))
        if case.is_behind:
            ahead = replace(stage, user=AHEAD)
            await _at("stalled", "MB", "Downloading", hold="")(ahead, "ahead")
        yield stage


async def played(stage: Stage, case: Case, tally: Tally, options: argparse.Namespace) -> None:
    """Cancel so many jobs, some at a time."""
    others = frozenset(process.pid for process in stage.workers())
    await stage.dc.faults(**case.faults)
    if case.refusal:
        await stage.dc.fail_calls("messages.sendMedia", 420, case.refusal, times=10**6)
    at_once = min(options.at_once, case.at_once)
    for begun in range(0, options.times, at_once):
        count = min(at_once, options.times - begun)
        people = [replace(stage, user=user) for user in FRIENDS[:count]]
        await _batch(people, case, tally)
        try:
            await no_workers(stage, but=others)
        except TimeoutError:
            tally.left += [str(process) for process in stage.workers() if process.pid not in others]


async def _batch(people: list[Stage], case: Case, tally: Tally) -> None:
    async with asyncio.TaskGroup() as tasks:
        reached = [tasks.create_task(case.reach(one, next(_names))) for one in people]
    async with asyncio.TaskGroup() as tasks:
        for one, task in zip(people, reached, strict=True):
            tasks.create_task(_cancelled(one, task.result(), tally))


async def _cancelled(stage: Stage, to: int, tally: Tally) -> None:
    """Cancel a job and note what came of it: the words, or the file, and never both."""
    try:
        end = await cancelled(stage, to, says_so_s=SAYS_SO_S)
    except TimeoutError as error:
        tally.left.append(str(error))
        return
    tally.ends.append(end)
    files = [m for m in await stage.dc.messages(stage.user) if m.reply_to == to and m.media]
    if len(files) != int(not end.is_cancelled):
        tally.left.append(f"{len(files)} files of a job that ended with {end.said.text!r}")


def table(tallies: Mapping[str, Tally]) -> str:
    """One line for each stage; seconds are the worst."""
    names = ["times", "cancelled", "delivered", "left", "answered", "said", "gone"]
    lines = [" ".join([f"{'':16}", *(f"{name:>9}" for name in names)])]
    for name, tally in tallies.items():
        lines.append(" ".join([f"{name:16}", *tally.row]))
        lines += [f"  {words}" for words in tally.left]
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50, help="in each stage")
    parser.add_argument("--at-once", type=int, default=5, choices=range(1, SLOTS + 1))
    parser.add_argument("--stage", choices=CASES, action="append", help="this one alone")
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(parser.parse_args())))
