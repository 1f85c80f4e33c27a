"""The services as they are, on a real store: what is played is the site, the chats and their moods.

Everything between a link and its end runs as in the program; nothing leaves this process.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from tests.contract.stores import extraction, media_file
from userbot.domain.jobs import Failed, Job, JobId, Request, View
from userbot.domain.limits import Allowances
from userbot.domain.media import Extraction, Format, MediaFile
from userbot.domain.people import Quota
from userbot.domain.records import ENDS, FairLimits, JobRecord, JobState, JobSummary, Lane
from userbot.errors import UserbotError
from userbot.memory.cache import MemoryCache
from userbot.memory.wakeups import MemoryWakeups
from userbot.ports import JobStore, Sent
from userbot.ports.durable import Stores
from userbot.services.access import Access
from userbot.services.bringing import Bringing
from userbot.services.cancelling import Cancelling
from userbot.services.delivery import Delivery, Steps
from userbot.services.disk import Disk
from userbot.services.endings import Endings
from userbot.services.fetching import Fetching
from userbot.services.folders import Folders
from userbot.services.history import Chronicle
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
from userbot.services.sending import Sending
from userbot.services.shared import Shared
from userbot.services.wakes import Waker
from userbot.services.withdrawal import Withdrawal
from userbot.sqlite import stores as sqlite

BOT_ID, OWNER = 1, 10**9
SMALL, LARGE = 1_000_000, 100_000_000
LIMIT_BYTES = 2_000_000_000
OPEN = FairLimits(100, 100)
WITHIN_S = 30.0  # generous: a busy machine


class Moody:
    """A store that is away, or full, for whoever calls a method that has moods.

    They are raised one after the other, the last one for as long as it is there.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self.moods: dict[str, list[UserbotError]] = {}
        self.refused: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        async def called(*args: Any, **more: Any) -> Any:
            moods = self.moods.get(name)
            if moods:
                self.refused[name] += 1
                raise moods[0] if len(moods) == 1 else moods.pop(0)
            return await method(*args, **more)

        return called


class Chats:
    """Where views and files would go: remembers who was shown and sent what.

    `on_its_way` holds what is sent before it is in the chat, `answers` what was taken.
    """

    def __init__(self) -> None:
        self.views: list[tuple[JobId, View]] = []
        self.sent: list[JobId] = []
        self.troubles: dict[int, UserbotError] = {}  # by user
        self.on_its_way = asyncio.Event()
        self.answers = asyncio.Event()
        self.clears = asyncio.Event()
        for event in (self.on_its_way, self.answers, self.clears):
            event.set()
        self.sending: list[JobId] = []
        self.looks = 0
        self.looking: UserbotError | None = None

    def shown(self, job: Job, kind: type[View]) -> list[View]:
        return [view for job_id, view in self.views if job_id == job.id and isinstance(view, kind)]

    def show(self, job: Job, view: View) -> None:
        self.views.append((job.id, view))

    def adopt(self, _job, _message_id) -> None:
        """Nothing is to be found."""

    def upload_early(self, _job, _growth, _note, _noted) -> None:
        """The plain way is open."""

    async def settle(self, _job) -> bool:
        return True

    async def clear(self, _job) -> bool:
        return await self.clears.wait()

    async def send(self, job, _file, steps) -> Sent:
        await steps.about_to_send()
        self.sending.append(job.id)
        await self.on_its_way.wait()
        if job.request.user_id in self.troubles:
            raise self.troubles[job.request.user_id]
        self.sent.append(job.id)
        await self.answers.wait()
        return Sent(len(self.sent), ("a-file-id",))

    async def send_known(self, job, known, steps) -> Sent:
        return await self.send(job, known, steps)

    async def find_sent(self, job, _file) -> Sent | None:
        self.looks += 1
        if self.looking is not None:
            raise self.looking
        return Sent(1, ("a-file-id",)) if job.id in self.sent else None


class Site:
    """A site whose pages all have one video of `size_bytes`, and that can be made to wait or fail.

    Errors of `reading` and `fetching` are raised one after the other, then all is well.
    """

    def __init__(self) -> None:
        self.size_bytes = SMALL
        self.reads: list[str] = []
        self.fetches: list[str] = []
        self.reading: list[UserbotError] = []
        self.fetching: list[UserbotError] = []
        self.read_gates: dict[str, asyncio.Event] = {}
        self.fetch_gates: dict[str, asyncio.Event] = {}
        self.busy: list[str] = []  # what is being fetched

    def hold_page(self, url: str) -> asyncio.Event:
        """Let whoever reads a page wait for the event."""
        return self.read_gates.setdefault(url, asyncio.Event())

    def hold_file(self, url: str) -> asyncio.Event:
        """Let whoever fetches a file wait for the event."""
        return self.fetch_gates.setdefault(url, asyncio.Event())

    async def extract(self, url: str, _folder: Path) -> Extraction:
        self.reads.append(url)
        if url in self.read_gates:
            await self.read_gates[url].wait()
        if self.reading:
            raise self.reading.pop(0)
        only = Format("1", "mp4", "https", "avc1", "mp4a", 640, 360, size_bytes=self.size_bytes)
        form = replace(only, is_size_exact=True)
        return replace(extraction(), media_id=url, page_url=url, formats=(form,), cover=None)

    async def download(self, page: Extraction, _choice, folder: Path, **_told) -> MediaFile:
        url = page.page_url
        self.fetches.append(url)
        self.busy.append(url)
        try:
            if url in self.fetch_gates:
                await self.fetch_gates[url].wait()
        finally:
            self.busy.remove(url)
        if self.fetching:
            raise self.fetching.pop(0)
        path = folder / "video.mp4"
        path.write_bytes(b"video")
        return replace(media_file(), path=path, thumbnail=None)


