"""The one status message of each job: the latest view wins, at a pace that Telegram allows."""

import asyncio
import logging
from collections.abc import Callable

from userbot.domain.jobs import Chosen, Failed, Job, JobId, Menu, View, Waiting, Working
from userbot.errors import (
    ChatGoneError,
    DeliveryError,
    InfrastructureError,
    NoRightError,
    TopicClosedError,
)
from userbot.telegram import failures, texts
from userbot.telegram.api import Api
from userbot.telegram.governor import Priority
from userbot.telegram.status import Status
from userbot.telegram.uploads import Uploads
from userbot.telegram.writer import MESSAGE_GONE, OnMessage, StatusWriter

log = logging.getLogger(__name__)

SETTLE_TIMEOUT_S = 90.0  # a full minute's budget of a busy group, and some
CLEAR_TIMEOUT_S = 30.0
RETRY_S = 2.0  # after a call that got no answer; it had its own patience

OnGone = Callable[[Job, DeliveryError], None]


class Reporter:
    """Writes the status messages. Its tasks live in the TaskGroup that it is given.

    `on_message` is told where a job's message is. `on_gone` is told once, and must not wait, that
    nothing can be shown in the chat of a job that has not ended.
    """

    def __init__(
        self,
        api: Api,
        uploads: Uploads,
        tasks: asyncio.TaskGroup,
        clock: Callable[[], float],
        on_message: OnMessage,
        on_gone: OnGone,
    ) -> None:
        self._api = api
        self._writer = StatusWriter(api, uploads, on_message)
        self._tasks = tasks
        self._clock = clock
        self._on_gone = on_gone
        self._is_closed = False
        self._statuses: dict[JobId, Status] = {}
        self._writers: set[asyncio.Task[None]] = set()

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
        if status.is_closed or status.is_final:
            return
        status.wanted = view
        status.is_chosen |= isinstance(view, Chosen)
        status.settled.clear()
        status.changed.set()

    def latest(self, job_id: JobId) -> View | None:
        """Return what the job's message says, or is about to; None when it has none."""
        status = self._statuses.get(job_id)
        return status.wanted if status else None

    def working(self) -> list[tuple[Job, Working]]:
        """Return the jobs that are worked on, and how far each is."""
        return [
            (status.job, status.wanted)
            for status in self._statuses.values()
            if isinstance(status.wanted, Working)
        ]

    async def close(self, within_s: float) -> None:
        """Give the last views some time to get into the chats, then say nothing more.

        No task is left then; what did not get through stays owed.
        """
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
        for writer in self._writers:
            writer.cancel()
        self._api.close()

    async def settle(self, job: Job) -> bool:
        """Wait until the last view is in the chat, or can never be; forget the job.

        False when it did not get through.
        """
        status = self._statuses.get(job.id)
        if status is None:
            return not self._is_closed
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await status.settled.wait()
        except TimeoutError:
            log.warning("job %s: its last message did not get through", job.id)
        finally:
            is_there = status.shown is status.wanted
            self._close(status)
        return is_there

    async def clear(self, job: Job) -> bool:
        """Delete the job's message and forget the job; False when that did not get through."""
        status = self._statuses.get(job.id)
        if status is None:
            return not self._is_closed
        self._close(status)
        assert status.writer is not None
        _, writing = await asyncio.wait([status.writer], timeout=CLEAR_TIMEOUT_S)
        if writing or status.writer.cancelled():
            status.writer.cancel()  # a message is under way, and nobody knows where it will be
            return False
        try:
            async with asyncio.timeout(CLEAR_TIMEOUT_S):
                return await self._is_removed(status)
        except TimeoutError:
            log.warning("job %s: its status message stays for now", job.id)
            return False

    async def _is_removed(self, status: Status) -> bool:
        """Delete the message, as often as it takes; False when everything is being closed."""
        chat_id = status.job.request.chat_id
        while not await self._removed(status):
            if self._is_closed:
                return False
            pause_s = self._api.governor.delay_s(chat_id, Priority.SEND)  # long after FLOOD_WAIT
            await asyncio.sleep(max(RETRY_S, pause_s))
        return True

    async def _removed(self, status: Status) -> bool:
        """Delete the message; False when that may be tried again."""
        try:
            await self._writer.remove(status)
        except DeliveryError as error:
            log.info("job %s: status message stays (%s)", status.job.id, error.code)
            return error.code not in failures.PASSING
        except Exception:  # the job has ended well: a message that stays must not end the bot
            log.exception("job %s: status message stays", status.job.id)
            return False
        return True

    def _status(self, job: Job) -> Status:
        status = self._statuses.get(job.id)
        if status is None:
            status = self._statuses[job.id] = Status(job, self._clock())
            status.writer = self._tasks.create_task(self._write(status), name=f"status {job.id}")
            self._writers.add(status.writer)
            status.writer.add_done_callback(self._writers.discard)
        return status

    def _close(self, status: Status) -> None:
        if self._statuses.get(status.job.id) is status:
            del self._statuses[status.job.id]
        status.is_closed = True
        status.changed.set()
        status.settled.set()

    async def _write(self, status: Status) -> None:
        """Carry wanted views into the chat until the job is forgotten."""
        while not status.is_closed:
            if status.is_settled:
                status.settled.set()
                await status.changed.wait()
            status.changed.clear()
            if not status.is_settled:
                await self._write_if_due(status)

    async def _write_if_due(self, status: Status) -> None:
        """Write the wanted view, or wait until its time has come or another one is wanted."""
        view = status.wanted
        assert view is not None
        text = _words(status, view)
        if text is None:
            status.wanted = _instead_of(view, status.shown)
            return
        if text == status.shown_text or not _can_be_said(status, view):
            status.shown = view
            return
        delay_s = self._delay_s(status)
        if delay_s is None or delay_s > 0:
            await _changed(status, delay_s)
            return
        self._api.governor.charge(status.job.request.chat_id)
        if await self._put(status, view, text):
            status.is_written(view, text, self._clock())

    def _delay_s(self, status: Status) -> float | None:
        """Return how long the wanted view must wait; None: until there is more to say."""
        if status.not_before is None:
            return None
        is_new = status.message_id is None
        chat_id = status.job.request.chat_id
        budget_s = self._api.governor.delay_s(chat_id, status.priority, is_new=is_new)
        return max(budget_s, status.not_before - self._clock())

    async def _put(self, status: Status, view: View, text: str) -> bool:
        """Write view into the chat; False when the latest view is to be written once more."""
        try:
            await self._writer.put(status, view, text)
        except DeliveryError as error:
            level = logging.WARNING if status.is_final else logging.INFO
            log.log(level, "job %s: status not shown (%r)", status.job.id, error)
            return await self._is_lost(status, view, error)
        except Exception:  # the job goes on without a status message
            log.exception("job %s: status not shown", status.job.id)
        return True

    async def _is_lost(self, status: Status, view: View, error: DeliveryError) -> bool:
        """Say whether a view that was not shown never will be, and draw the consequences."""
        if error.code in failures.PASSING:
            if error.code == failures.NO_ANSWER or status.must_look:  # that look pauses no chat
                await asyncio.sleep(RETRY_S)
            return False
        if error.code in MESSAGE_GONE and status.message_id is not None:
            status.forget_message()
            return False
        status.is_mute = isinstance(error, NoRightError) and error.what == "text"
        status.is_gone = _is_end(error) and not status.is_mute
        if not status.is_final and (status.is_gone or (status.is_mute and isinstance(view, Menu))):
            self._on_gone(status.job, error)
        return True


