"""The one status message of each job: the latest view wins, at a pace that Telegram allows."""

import asyncio
import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from userbot.domain.jobs import FINAL_VIEWS, Job, JobId, Looking, Menu, View, Working
from userbot.errors import DeliveryError, InfrastructureError
from userbot.telegram import keyboards, texts
from userbot.telegram.api import Api, Caption, Target
from userbot.telegram.governor import Priority
from userbot.telegram.once import has_button
from userbot.telegram.uploads import Uploads

log = logging.getLogger(__name__)

LOOKING_AFTER_S = 0.7  # most pages are read by then, and the menu comes at once
PROGRESS_GAP_S = 3.0
PROGRESS_STEP = 0.01
PICTURE_TIMEOUT_S = 2.0  # a menu is not worth waiting for longer
SETTLE_TIMEOUT_S = 90.0  # a full minute's budget of a busy group, and some
DELETE_TRIES = 3
OUTAGE_PAUSE_S = 5.0
UNKNOWN_ENDS = ("NO_ANSWER", "RANDOM_ID_DUPLICATE", "NO_MESSAGE")  # it may be in the chat


@dataclass(slots=True)
class _Status:
    """What is in the chat, and what should be."""

    job: Job
    wanted: View | None = None
    shown: View | None = None
    shown_text: str = ""
    shown_at: float = 0.0
    began_at: float = 0.0
    message_id: int | None = None
    must_look: bool = False
    writer: asyncio.Task[None] | None = None
    is_closed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_settled(self) -> bool:
        return self.is_closed or self.shown is self.wanted


