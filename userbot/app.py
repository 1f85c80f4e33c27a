"""The composition root: opens every part, wires them, runs until asked to stop, closes in order."""

import asyncio
import ctypes
import fcntl
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiofiles
import psutil
from pyrogram import Client

from config.sections import Settings, TelegramSection
from userbot.assembly.databases import open_store, open_volatile
from userbot.assembly.parts import Bot, Outside, compose
from userbot.assembly.routes import route
from userbot.assembly.settings import egress_settings, login_of, pool_settings
from userbot.egress.gate import Egress
from userbot.errors import (
    AlreadyRunningError,
    DeliveryError,
    InfrastructureError,
    LoginEndedError,
    LoginRefusedError,
    ToolError,
)
from userbot.pool.pool import ProcessPool
from userbot.services.access import Access, OwnerCode
from userbot.telegram import client as telegram
from userbot.telegram import texts
from userbot.telegram.ended import ended

log = logging.getLogger(__name__)

T = TypeVar("T")

HEARTBEAT_S = 30.0
STOP_MARK = "stopping"  # a file in DATA_DIR
EXIT_AT_ONCE = 1
LAST_WORDS_S = 10.0  # for telling every chat how its jobs ended, or that the bot stops
PR_SET_DUMPABLE = 4  # prctl(2)


async def serve(settings: Settings, save_owner: Callable[[int], None]) -> int:
    """Run the bot until SIGTERM or Ctrl-C; return the exit code.

    save_owner is called at most once, with the user who redeemed the one-time code.
    """
    stopping = _stop_signal(settings.paths.data_dir / STOP_MARK)
    exit_code = 0
    try:
        async with _bot(settings, save_owner, stopping) as client:
            await _until_the_end(client, stopping)
            log.info("stopping; open jobs get %.0f s", settings.work.drain_s)
    except* _StoppedError:
        log.info("stopped before Telegram had let the bot in")
    except* AlreadyRunningError as taken:
        log.critical("another bot runs with this DATA_DIR: %s", taken.exceptions[0])
        exit_code = 2
    except* LoginRefusedError as refused:
        log.critical("Telegram does not accept API id, hash or token: %s", refused.exceptions[0])
        exit_code = 2
    except* LoginEndedError as over:
        log.critical("Telegram ended the login; the next start makes one: %s", over.exceptions[0])
        exit_code = 1
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
async def _bot(
    settings: Settings, save_owner: Callable[[int], None], stopping: asyncio.Event
) -> AsyncIterator[Client]:
    """Run everything for the block; then the open jobs finish, or wait for the next start.

    Raises _StoppedError when stopping is set before the bot has logged in.
    """
    _protect_memory()
    paths = settings.paths
    for folder in (paths.data_dir, paths.sessions_dir):
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    os.chdir(paths.data_dir)  # where a library may leave what it likes
    async with (
        only_one(paths.data_dir),
        open_store(settings) as stores,
        open_volatile(settings) as volatile,
        Egress.open(egress_settings(settings)) as egress,
        ProcessPool.open(pool_settings(settings), egress.passage) as pool,
        asyncio.TaskGroup() as tasks,
    ):
        bot = compose(settings, Outside(stores, volatile, pool, tasks, _now))
        access = bot.access
        code = OwnerCode(secrets.token_urlsafe(12), access, save_owner)
        route(settings, bot, code)
        await bot.decisions.load()
        await bot.jobs.resume(was_stopped=await asyncio.to_thread(_was_stopped, paths.data_dir))
        await _unless(stopping, telegram.start(bot.client))
        await bot.jobs.reopen()
        _introduce(bot.client, access, code)
        background = [tasks.create_task(work) for work in _background(settings, bot)]
        grace_s = settings.work.drain_s
        try:
            yield bot.client
        except LoginEndedError:
            grace_s = 0  # nothing can be sent any more
            raise
        finally:
            await _drain(bot, grace_s)
            for task in background:
                task.cancel()
            await telegram.stop(bot.client)


async def _until_the_end(client: Client, stopping: asyncio.Event) -> None:
    """Return when the bot shall stop. Raises LoginEndedError when it cannot go on."""
    try:
        code = await _unless(stopping, ended(client))
    except _StoppedError:
        return
    raise LoginEndedError(code)


async def _unless(stopping: asyncio.Event, work: Coroutine[None, None, T]) -> T:
    """Return what work returns. Raises _StoppedError when stopping is set before that.

    Work that Pyrogram does not let go of at once is left to itself: the process ends anyway.
    """
    working = asyncio.create_task(work)  # noqa: TID251  a TaskGroup would wait for it
    stop = asyncio.create_task(stopping.wait())  # noqa: TID251
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _StoppedError
        return working.result()
    finally:
        working.cancel()
        stop.cancel()


class _StoppedError(Exception):
    """The bot was asked to stop while it waited for something else."""


def _background(settings: Settings, bot: Bot) -> Iterator[Coroutine[None, None, None]]:
    """Yield what goes on as long as the bot runs."""
    yield bot.queue.serve()
    yield bot.waker.serve()
    yield bot.board.serve()
    yield bot.kit.line.serve()
    yield bot.disk.serve()
    yield bot.endings.serve()
    yield bot.jobs.serve()
    yield bot.retention.serve()
    yield bot.api.moves.look(settings.access.chats)
    yield telegram.set_commands(bot.client, texts.COMMANDS)
    yield _beat(bot.client, settings.paths.data_dir / "heartbeat")


async def _drain(bot: Bot, grace_s: float) -> None:
    """Accept nothing more, let jobs finish for a while, and tell the others how they go on."""
    bot.intake.close()
    bot.offers.close()
    await bot.queue.drain(grace_s)
    await bot.jobs.pause()
    bot.errands.close()  # until then Cancel works
    clock = asyncio.get_running_loop().time
    until_s = clock() + LAST_WORDS_S
    await bot.jobs.finish(LAST_WORDS_S)
    await bot.reporter.close(max(until_s - clock(), 0))
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
        log.error(
            "no owner yet; open this link to become the owner: https://t.me/%s?start=%s",
            name,
            code.code,
        )


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


def _was_stopped(data_dir: Path) -> bool:
    """Say whether the run before was asked to end; what it worked on may have been cut short."""
    mark = data_dir / STOP_MARK
    was_stopped = mark.exists()
    mark.unlink(missing_ok=True)
    return was_stopped


def _stop_signal(mark: Path) -> asyncio.Event:
    """Return what SIGTERM and Ctrl-C set; mark is made then, for the next start to find."""
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(EXIT_AT_ONCE)  # asked twice: workers notice, and open jobs go on next time
        stopping.set()
        with suppress(OSError):  # then jobs that are cut short count it as a crash
            mark.touch()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    return stopping


def _protect_memory() -> None:
    """Keep other processes of this user, workers above all, from reading the token in ours."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _now() -> datetime:
    return datetime.now(UTC)
