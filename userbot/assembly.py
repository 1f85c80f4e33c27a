"""Makes every part of the bot and gives each what it works with."""

import asyncio
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pyrogram import Client

from config.log import job_id
from config.sections import Settings, TelegramSection
from userbot.domain.jobs import JobId
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.domain.records import FairLimits, Lane
from userbot.mongo.jobs import open_jobs
from userbot.pool.pool import ProcessPool
from userbot.pool.settings import PoolSettings
from userbot.ports import JobStore
from userbot.services.access import Access, OwnerCode
from userbot.services.delivery import Delivery, Steps
from userbot.services.disk import Disk
from userbot.services.endings import Endings
from userbot.services.fetching import Fetching
from userbot.services.folders import Folders
from userbot.services.inspection import Inspection
from userbot.services.intake import Intake
from userbot.services.jobs import Jobs
from userbot.services.kit import Kit
from userbot.services.limits import Limits
from userbot.services.line import Line
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.services.refused import Refused
from userbot.services.sending import Sending
from userbot.sqlite.database import open_database
from userbot.sqlite.jobs import SqliteJobs
from userbot.telegram import client as telegram
from userbot.telegram import router
from userbot.telegram.api import Api
from userbot.telegram.chat import TelegramChat
from userbot.telegram.early import EarlyUploads
from userbot.telegram.governor import Governor
from userbot.telegram.handlers.buttons import ButtonHandler
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.links import LinkHandler
from userbot.telegram.handlers.presses import EndedJobPresses, OpenJobPresses
from userbot.telegram.handlers.queue import Lists, QueueHandler
from userbot.telegram.handlers.reports import Reports
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploader import UploaderSettings
from userbot.telegram.uploads import Uploads

MONGO_DATABASE = "userbot"
QUICK_SLOTS = 2  # beside MAX_DOWNLOADS, for what is done in a moment


@dataclass(frozen=True, slots=True)
class Bot:
    """The parts that meet each other in more than one place."""

    client: Client
    api: Api
    uploads: Uploads
    reporter: Reporter
    kit: Kit
    offers: Offers
    queue: Queue
    endings: Endings
    errands: Errands
    jobs: Jobs
    intake: Intake


def compose(
    settings: Settings,
    store: JobStore,
    pool: ProcessPool,
    tasks: asyncio.TaskGroup,
    now: Callable[[], datetime],
) -> Bot:
    """Make the parts and give each what it works with."""
    paths, work = settings.paths, settings.work
    client = telegram.make_client(login_of(settings.telegram), paths.sessions_dir)
    api = Api(client, Governor(time.monotonic), tasks)
    ceiling = UploaderSettings(max_connections=work.upload_connections)
    uploads = Uploads(client, tasks, ceiling, work.stall_timeout_s)
    reporter = Reporter(
        *(api, uploads, tasks, time.monotonic, store.note_status),
        on_gone=lambda job, error: jobs.gone(job, error),
    )
    chat = TelegramChat(api, reporter, uploads, EarlyUploads(uploads, tasks))
    slots = _slots(settings)
    jobs_dir = paths.data_dir / "jobs"
    kit = Kit(store, chat, Folders(jobs_dir), Line(store, chat, now, slots), now)
    endings = Endings(kit, tasks)
    offers = Offers(kit, endings, tasks, work.menu_timeout_s)
    refused = Refused(now)
    limits = Limits(MAX_UPLOAD_BYTES, work.job_timeout_s, work.max_uploads)
    steps = Steps(
        Inspection(kit, pool, offers, refused, limits),
        Fetching(kit, pool, Disk(jobs_dir, work.disk_reserve_bytes, shutil.disk_usage), limits),
        Sending(kit, limits, lambda: secrets.randbits(63)),
    )
    delivery = Delivery(kit, steps, endings)
    fair = FairLimits(
        per_user=work.max_user_downloads or work.max_downloads,
        per_chat=work.max_chat_downloads or work.max_downloads,
    )
    queue = Queue(store, delivery.work, slots=slots, limits=fair, now=now, log_id=job_id)
    intake = Intake(kit, queue, refused, lambda: JobId(secrets.token_hex(4)), work.max_user_jobs)
    jobs = Jobs(kit, queue, intake, offers, endings, tasks)
    return Bot(
        client=client,
        api=api,
        uploads=uploads,
        reporter=reporter,
        kit=kit,
        offers=offers,
        queue=queue,
        endings=endings,
        errands=Errands(tasks),
        jobs=jobs,
        intake=intake,
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[JobStore]:
    """Open what keeps the queue. Raises InfrastructureError when it cannot be used."""
    url = settings.store.mongo_url
    if url is not None:
        async with open_jobs(url.get_secret_value(), MONGO_DATABASE) as jobs:
            yield jobs
        return
    async with open_database(settings.paths.data_dir / "userbot.db") as database:
        yield SqliteJobs(database)


def route(settings: Settings, bot: Bot, access: Access, code: OwnerCode) -> None:
    """Connect what Telegram tells with who answers it."""
    api, jobs, errands = bot.api, bot.jobs, bot.errands
    strangers, rights = Strangers(api, access), Rights(api, access)
    lists = Lists(api, access, jobs, bot.reporter.latest)
    router.register(
        bot.client,
        CommandHandler(api, access, strangers, code, errands),
        QueueHandler(strangers, lists),
        LinkHandler(
            *(api, strangers, bot.intake, errands),
            settings.net.egress_allow,
            settings.work.max_links,
        ),
        ButtonHandler(
            *(api, errands, rights),
            OpenJobPresses(rights, jobs, bot.offers, bot.queue),
            EndedJobPresses(rights, jobs, Reports(api, access, time.monotonic)),
            lists,
        ),
    )


def login_of(section: TelegramSection) -> telegram.Login:
    """Return what the client logs in with."""
    server = section.server
    return telegram.Login(
        section.api_id,
        section.api_hash.get_secret_value(),
        section.bot_token.get_secret_value(),
        telegram.Server(server.host, server.port, server.public_key) if server else None,
    )


def pool_settings(settings: Settings) -> PoolSettings:
    """Return the bounds of the process pool."""
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
