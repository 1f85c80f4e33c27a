"""Kills the bot with -9 at random moments of jobs of every kind, and counts what arrives.

    python -m tests.benchmarks.kill_matrix --rounds 50

Every round sends one link, kills the bot once or twice while the job runs, starts it again and
waits for the end. Prints how many jobs were lost, delivered twice, and what was left behind.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

import psutil

from tests import video_site
from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

KINDS: tuple[tuple[str, dict[str, int]], ...] = (
    ("progressive", {}),
    ("medium", {"rate": 20_000_000}),
    ("hls", {}),
    ("dash", {}),
    ("page", {}),
    ("moov_at_end", {}),
)
JOB_TIMEOUT_S = 90


async def main(rounds: int, seed: int) -> int:
    chance = random.Random(seed)
    home = Path(tempfile.mkdtemp(prefix="kill-matrix-"))
    lost = twice = orphans = unseen = 0
    media = Path(tempfile.gettempdir()) / "userbot-video-site"
    async with (
        video_site.running(media) as site,
        telegram_dc.running(home / "dc", flood_limits=False) as dc,
    ):
        for user in stages.FRIENDS:
            await dc.user(user, f"User {user}", started=True)
        for number in range(rounds):
            user = stages.FRIENDS[number % len(stages.FRIENDS)]
            files, was_seen = await one_round(dc, site, home / "bot", user, number, chance)
            unseen += not was_seen
            lost += was_seen and files == 0
            twice += files > 1
            left = workers_left()
            orphans += len(left)
            sys.stdout.write(f"round {number}: {files} file(s), {len(left)} process(es) left\n")
            sys.stdout.flush()
        folders = [path.name for path in (home / "bot/data/jobs").iterdir()]
    sys.stdout.write(
        f"{rounds} rounds: {unseen} never seen, {lost} lost, {twice} delivered twice, "
        f"{orphans} orphan processes, {len(folders)} orphan folders\n"
    )
    return int(bool(lost or twice or orphans or folders))


async def one_round(dc, site, home, user, number, chance) -> tuple[int, bool]:
    """Return how many files arrived, and whether the bot had said that it saw the link."""
    name, query = chance.choice(KINDS)
    to = None
    for life in range(chance.randint(2, 3)):
        async with stages.running(dc, site, home) as stage:
            stage.user = user
            if to is None:
                to = await stage.send_link(name, n=number, **query)
            moment_s = chance.uniform(0.0, 2.5)
            await drive(stage, to, moment_s)
            if life < 2 and stage.process.returncode is None:
                stage.process.send_signal(signal.SIGKILL)
                await stage.process.wait()
    async with stages.running(dc, site, home) as stage:
        stage.user = user
        await drive(stage, to, JOB_TIMEOUT_S)
    files = [m for m in await dc.messages(user) if m.reply_to == to and stages.is_file(m)]
    return len(files), bool(await dc.reactions(user, to))


async def drive(stage, to, seconds) -> None:
    """Press the menu when it appears and wait for the end, for so long at most."""
    try:
        async with asyncio.timeout(seconds):
            menu = await stage.dc.wait_message(
                stage.user,
                lambda m: m.out and m.reply_to == to and (len(m.buttons) > 1 or is_end(m)),
                timeout_s=seconds + 1,
            )
            if len(menu.buttons) > 1:
                await stage.press(menu, menu.buttons[0][0].data)
            await stage.file(to, timeout_s=seconds + 1)
            await stage.dc.wait_message(
                stage.user,
                lambda m: m.out and m.reply_to == to and m.deleted,
                timeout_s=seconds + 1,
            )
    except TimeoutError:
        pass


def is_end(message) -> bool:
    return stages.is_file(message) or not message.buttons


def workers_left() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "userbot.worker" in command:
            found.append(process)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.rounds, options.seed)))