def _words(status: Status, view: View) -> str | None:
    """Return what a view says; None when it cannot be said: a site's numbers may be hostile."""
    try:
        text = texts.view(view)
    except Exception:  # a sentence must not end the bot
        log.exception("job %s: there are no words for its status", status.job.id)
        return None
    is_under_way = isinstance(view, Waiting | Working)
    return f"{text}\n{texts.CHANGE_IN_SETTINGS}" if status.is_chosen and is_under_way else text


def _instead_of(view: View, shown: View | None) -> View | None:
    """Return what is said in place of a view without words: that a job failed, or nothing new."""
    if isinstance(view, Failed):
        return Failed(InfrastructureError(), view.job_id, view.url, view.remedies)
    return shown


def _is_end(error: DeliveryError) -> bool:
    """Say whether nothing can be said in the chat any more."""
    if isinstance(error, NoRightError):
        return not error.may_write
    return isinstance(error, ChatGoneError | TopicClosedError)


def _can_be_said(status: Status, view: View) -> bool:
    return not status.is_gone and (not status.is_mute or isinstance(view, Menu))


async def _changed(status: Status, within_s: float | None) -> None:
    """Wait until another view is wanted; at most for within_s."""
    try:
        async with asyncio.timeout(within_s):
            await status.changed.wait()
    except TimeoutError:
        pass  # its time has come