@dataclass
class Backstage:
    """All of it; `serving` runs the lanes."""

    stores: Stores
    access: Access  # nobody is limited; who has something decided about them is
    store: Any  # Moody
    chats: Chats
    site: Site
    kit: Kit
    queue: Queue
    intake: Intake
    offers: Offers
    jobs: Jobs
    endings: Endings
    folder: Path
    clock: "Clock"

    async def record(self, job: Job) -> JobRecord:
        found: JobRecord | None = await self.store.find(job.id)
        assert found is not None
        return found

    def folder_of(self, job: Job) -> Path:
        return self.folder / job.id

    async def send_link(self, user: int, url: str, *, chat: int | None = None) -> Job:
        """Let somebody send a link, by default in their own chat; return its job."""
        request = Request(chat or user, next(_numbers), user, is_group=chat is not None)
        assert await self.intake.accept(request, url)
        summaries: list[JobSummary] = await self.store.unfinished(user)
        (job,) = [summary.job for summary in summaries if summary.job.request == request]
        return job

    async def pick(self, job: Job) -> None:
        """Wait for the menu and take the first quality."""
        await self.reaches(job, JobState.OFFERED)
        assert await self.offers.pick(job.id, 0, self.queue)

    async def reaches(self, job: Job, *states: JobState) -> JobRecord:
        async with asyncio.timeout(WITHIN_S):
            while (record := await self.record(job)).state not in states:
                assert states == ENDS or record.state not in ENDS, record
                await asyncio.sleep(0.01)
        return record

    async def ends(self, job: Job) -> JobRecord:
        return await self.reaches(job, *ENDS)

    def failures(self, job: Job) -> list[UserbotError]:
        """What the chat of a job was told that ended it."""
        return [cast(Failed, view).error for view in self.chats.shown(job, Failed)]


_numbers = itertools.count(1)


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not claim():
            await asyncio.sleep(0.01)


class Clock:
    """The time of day, as somebody sets it."""

    def __init__(self) -> None:
        self.set_by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.set_by


@dataclass
class Usage:
    total: int = 10**12
    free: int = 10**12


@asynccontextmanager
async def backstage(
    folder: Path, *, clock: Clock | None = None, **slots: int
) -> AsyncIterator[Backstage]:
    """Run the services on a new store in folder. Slots are by the names of lanes, else 4."""
    clock = clock or Clock()
    now = clock.now
    async with sqlite.open_stores(folder / "userbot.db") as stores, asyncio.TaskGroup() as tasks:
        store, chats, site = cast(Any, Moody(stores.jobs)), Chats(), Site()
        lanes = {lane: slots.get(lane.value, 4) for lane in Lane}
        chat, workers = cast(Any, chats), cast(Any, site)
        cache = MemoryCache(asyncio.get_running_loop().time)
        shared = Shared(store, chat, now)
        kit = Kit(
            store=store,
            chat=chat,
            folders=Folders(folder / "jobs"),
            line=Line(store, shared.show, now, lanes),
            shared=shared,
            files=KnownFiles(cache, stores.history, BOT_ID),
            now=now,
        )
        await kit.folders.sweep(())
        made = _made(kit, stores, workers, tasks, lanes, KnownPages(cache, now), folder, clock)
        serving = [
            tasks.create_task(made.queue.serve()),
            tasks.create_task(kit.line.serve()),
        ]
        yield made
        made.intake.close()
        made.offers.close()
        await made.queue.drain(0)
        for task in serving:
            task.cancel()


def _made(kit, stores, workers, tasks, lanes, pages, folder, clock) -> Backstage:
    limits, refused = Limits(LIMIT_BYTES, 60.0, 4), Refused(kit.now)
    reading = Reading(kit, workers, pages, limits)
    disk = Disk(folder / "jobs", 0, lambda _folder: Usage())
    endings = Endings(kit, tasks, Chronicle(stores, BOT_ID))
    offers = Offers(kit, endings, tasks, 3600.0)

    async def forget(url: str) -> None:
        refused.forget(url)
        await pages.forget(url)

    random_ids = itertools.count(1)
    sending = Sending(kit, limits, lambda: next(random_ids))
    steps = Steps(
        Inspection(kit, reading, offers, refused, stores.users),
        Bringing(kit, Fetching(kit, workers, reading, disk, limits), sending),
    )
    queue = Queue(
        kit.store,
        Delivery(kit, steps, endings).work,
        slots=lanes,
        limits=dict.fromkeys(Lane, OPEN),
        now=kit.now,
        log_id=ContextVar("job", default=None),
    )
    ids = itertools.count(1)
    nothing = Allowances({}, {}, {}, {}, Quota(), Quota())
    access = Access([OWNER], [], [])
    quota = DailyQuota(stores.quotas, nothing, access, kit.now)
    intake = Intake(
        *(kit, Waker(queue.wake, MemoryWakeups(), tasks), quota, forget),
        lambda: JobId(f"{next(ids):08x}"),
        lambda _user: None,
    )
    withdrawal = Withdrawal(kit, queue, steps.bringing.found)
    cancelling = Cancelling(kit, queue, offers, endings, withdrawal, tasks)
    jobs = Jobs(kit, intake, offers, endings, cancelling)
    return Backstage(
        stores,
        access,
        kit.store,
        kit.chat,
        workers,
        kit,
        queue,
        intake,
        offers,
        jobs,
        endings,
        folder / "jobs",
        clock,
    )