class Reporter:
    """Writes the status messages. Its tasks live in the TaskGroup that it is given."""

    def __init__(
        self,
        api: Api,
        uploads: Uploads,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
        on_message: Callable[[JobId, int], Awaitable[None]],
    ) -> None:
        self._api = api
        self._uploads = uploads
        self._tasks = tasks
        self._clock = clock
        self._on_message = on_message
        self._is_closed = False
        self._statuses: dict[JobId, _Status] = {}

    def adopt(self, job: Job, message_id: int | None) -> None:
        """Go on in a message that is in the chat already; None: it may be, nobody noted it."""
        if self._is_closed:
            return
        status = self._status(job)
        status.message_id, status.must_look = message_id, message_id is None

    def show(self, job: Job, view: View) -> None:
        """Make view what the job's message says, soon. A final view is not replaced any more."""
        if self._is_closed:
            return
        status = self._status(job)
        if status.is_closed or isinstance(status.wanted, FINAL_VIEWS):
            return
        status.wanted = view
        status.settled.clear()
        status.changed.set()

    async def close(self, within_s: float) -> None:
        """Give the last views some time to get into the chats, then say nothing more."""
        self._is_closed = True
        waiting = [status for status in self._statuses.values() if not status.is_settled]
        try:
            async with asyncio.timeout(within_s):
                for status in waiting:
                    await status.settled.wait()
        except TimeoutError:
            log.warning("some chats were not told how their jobs stand")
        for status in list(self._statuses.values()):
            self._close(status)

    async def settle(self, job: Job) -> None:
        """Return when the last view is in the chat, or cannot be; forget the job."""
        status = self._statuses.get(job.id)
        if status is None:
            return
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await status.settled.wait()
        except TimeoutError:
            log.warning("job %s: its last message did not get through", job.id)
        finally:
            self._close(status)

    async def clear(self, job: Job) -> None:
        """Delete the job's message and forget the job."""
        status = self._statuses.get(job.id)
        if status is None:
            return
        self._close(status)
        assert status.writer is not None
        await asyncio.wait([status.writer], timeout=SETTLE_TIMEOUT_S)  # a message may be under way
        try:
            if status.must_look:
                await self._look(status)
        except DeliveryError as error:
            log.info("job %s: status message not found (%s)", job.id, error.code)
        if status.message_id is not None:
            await self._delete(job, status.message_id)

    async def _delete(self, job: Job, message_id: int) -> None:
        for attempt in range(1, DELETE_TRIES + 1):
            try:
                await self._api.delete(job.request.chat_id, message_id)
            except DeliveryError as error:
                log.info("job %s: status message stays (%s)", job.id, error.code)
                await asyncio.sleep(attempt)
            else:
                return

    def _status(self, job: Job) -> _Status:
        status = self._statuses.get(job.id)
        if status is None:
            status = self._statuses[job.id] = _Status(job, began_at=self._clock())
            status.writer = self._tasks.create_task(self._write(status), name=f"status {job.id}")
        return status

    def _close(self, status: _Status) -> None:
        self._statuses.pop(status.job.id, None)
        status.is_closed = True
        status.changed.set()
        status.settled.set()

    async def _write(self, status: _Status) -> None:
        """Carry wanted views into the chat until the job is forgotten."""
        while not status.is_closed:
            if status.is_settled:
                status.settled.set()
                await status.changed.wait()
            status.changed.clear()
            if not status.is_settled:
                await self._write_if_due(status)

    async def _write_if_due(self, status: _Status) -> None:
        """Write the wanted view, or wait until its time has come or another one is wanted."""
        view = status.wanted
        assert view is not None
        text = texts.view(view)
        if text == status.shown_text:
            status.shown = view
            return
        delay_s = self._delay_s(status)
        if delay_s <= 0:
            self._api.governor.charge(status.job.request.chat_id)
            await self._put(status, view, text)
            return
        try:
            async with asyncio.timeout(delay_s if delay_s != math.inf else None):
                await status.changed.wait()
        except TimeoutError:
            pass  # its time has come

    def _delay_s(self, status: _Status) -> float:
        """Return how long the wanted view must wait; infinity when it says too little new."""
        priority = _priority(status)
        delay_s = self._api.governor.delay_s(status.job.request.chat_id, priority)
        if isinstance(status.wanted, Looking):
            return max(delay_s, status.began_at + LOOKING_AFTER_S - self._clock())
        if priority is not Priority.PROGRESS:
            return delay_s
        if not _is_worth_it(status):
            return math.inf
        return max(delay_s, status.shown_at + PROGRESS_GAP_S - self._clock())

    async def _put(self, status: _Status, view: View, text: str) -> None:
        try:
            await self._deliver(status, view, text)
        except DeliveryError as error:
            log.info("job %s: status not shown (%s)", status.job.id, error.code)
            if error.code == "FLOOD_WAIT":
                return  # the governor waits; then the latest view is written
            if error.code in UNKNOWN_ENDS:
                status.must_look = status.message_id is None
                self._api.governor.pause(status.job.request.chat_id, OUTAGE_PAUSE_S)
                return
            if error.code == "MESSAGE_ID_INVALID" and status.message_id is not None:
                status.message_id = None  # somebody deleted it; the view goes into a new one
                return
        except Exception:  # the job goes on without a status message
            log.exception("job %s: status not shown", status.job.id)
        status.shown, status.shown_text, status.shown_at = view, text, self._clock()

    async def _deliver(self, status: _Status, view: View, text: str) -> None:
        caption = Caption(text, keyboards.for_view(status.job, view))
        if status.must_look:
            await self._look(status)
        was_in = status.message_id
        picture = await self._picture(view)
        if picture is None or not await self._put_picture(status, picture, caption):
            await self._put_text(status, caption)
        if status.message_id not in (None, was_in):
            await self._on_message(status.job.id, status.message_id)

    async def _look(self, status: _Status) -> None:
        """Find the message that an earlier run sent and did not live to note."""
        known = has_button(status.job.id.encode())
        message = await self._api.find_answer(_target(status.job), known)
        status.message_id, status.must_look = message.id if message else None, False

    async def _picture(self, view: View) -> Any:
        """Return the uploaded cover of a menu; None when there is none, or not in time."""
        if not isinstance(view, Menu) or view.extraction.cover is None:
            return None
        try:
            async with asyncio.timeout(PICTURE_TIMEOUT_S):
                return await self._uploads.upload(view.extraction.cover)
        except (InfrastructureError, TimeoutError) as error:
            log.info("menu without a picture: %r", error)
            return None

    async def _put_text(self, status: _Status, caption: Caption) -> None:
        chat_id, message_id = status.job.request.chat_id, status.message_id
        if message_id is None:
            status.message_id = await self._api.send_text(
                caption.text, _target(status.job), caption.buttons
            )
        else:
            await self._api.edit_text(chat_id, message_id, caption.text, caption.buttons)

    async def _put_picture(self, status: _Status, picture: Any, caption: Caption) -> bool:
        """Say caption under a picture; False when Telegram does not take the picture."""
        chat_id, message_id = status.job.request.chat_id, status.message_id
        try:
            if message_id is None:
                to, number = _target(status.job), secrets.randbits(63)
                status.message_id = await self._api.send_photo(to, picture, caption, number)
            else:
                await self._api.edit_photo(chat_id, message_id, picture, caption)
        except DeliveryError as error:
            if error.code == "FLOOD_WAIT":
                raise
            log.info("menu without a picture: %s", error.code)
            return False
        return True


def _target(job: Job) -> Target:
    request = job.request
    return Target(request.chat_id, request.message_id, request.topic_id)


def _priority(status: _Status) -> Priority:
    wanted, shown = status.wanted, status.shown
    if status.message_id is None or isinstance(wanted, FINAL_VIEWS):
        return Priority.SEND
    if isinstance(shown, Menu) and not status.job.request.is_group:
        return Priority.SEND  # somebody has just pressed a button, and looks
    if not isinstance(wanted, Working) or not isinstance(shown, Working):
        return Priority.STATE
    return Priority.PROGRESS if wanted.progress.stage is shown.progress.stage else Priority.STATE


def _is_worth_it(status: _Status) -> bool:
    """Say whether progress moved far enough since it was shown."""
    if not isinstance(status.wanted, Working) or not isinstance(status.shown, Working):
        return True
    wanted, shown = status.wanted.progress.fraction, status.shown.progress.fraction
    return wanted is None or shown is None or abs(wanted - shown) >= PROGRESS_STEP
