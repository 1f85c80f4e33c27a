"""The play: a Telegram, a video site, and the unmodified `run.py` between them."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from config.settings import NAMES, NOT_YET
from tests import telegram_dc, video_site
from tests.demo.folders import media_cache
from tests.demo.interrupts import ctrl_c_held
from tests.telegram_dc import DataCentre
from tests.video_site import VideoSite

ROOT = Path(__file__).resolve().parents[2]
YOU = 1001
ONLINE_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15
SHOWN_LOG_LINES = 12


class BotEndedError(Exception):
    """The bot's process ended by itself; `str` tells with which words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is ready when the bot is online."""

    dc: DataCentre
    site: VideoSite


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Stage]:
    """Run everything for the block, in processes that end with it or with this process.

    Raises BotEndedError in a group when the bot ends, in the block or before.
    """
    async with video_site.running(media_cache(home / "media")) as site, _telegram(home) as dc:
        await dc.user(YOU, "You")
        async with _bot(dc, site, home):
            yield Stage(dc, site)


@asynccontextmanager
async def _telegram(home: Path) -> AsyncIterator[DataCentre]:
    starting = telegram_dc.running(home / "telegram")
    with ctrl_c_held():  # it must outlive the bot, which says goodbye to it
        dc = await starting.__aenter__()
    try:
        yield dc
    finally:
        await starting.__aexit__(None, None, None)


@asynccontextmanager
async def _bot(dc: DataCentre, site: VideoSite, home: Path) -> AsyncIterator[None]:
    log = home / "bot.log"
    process = await _start(_environment(dc, site, home), home, log)
    try:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_watch(process, log, dc))
            await dc.wait_online(ONLINE_TIMEOUT_S)
            yield
            watch.cancel()
    finally:
        await _stop(process)


def _environment(dc: DataCentre, site: VideoSite, home: Path) -> Mapping[str, str]:
    """Return the bot's environment, in which nobody's real bot has left anything."""
    settings = {
        "API_ID": str(dc.api_id),
        "API_HASH": dc.api_hash,
        "BOT_TOKEN": dc.bot_token,
        "OWNER_IDS": str(YOU),
        "TELEGRAM_SERVER": dc.address,
        "TELEGRAM_PUBLIC_KEY": str(dc.public_key),
        "DATA_DIR": str(home / "data"),
        "SESSIONS_DIR": str(home / "sessions"),
        "EGRESS_ALLOW": site.url.removeprefix("http://"),
        "DRAIN_S": "0",
    }
    foreign = {*NAMES, *NOT_YET}
    return {name: value for name, value in os.environ.items() if name not in foreign} | settings


async def _start(env: Mapping[str, str], home: Path, log: Path) -> Process:
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.demo.leash", str(os.getpid())),
            *(sys.executable, str(ROOT / "run.py"), "--env-file", str(home / "none.env")),
            cwd=ROOT,
            env=env,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the bot
        )


async def _watch(process: Process, log: Path, dc: DataCentre) -> None:
    code = await process.wait()
    lines = log.read_text(errors="replace").splitlines()[-SHOWN_LOG_LINES:]
    said = "\n".join(lines).replace(dc.bot_token, "(token)").replace(dc.api_hash, "(hash)")
    raise BotEndedError(f"the bot ended with code {code}. Its last words:\n{said}")


async def _stop(process: Process) -> None:
    """Ask for an orderly end; insist after a while, or at once when the demo is hurried."""
    if process.returncode is not None:
        return
    try:
        process.terminate()
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        pass  # killed below
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
