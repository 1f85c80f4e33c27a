"""Makes every part and gives each what it works with."""

import asyncio
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pyrogram import Client

from config.log import job_id
from config.sections import Settings
from userbot.assembly.settings import fair_limits, login_of, slots, uploader_settings
from userbot.domain.jobs import JobId
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.pool.pool import ProcessPool
from userbot.ports import Chat
from userbot.ports.durable import Stores
from userbot.ports.volatile import Volatile
from userbot.services.access import Access
from userbot.services.accounts import Accounts
from userbot.services.allowance import Allowance
from userbot.services.board import Board
from userbot.services.bringing import Bringing
from userbot.services.cancelling import Cancelling
from userbot.services.decisions import Decisions
from userbot.services.delivery import Delivery, Steps
from userbot.services.disk import Disk
from userbot.services.endings import Endings
from userbot.services.fetching import Fetching
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
from userbot.services.offers import Offers
from userbot.services.queue import Queue
from userbot.services.quota import DailyQuota
from userbot.services.reading import Reading
from userbot.services.refused import Refused
from userbot.services.retention import Retention
from userbot.services.sending import Sending
from userbot.services.shared import Shared
from userbot.services.usage_report import UsageReports
from userbot.services.wakes import Waker
from userbot.services.withdrawal import Withdrawal
from userbot.telegram import client as telegram
from userbot.telegram.api import Api
from userbot.telegram.chat import TelegramChat
from userbot.telegram.early import EarlyUploads
from userbot.telegram.governor import Governor
from userbot.telegram.handlers.errands import Errands
from userbot.telegram.reporter import OnGone, Reporter
from userbot.telegram.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Outside:
    """What is there before the bot: databases, workers, an owner for its tasks, the time."""

    stores: Stores
    volatile: Volatile
    workers: ProcessPool
    tasks: asyncio.TaskGroup
    now: Callable[[], datetime]


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
    usage_reports: UsageReports
    allowance: Allowance
    quota: DailyQuota
    decisions: Decisions


def compose(settings: Settings, outside: Outside) -> Bot:
    """Make the parts and give each what it works with."""
    stores, volatile, tasks, now = outside.stores, outside.volatile, outside.tasks, outside.now
    speech = _speech(settings, outside, lambda job, error: cancelling.gone(job, error))
    access = _access(settings)
    common = _common(settings, outside, speech.chat)
    kit, endings, offers = common.kit, common.endings, common.offers
    quota = DailyQuota(stores.quotas, settings.limits, access, now)
    steps = _steps(settings, outside, common)
    queue = _queue(settings, outside, common, steps)
    waker = Waker(queue.wake, volatile.wakeups, tasks)
    intake = Intake(
        *(kit, waker, quota, common.forget),
        lambda: JobId(secrets.token_hex(6)),
        lambda user_id: None if access.is_owner(user_id) else settings.work.max_user_jobs,
    )
    withdrawal = Withdrawal(kit, queue, steps.bringing.found)
    cancelling = Cancelling(kit, queue, offers, endings, withdrawal, tasks)
    jobs = Jobs(kit, intake, offers, endings, cancelling)
    return Bot(
        client=speech.client,
        access=access,
        api=speech.api,
        uploads=speech.uploads,
        reporter=speech.reporter,
        kit=kit,
        disk=common.disk,
        offers=offers,
        queue=queue,
        waker=waker,
        board=Board(volatile.live, speech.reporter.working),
        endings=endings,
        errands=Errands(tasks),
        jobs=jobs,
        intake=intake,
        past=Past(stores.history, intake, settings.telegram.bot_id),
        accounts=Accounts(stores, common.chronicle, now),
        retention=Retention(stores, settings.store.retention, now),
        usage_reports=UsageReports(stores.statistics, stores.errors, now),
        allowance=Allowance(volatile.limiter, settings.limits, access),
        quota=quota,
        decisions=Decisions(stores.users, access, jobs, now),
    )


@dataclass(frozen=True, slots=True)
class _Speech:
    """What speaks with Telegram."""

    client: Client
    api: Api
    uploads: Uploads
    reporter: Reporter
    chat: TelegramChat


def _speech(settings: Settings, outside: Outside, on_gone: OnGone) -> _Speech:
    tasks = outside.tasks
    client = telegram.make_client(login_of(settings.telegram), settings.paths.sessions_dir)
    api = Api(client, Governor(time.monotonic), tasks)
    ceiling = uploader_settings(settings)
    uploads = Uploads(client, tasks, ceiling, settings.work.stall_timeout_s)
    note_status = outside.stores.jobs.note_status
    reporter = Reporter(api, uploads, tasks, time.monotonic, note_status, on_gone)
    chat = TelegramChat(api, reporter, uploads, EarlyUploads(uploads, tasks))
    return _Speech(client, api, uploads, reporter, chat)


def _access(settings: Settings) -> Access:
    who = settings.access
    return Access(who.owner_ids, who.users, who.chats, trusted=who.trusted, banned=who.banned)


@dataclass(frozen=True, slots=True)
class _Common:
    """What those share who let jobs in, work on them and end them."""

    kit: Kit
    chronicle: Chronicle
    endings: Endings
    offers: Offers
    refused: Refused
    pages: KnownPages
    disk: Disk

    async def forget(self, url: str) -> None:
        """Forget what is known of a link: it is to be read anew."""
        self.refused.forget(url)
        await self.pages.forget(url)


def _common(settings: Settings, outside: Outside, chat: Chat) -> _Common:
    stores, tasks, work = outside.stores, outside.tasks, settings.work
    jobs_dir = settings.paths.data_dir / "jobs"
    kit = _kit(settings, outside, chat)
    chronicle = Chronicle(stores, settings.telegram.bot_id)
    endings = Endings(kit, tasks, chronicle)
    return _Common(
        kit=kit,
        chronicle=chronicle,
        endings=endings,
        offers=Offers(kit, endings, tasks, work.menu_timeout_s),
        refused=Refused(outside.now),
        pages=KnownPages(outside.volatile.cache, outside.now),
        disk=Disk(jobs_dir, work.disk_reserve_bytes, shutil.disk_usage),
    )


def _kit(settings: Settings, outside: Outside, chat: Chat) -> Kit:
    store, now = outside.stores.jobs, outside.now
    bot_id = settings.telegram.bot_id
    shared = Shared(store, chat, now)
    return Kit(
        store=store,
        chat=chat,
        folders=Folders(settings.paths.data_dir / "jobs"),
        line=Line(store, shared.show, now, slots(settings)),
        shared=shared,
        files=KnownFiles(outside.volatile.cache, outside.stores.history, bot_id),
        now=now,
    )


def _queue(settings: Settings, outside: Outside, common: _Common, steps: Steps) -> Queue:
    delivery = Delivery(common.kit, steps, common.endings)
    return Queue(
        *(outside.stores.jobs, delivery.work),
        slots=slots(settings),
        limits=fair_limits(settings),
        now=outside.now,
        log_id=job_id,
    )


def _steps(settings: Settings, outside: Outside, common: _Common) -> Steps:
    kit, workers, work = common.kit, outside.workers, settings.work
    limits = Limits(MAX_UPLOAD_BYTES, work.job_timeout_s, work.max_uploads)
    reading = Reading(kit, workers, common.pages, limits)
    sending = Sending(kit, limits, lambda: secrets.randbits(63))
    return Steps(
        Inspection(kit, reading, common.offers, common.refused, outside.stores.users),
        Bringing(kit, Fetching(kit, workers, reading, common.disk, limits), sending),
    )
