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
from userbot.egress.gate import EgressSettings
from userbot.memory.volatile import in_memory
from userbot.mongo import stores as mongo
from userbot.pool.pool import ProcessPool
from userbot.pool.settings import PoolSettings
from userbot.ports.durable import Stores
from userbot.ports.volatile import Volatile
from userbot.redis.fallback import open_redis
from userbot.services.access import Access, OwnerCode
from userbot.services.accounts import Accounts
from userbot.services.allowance import Allowance
from userbot.services.board import Board
from userbot.services.bringing import Bringing
from userbot.services.delivery import Delivery, Steps
from userbot.services.disk import Disk
from userbot.services.endings import Endings
from userbot.services.fetching import QUICK_AT_ONCE, Fetching
from userbot.services.folders import Folders
from userbot.services.history import Chronicle, Past
from userbot.services.inspection import Inspection
from userbot.services.intake import Intake
from userbot.services.jobs import Jobs
from userbot.services.kit import Kit
from userbot.services.known_files import KnownFiles
from userbot.services.known_pages import KnownPages
from userbot.services.limits import Limits
from userbot.services.line import Line
from userbot.services.numbers import Overview
from userbot.services.offers import Offers
from userbot.services.people import People
from userbot.services.queue import Queue
from userbot.services.quota import DailyQuota
from userbot.services.reading import Reading
from userbot.services.refused import Refused
from userbot.services.retention import Retention
from userbot.services.sending import Sending
from userbot.services.shared import Shared
from userbot.services.wakes import Waker
from userbot.sqlite import stores as sqlite
from userbot.telegram import client as telegram
from userbot.telegram import router
from userbot.telegram.api import Api
from userbot.telegram.chat import TelegramChat
from userbot.telegram.early import EarlyUploads
from userbot.telegram.governor import Governor
from userbot.telegram.handlers.buttons import ButtonHandler, Presses
from userbot.telegram.handlers.commands import CommandHandler
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.handlers.history import Again, Histories, Means
from userbot.telegram.handlers.links import LinkHandler, LinkRules
from userbot.telegram.handlers.mydata import Documents, MyData
from userbot.telegram.handlers.own import OwnCommands, OwnersNumbers, OwnPresses
from userbot.telegram.handlers.pace import Pace
from userbot.telegram.handlers.presses import EndedJobPresses, OpenJobPresses
from userbot.telegram.handlers.queue import Lists, QueueHandler
from userbot.telegram.handlers.reports import Reports
from userbot.telegram.handlers.rights import Rights
from userbot.telegram.handlers.strangers import Strangers
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploader import UploaderSettings
from userbot.telegram.uploads import Uploads

MONGO_DATABASE = "userbot"
QUICK_CLAIMS = 16  # of what is done in a moment; few of them fetch at the same time
QUICK_LIMITS = FairLimits(per_user=2, per_chat=4)


@dataclass(frozen=True, slots=True)
class Bot:
    """The parts that meet each other in more than one place."""

    client: Client
    access: Access
    api: Api
    uploads: Uploads
    reporter: Reporter
    kit: Kit
    disk: Disk
    offers: Offers
    queue: Queue
    waker: Waker
    board: Board
    endings: Endings
    errands: Errands
    jobs: Jobs
    intake: Intake
    past: Past
    accounts: Accounts
    retention: Retention
    overview: Overview
    stores: Stores
    allowance: Allowance
    quota: DailyQuota


