"""The composition root: opens every part, wires them, runs until asked to stop, closes in order."""

import asyncio
import ctypes
import fcntl
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiofiles
import psutil
from pyrogram import Client

from config.sections import Settings, TelegramSection
from userbot.assembly import (
    Bot,
    compose,
    egress_settings,
    login_of,
    open_store,
    open_volatile,
    pool_settings,
    route,
)
from userbot.egress.gate import Egress
from userbot.errors import (
    AlreadyRunningError,
    DeliveryError,
    InfrastructureError,
    LoginRefusedError,
    ToolError,
)
from userbot.pool.pool import ProcessPool
from userbot.services.access import Access, OwnerCode
from userbot.telegram import client as telegram
from userbot.telegram import texts

log = logging.getLogger(__name__)

HEARTBEAT_S = 30.0
EXIT_AT_ONCE = 1
LAST_WORDS_S = 10.0  # for telling every open chat that the bot stops
PR_SET_DUMPABLE = 4  # prctl(2)


async def serve(settings: Settings, save_owner: Callable[[int], None]) -> int:
    """Run the bot until SIGTERM or Ctrl-C; return the exit code.

    save_owner is called at most once, with the user who redeemed the one-time code.
    """
    stopping = _stop_signal()
    exit_code = 0
    try:
        async with _bot(settings, save_owner):
            await stopping.wait()
            log.info("stopping; open jobs get %.0f s", settings.work.drain_s)
    except* AlreadyRunningError as taken:
        log.critical("another bot runs with this DATA_DIR: %s", taken.exceptions[0])
        exit_code = 2
    except* LoginRefusedError as refused:
        log.critical("Telegram does not accept API id, hash or token: %s", refused.exceptions[0])
        exit_code = 2
    except* ToolError as missing:
        log.critical("something is missing: %s", missing.exceptions[0])
        exit_code = 1
    except* DeliveryError as failed:
        log.critical("Telegram cannot be reached: %s", failed.exceptions[0])
        exit_code = 1
    except* InfrastructureError as failed:
        log.critical("the bot cannot run: %s", failed.exceptions[0])
        exit_code = 1
    return exit_code


async def check_login(section: TelegramSection) -> str:
    """Log in once and return the bot's user name. Raises LoginRefusedError or DeliveryError."""
    return await telegram.check_login(login_of(section))


@asynccontextmanager
async def _bot(settings: Settings, save_owner: Callable[[int], None]) -> AsyncIterator[None]:
    """Run everything for the block; then the open jobs finish, or wait for the next start."""
    _protect_memory()
    paths = settings.paths
    for folder in (paths.data_dir, paths.sessions_dir):
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    os.chdir(paths.data_dir)  # pyrogram notes errors it does not know in the working directory
    async with (
        only_one(paths.data_dir),
        open_store(settings) as stores,
        open_volatile(settings) as volatile,
        Egress.open(egress_settings(settings)) as egress,
        ProcessPool.open(pool_settings(settings), egress.passage) as pool,
        asyncio.TaskGroup() as tasks,
    ):
        bot = compose(settings, stores, volatile, pool, tasks, _now)
        access = bot.access
        code = OwnerCode(secrets.token_urlsafe(12), access, save_owner)
        route(settings, bot, code)
        await bot.jobs.resume()
        await telegram.start(bot.client)
        await bot.jobs.reopen()
        _introduce(bot.client, access, code)
        background = (
            tasks.create_task(bot.queue.serve()),
            tasks.create_task(bot.waker.serve()),
            tasks.create_task(bot.board.serve()),
            tasks.create_task(bot.kit.line.serve()),
            tasks.create_task(bot.disk.serve()),
            tasks.create_task(bot.endings.serve()),
            tasks.create_task(bot.jobs.serve()),
            tasks.create_task(bot.retention.serve()),
            tasks.create_task(bot.api.moves.look(settings.access.chats)),
            tasks.create_task(telegram.set_commands(bot.client, texts.COMMANDS)),
            tasks.create_task(_beat(bot.client, paths.data_dir / "heartbeat")),
        )
        try:
            yield
        finally:
            await _drain(bot, settings.work.drain_s)
            for task in background:
                task.cancel()
            await telegram.stop(bot.client)


async def _drain(bot: Bot, grace_s: float) -> None:
    """Accept nothing more, let jobs finish for a while, and tell the others how they go on."""
    bot.intake.close()
    bot.offers.close()
    await bot.queue.drain(grace_s)
    bot.errands.close()  # until then Cancel works
    await bot.reporter.close(LAST_WORDS_S)
    bot.uploads.close()


@asynccontextmanager
async def only_one(data_dir: Path) -> AsyncIterator[None]:
    """Hold the folder for the block. Raises AlreadyRunningError when another bot holds it."""
    with (data_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunningError(str(data_dir)) from error
        yield


def _introduce(client: Client, access: Access, code: OwnerCode) -> None:
    """Say in the log who runs where, and how the first owner is found."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(".")
    log.info(
        "%s cores, %.1f GB memory, %.1f GB of disk free",
        *(psutil.cpu_count(), memory.total / 1e9, disk.free / 1e9),
    )
    name = client.me.username if client.me else None
    log.info("the bot runs as @%s", name)
    if not access.has_owner:
        # The highest level that LOG_LEVEL knows: without this line nobody can become the owner.
        log.error("no owner yet; become it here: https://t.me/%s?start=%s", name, code.code)


async def _beat(client: Client, file: Path) -> None:
    """Write the time into a file as long as Telegram answers: a health check looks at it."""
    while True:
        try:
            if await telegram.answers(client):
                async with aiofiles.open(file, "w") as beat:
                    await beat.write(_now().isoformat())
        except OSError:
            log.exception("no heartbeat")
        await asyncio.sleep(HEARTBEAT_S)


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(EXIT_AT_ONCE)  # asked twice: workers notice, and open jobs go on next time
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopping


def _protect_memory() -> None:
    """Keep other processes of this user, workers above all, from reading the token in ours."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _now() -> datetime:
    return datetime.now(UTC)
