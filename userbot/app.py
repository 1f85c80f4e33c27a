"""The composition root: opens every part, wires them, runs until asked to stop, closes in order."""

import asyncio
import ctypes
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiofiles
import psutil
from pyrogram import Client

from config.log import job_id
from config.sections import Settings, TelegramSection
from userbot.domain.jobs import JobId
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.errors import DeliveryError, LoginRefusedError
from userbot.pool.pool import ProcessPool
from userbot.pool.settings import PoolSettings
from userbot.services.access import Access, OwnerCode
from userbot.services.delivery import Delivery, Limits
from userbot.services.folders import Folders
from userbot.services.jobs import Jobs
from userbot.services.offers import Offers
from userbot.telegram import client as telegram
from userbot.telegram import router, texts
from userbot.telegram.api import Api
from userbot.telegram.chat import TelegramChat
from userbot.telegram.governor import Governor
from userbot.telegram.handlers.buttons import ButtonHandler
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.links import LinkHandler
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)

HEARTBEAT_S = 30.0
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
    except* LoginRefusedError as refused:
        log.critical("Telegram does not accept API id, hash or token: %s", refused.exceptions[0])
        exit_code = 2
    except* DeliveryError as failed:
        log.critical("Telegram cannot be reached: %s", failed.exceptions[0])
        exit_code = 1
    return exit_code


async def check_login(section: TelegramSection) -> str:
    """Log in once and return the bot's user name. Raises LoginRefusedError or DeliveryError."""
    return await telegram.check_login(_login(section))


@asynccontextmanager
async def _bot(settings: Settings, save_owner: Callable[[int], None]) -> AsyncIterator[None]:
    """Run everything for the block; at its end the open jobs finish, or say why not."""
    _protect_memory()
    paths, work = settings.paths, settings.work
    folders = Folders(paths.data_dir / "jobs")
    await folders.sweep()
    os.chdir(paths.data_dir)  # pyrogram notes errors it does not know in the working directory
    await asyncio.to_thread(paths.sessions_dir.mkdir, mode=0o700, parents=True, exist_ok=True)
    client = telegram.make_client(_login(settings.telegram), paths.sessions_dir, work.max_uploads)
    async with ProcessPool.open(_pool_settings(settings)) as pool, asyncio.TaskGroup() as tasks:
        api = Api(client, Governor(time.monotonic))
        uploads = Uploads(client, tasks, work.stall_timeout_s)
        chat = TelegramChat(api, Reporter(api, uploads, tasks, time.monotonic), uploads)
        offers = Offers()
        delivery = Delivery(pool, chat, offers, folders, _limits(settings))
        jobs = Jobs(
            delivery.run,
            chat,
            tasks,
            new_id=lambda: JobId(secrets.token_hex(4)),
            max_per_user=work.max_user_jobs,
            log_id=job_id,
        )
        access = Access(settings.access.owner_ids, settings.access.users, settings.access.chats)
        code = OwnerCode(secrets.token_urlsafe(12), access, save_owner)
        strangers = Strangers(api)
        router.register(
            client,
            CommandHandler(api, access, strangers, code),
            LinkHandler(api, access, strangers, jobs, settings.net.egress_allow, work.max_links),
            ButtonHandler(api, jobs, offers),
        )
        await telegram.start(client)
        _introduce(client, access, code)
        background = (
            tasks.create_task(telegram.set_commands(client, texts.COMMANDS)),
            tasks.create_task(_beat(client, paths.data_dir / "heartbeat")),
        )
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await jobs.drain(work.drain_s)
            uploads.close()
            await telegram.stop(client)


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


async def _beat(client: Client, file: Path) -> None:
    """Write the time into a file as long as Telegram answers: a health check looks at it."""
    while True:
        if await telegram.answers(client):
            async with aiofiles.open(file, "w") as beat:
                await beat.write(datetime.now(UTC).isoformat())
        await asyncio.sleep(HEARTBEAT_S)


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
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
        download_slots=work.max_downloads,
        extract_deadline_s=work.extract_timeout_s,
        download_deadline_s=work.job_timeout_s,
        stall_s=work.stall_timeout_s,
        limit_bytes=MAX_UPLOAD_BYTES,
    )


def _limits(settings: Settings) -> Limits:
    work = settings.work
    return Limits(
        size_bytes=MAX_UPLOAD_BYTES,
        menu_timeout_s=work.menu_timeout_s,
        upload_timeout_s=work.job_timeout_s,
        uploads=work.max_uploads,
    )