def compose(
    settings: Settings,
    stores: Stores,
    volatile: Volatile,
    pool: ProcessPool,
    tasks: asyncio.TaskGroup,
    now: Callable[[], datetime],
) -> Bot:
    """Make the parts and give each what it works with."""
    paths, work, store = settings.paths, settings.work, stores.jobs
    bot_id = settings.telegram.bot_id
    client = telegram.make_client(login_of(settings.telegram), paths.sessions_dir)
    api = Api(client, Governor(time.monotonic), tasks)
    uploads = Uploads(client, tasks, _ceiling(settings), work.stall_timeout_s)
    reporter = Reporter(
        *(api, uploads, tasks, time.monotonic, store.note_status),
        on_gone=lambda job, error: jobs.gone(job, error),
    )
    chat = TelegramChat(api, reporter, uploads, EarlyUploads(uploads, tasks))
    slots = _slots(settings)
    jobs_dir = paths.data_dir / "jobs"
    who = settings.access
    access = Access(who.owner_ids, who.users, who.chats, trusted=who.trusted, banned=who.banned)
    people = People(access, stores.users, tasks, time.monotonic)
    quota = DailyQuota(stores.quotas, store, settings.limits, people, now)
    kit = Kit(
        store=store,
        chat=chat,
        folders=Folders(jobs_dir),
        line=Line(store, chat, now, slots),
        shared=Shared(store, chat, now),
        files=KnownFiles(volatile.cache, stores.history, bot_id),
        now=now,
    )
    chronicle = Chronicle(stores.history, stores.errors, bot_id)
    endings = Endings(kit, tasks, chronicle)
    offers = Offers(kit, endings, tasks, work.menu_timeout_s)
    refused = Refused(now)
    limits = Limits(MAX_UPLOAD_BYTES, work.job_timeout_s, work.max_uploads)
    disk = Disk(jobs_dir, work.disk_reserve_bytes, shutil.disk_usage)
    pages = KnownPages(volatile.cache, now)
    reading = Reading(kit, pool, pages, limits)
    sending = Sending(kit, limits, lambda: secrets.randbits(63), quota.took)
    steps = Steps(
        Inspection(kit, reading, offers, refused),
        Bringing(kit, Fetching(kit, pool, reading, disk, limits), sending),
        sending,
    )
    delivery = Delivery(kit, steps, endings)
    queue = Queue(
        *(store, delivery.work),
        slots=slots,
        limits=_fair_limits(settings),
        now=now,
        log_id=job_id,
    )
    waker = Waker(queue.wake, volatile.wakeups, tasks)
    intake = Intake(
        *(kit, waker, refused, pages),
        lambda: JobId(secrets.token_hex(4)),
        lambda user_id: None if access.is_owner(user_id) else work.max_user_jobs,
    )
    jobs = Jobs(kit, queue, intake, offers, endings, tasks)
    return Bot(
        client=client,
        access=access,
        api=api,
        uploads=uploads,
        reporter=reporter,
        kit=kit,
        disk=disk,
        offers=offers,
        queue=queue,
        waker=waker,
        board=Board(volatile.live, reporter.working),
        endings=endings,
        errands=Errands(tasks),
        jobs=jobs,
        intake=intake,
        past=Past(stores.history, intake, bot_id),
        accounts=Accounts(stores, chronicle, now),
        retention=Retention(stores, settings.store.retention, now),
        overview=Overview(stores.statistics, stores.errors, now),
        stores=stores,
        allowance=Allowance(volatile.limiter, settings.limits, people),
        quota=quota,
    )


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Stores]:
    """Open what is durable. Raises InfrastructureError when it cannot be used."""
    url = settings.store.mongo_url
    if url is not None:
        secret, retention = url.get_secret_value(), settings.store.retention
        bot_id = settings.telegram.bot_id
        async with mongo.open_stores(secret, MONGO_DATABASE, retention, bot_id) as stores:
            yield stores
        return
    async with sqlite.open_stores(settings.paths.data_dir / "userbot.db") as stores:
        yield stores


@asynccontextmanager
async def open_volatile(settings: Settings) -> AsyncIterator[Volatile]:
    """Open what may be forgotten: in Redis with this process to fall back on, or here alone."""
    local, forget = in_memory(time.monotonic)
    url = settings.store.redis_url
    if url is None:
        yield local
        return
    bot_id = settings.telegram.bot_id
    async with open_redis(url.get_secret_value(), bot_id, local, forget) as volatile:
        yield volatile


def route(settings: Settings, bot: Bot, code: OwnerCode) -> None:
    """Connect what Telegram tells with who answers it."""
    api, jobs, errands, access = bot.api, bot.jobs, bot.errands, bot.access
    pace = Pace(api, access, bot.allowance, bot.quota)
    api.moves.tell(access.moved)
    strangers, rights = Strangers(api, access), Rights(api, access)
    lists = Lists(api, access, jobs, bot.reporter.latest, bot.board)
    means = Means(bot.kit.chat, bot.past, jobs, bot.quota)
    histories = Histories(api, strangers, access, Again(api, means, access, errands), errands)
    documents = Documents(api, bot.uploads, bot.kit.folders)
    data = MyData(api, access, strangers, bot.accounts, documents, errands)
    rules = LinkRules(settings.net.egress_allow, settings.work.max_links)
    handlers = router.Handlers(
        CommandHandler(api, access, strangers, code, errands),
        QueueHandler(strangers, lists),
        LinkHandler(api, strangers, pace, bot.intake, errands, rules),
        ButtonHandler(
            *(api, errands, pace, rights),
            Presses(
                OpenJobPresses(rights, jobs, bot.offers, bot.queue),
                EndedJobPresses(rights, jobs, Reports(api, access, time.monotonic)),
                OwnPresses(histories, data),
            ),
            lists,
        ),
        OwnCommands(
            *(strangers, errands, histories, data),
            OwnersNumbers(api, access, bot.overview),
        ),
    )
    router.register(bot.client, pace, handlers)


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
        download_slots=work.max_downloads + QUICK_AT_ONCE,
        extract_deadline_s=work.extract_timeout_s,
        download_deadline_s=work.job_timeout_s,
        stall_s=work.stall_timeout_s,
        limit_bytes=MAX_UPLOAD_BYTES,
    )


def egress_settings(settings: Settings) -> EgressSettings:
    """Return what workers may reach, and how."""
    upstream = settings.net.site_proxy
    return EgressSettings(
        allow=settings.net.egress_allow,
        upstream=upstream.get_secret_value() if upstream else None,
    )


def _slots(settings: Settings) -> dict[Lane, int]:
    downloads = settings.work.max_downloads
    return {Lane.INSPECT: max(downloads, 4), Lane.QUICK: QUICK_CLAIMS, Lane.DELIVER: downloads}


def _ceiling(settings: Settings) -> UploaderSettings:
    return UploaderSettings(max_connections=settings.work.upload_connections)


def _fair_limits(settings: Settings) -> dict[Lane, FairLimits]:
    work = settings.work
    fair = FairLimits(
        per_user=work.max_user_downloads or work.max_downloads,
        per_chat=work.max_chat_downloads or work.max_downloads,
    )
    return {Lane.INSPECT: fair, Lane.QUICK: QUICK_LIMITS, Lane.DELIVER: fair}
