"""The composition root: opens every part, wires them, runs until asked to stop, closes in order."""

import asyncio
import ctypes
import fcntl
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiofiles
import psutil
from pyrogram import Client

from config.log import job_id
from config.sections import Settings, TelegramSection
from userbot.domain.jobs import JobId
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.domain.records import FairLimits, Lane
from userbot.errors import (
    AlreadyRunningError,
    DeliveryError,
    InfrastructureError,
    LoginRefusedError,
    ToolError,
)
from userbot.pool.pool import ProcessPool
from userbot.pool.settings import PoolSettings
from userbot.ports import JobStore
from userbot.services.access import Access, OwnerCode
from userbot.services.delivery import Delivery, Limits
from userbot.services.folders import Folders
from userbot.services.intake import Intake
from userbot.services.jobs import Jobs
from userbot.services.kit import Kit
from userbot.services.line import Line
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs
from userbot.telegram import client as telegram
from userbot.telegram import router, texts
from userbot.telegram.api import Api
from userbot.telegram.chat import TelegramChat
from userbot.telegram.early import EarlyUploads
from userbot.telegram.governor import Governor
from userbot.telegram.handlers.buttons import ButtonHandler
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.links import LinkHandler
from userbot.telegram.handlers.queue import QueueHandler
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploader import UploaderSettings
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)

HEARTBEAT_S = 30.0
FORGET_EVERY_S = 3600.0
KEPT = timedelta(days=30)
EXIT_AT_ONCE = 1
LAST_WORDS_S = 10.0  # for telling every open chat that the bot stops
QUICK_SLOTS = 2  # beside MAX_DOWNLOADS, for what is done in a moment
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
    return exit_code


async def check_login(section: TelegramSection) -> str:
    """Log in once and return the bot's user name. Raises LoginRefusedError or DeliveryError."""
    return await telegram.check_login(_login(section))


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
        open_database(paths.data_dir / "userbot.db") as database,
        ProcessPool.open(_pool_settings(settings)) as pool,
        asyncio.TaskGroup() as tasks,
    ):
        bot = _compose(settings, SqliteJobs(database), pool, tasks)
        access = Access(settings.access.owner_ids, settings.access.users, settings.access.chats)
        code = OwnerCode(secrets.token_urlsafe(12), access, save_owner)
        _route(settings, bot, access, code)
        await bot.jobs.resume()
        await telegram.start(bot.client)
        await bot.jobs.reopen()
        _introduce(bot.client, access, code)
        background = (
            tasks.create_task(bot.queue.serve()),
            tasks.create_task(bot.kit.line.serve()),
            tasks.create_task(_forget(bot.kit.store)),
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


@dataclass(frozen=True, slots=True)
class _Bot:
    """The parts that meet each other in more than one place."""

    client: Client
    api: Api
    uploads: Uploads
    reporter: Reporter
    kit: Kit
    offers: Offers
    queue: Queue
    jobs: Jobs
    intake: Intake


def _compose(
    settings: Settings, store: JobStore, pool: ProcessPool, tasks: asyncio.TaskGroup
) -> _Bot:
    """Make the parts and give each what it works with."""
    paths, work = settings.paths, settings.work
    client = telegram.make_client(_login(settings.telegram), paths.sessions_dir)
    api = Api(client, Governor(time.monotonic))
    ceiling = UploaderSettings(max_connections=work.upload_connections)
    uploads = Uploads(client, tasks, ceiling, work.stall_timeout_s)
    reporter = Reporter(api, uploads, tasks, time.monotonic, store.note_status)
    chat = TelegramChat(api, reporter, uploads, EarlyUploads(uploads, tasks))
    slots = _slots(settings)
    kit = Kit(store, chat, Folders(paths.data_dir / "jobs"), Line(store, chat, _now, slots), _now)
    offers = Offers(kit, tasks, work.menu_timeout_s)
    delivery = Delivery(kit, pool, offers, _limits(settings), lambda: secrets.randbits(63))
    fair = FairLimits(per_user=work.max_downloads, per_chat=work.max_downloads)
    queue = Queue(store, delivery.work, slots=slots, limits=fair, now=_now, log_id=job_id)
    return _Bot(
        client=client,
        api=api,
        uploads=uploads,
        reporter=reporter,
        kit=kit,
        offers=offers,
        queue=queue,
        jobs=Jobs(kit, queue, offers, tasks),
        intake=Intake(kit, queue, lambda: JobId(secrets.token_hex(4)), work.max_user_jobs),
    )


def _route(settings: Settings, bot: _Bot, access: Access, code: OwnerCode) -> None:
    """Connect what Telegram tells with who answers it."""
    allow, max_links = settings.net.egress_allow, settings.work.max_links
    strangers = Strangers(bot.api)
    router.register(
        bot.client,
        CommandHandler(bot.api, access, strangers, code),
        QueueHandler(bot.api, access, strangers, bot.jobs),
        LinkHandler(bot.api, access, strangers, bot.intake, allow, max_links),
        ButtonHandler(bot.api, access, bot.jobs, bot.offers, bot.queue),
    )


async def _drain(bot: _Bot, grace_s: float) -> None:
    """Accept nothing more, let jobs finish for a while, and tell the others how they go on."""
    bot.intake.close()
    bot.offers.close()
    await bot.queue.drain(grace_s)
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
        log.warning("no owner yet; become it here: https://t.me/%s?start=%s", name, code.code)


async def _forget(store: JobStore) -> None:
    """Once an hour, drop the jobs that ended long ago."""
    while True:
        try:
            await store.forget_ended(_now() - KEPT)
        except InfrastructureError:
            log.exception("old jobs were not forgotten")
        await asyncio.sleep(FORGET_EVERY_S)


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


def _login(section: TelegramSection) -> telegram.Login:
    server = section.server
    return telegram.Login(
        section.api_id,
        section.api_hash.get_secret_value(),
        section.bot_token.get_secret_value(),
        telegram.Server(server.host, server.port, server.public_key) if server else None,
    )


def _pool_settings(settings: Settings) -> PoolSettings:
    work = settings.work
    return PoolSettings(
        tools_dir=settings.paths.data_dir / "bin",
        extract_slots=max(work.max_downloads, 4),
        download_slots=work.max_downloads + QUICK_SLOTS,
        extract_deadline_s=work.extract_timeout_s,
        download_deadline_s=work.job_timeout_s,
        stall_s=work.stall_timeout_s,
        limit_bytes=MAX_UPLOAD_BYTES,
    )


def _slots(settings: Settings) -> dict[Lane, int]:
    downloads = settings.work.max_downloads
    return {Lane.INSPECT: max(downloads, 4), Lane.QUICK: QUICK_SLOTS, Lane.DELIVER: downloads}


def _limits(settings: Settings) -> Limits:
    work = settings.work
    return Limits(MAX_UPLOAD_BYTES, work.job_timeout_s, work.max_uploads)


def _now() -> datetime:
    return datetime.now(UTC)
