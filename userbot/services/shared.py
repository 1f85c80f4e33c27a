"""Work that several people wait for is done once: one job leads, the others follow it.

Each follower stays a durable job of its own. It gives its claim back, so that it holds no slot and
no lease, and is due again when its leader is done. Who follows whom is known to this process alone:
after a restart the first that is claimed leads.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from userbot.domain.jobs import Job, JobId, View
from userbot.domain.records import ENDS, JobSummary
from userbot.errors import InfrastructureError, UserbotError
from userbot.ports import Chat, JobStore
from userbot.services.held import Held

log = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(minutes=15)  # nothing waits longer, unless the clock was set back
LOOK_AGAIN = timedelta(seconds=20)  # followers look by themselves, should nobody call them

T = TypeVar("T")


class FailedTogetherError(Exception):
    """The job that led has failed with `error`, and its tries were the tries of all."""

    def __init__(self, error: UserbotError) -> None:
        super().__init__(error)
        self.error = error


@dataclass(slots=True)
class _Group:
    """Jobs that want the same. `view` is what the leader's chat shows last."""

    leader: Job
    followers: dict[JobId, Job] = field(default_factory=dict)
    view: View | None = None


class Shared:
    """Knows who leads and who follows. Keys say what is wanted."""

    def __init__(self, store: JobStore, chat: Chat, now: Callable[[], datetime]) -> None:
        self._store = store
        self._chat = chat
        self._now = now
        self._groups: dict[str, _Group] = {}
        self._keys: dict[JobId, str] = {}  # of those who lead or follow
        self._told: dict[JobId, object] = {}  # what came of it, for those who followed

    def is_under_way(self, key: str) -> bool:
        """Say whether somebody works for this already."""
        return key in self._groups

    def told(self, job_id: JobId, kind: type[T]) -> T | None:
        """Return once what the leader of a job got; None when there is nothing to be had.

        Raises FailedTogetherError when it has failed.
        """
        told = self._told.pop(job_id, None)
        if isinstance(told, UserbotError):
            raise FailedTogetherError(told)
        return told if isinstance(told, kind) else None

    async def leads(self, key: str, job: Job) -> bool:
        """Say whether a job is to do the work itself: it is the first, or leads already."""
        if self._keys.get(job.id, key) != key:
            await self.leave(job.id)
        group = self._groups.get(key)
        if group and job.id in group.followers and not await self._is_open(group.leader):
            log.warning("job %s has ended and told nobody", group.leader.id)
            await self.leave(group.leader.id)
        group = self._groups.setdefault(key, _Group(job))
        if group.leader.id == job.id:
            self._keys[job.id] = key
        return group.leader.id == job.id

    async def follow(self, key: str, held: Held, **changes: Any) -> None:
        """Give a claim back until whoever leads is done; keep what changed."""
        job = held.record.job
        group = self._groups.get(key)
        if group is not None:
            self._keys[job.id] = key
            group.followers[job.id] = job
        try:
            await held.release(not_before=self._now() + LOOK_AGAIN, **changes)
        except BaseException:
            self._forget(job.id)
            raise
        if job.id not in self._keys:
            await self._call([job.id])  # it was over meanwhile
        elif group is not None and group.view is not None:
            self._chat.show(job, group.view)

    def show(self, job: Job, view: View) -> None:
        """Show a view of a job in its chat, and in those of all who follow it."""
        self._chat.show(job, view)
        group = self._led_by(job.id)
        if group is None:
            return
        group.view = view
        for follower in group.followers.values():
            self._chat.show(follower, view)

    async def done(self, job_id: JobId, got: object) -> None:
        """Hand what a leader got to its followers; an error ends them as well.

        None: there is nothing to hand on, and one of them begins anew.
        """
        self._told.pop(job_id, None)
        group = self._led_by(job_id)
        if group is None:
            self._forget(job_id)
            return
        del self._groups[self._keys.pop(job_id)]
        for follower in group.followers:
            self._keys.pop(follower, None)
            if got is not None:
                self._told[follower] = got
        await self._call(group.followers)

    async def leave(self, job_id: JobId) -> None:
        """Let a job go that has ended, or wants something else: the others do without it."""
        await self.done(job_id, None)

    async def call_all(self, unfinished: Iterable[JobSummary]) -> None:
        """Have those claimed soon who may have followed somebody before a restart."""
        soon, far = self._now() + LOOK_AGAIN, self._now() + LONGEST_PAUSE
        waiting = [job for job in unfinished if job.not_before and not soon < job.not_before <= far]
        await self._call([job.job.id for job in waiting])

    def _led_by(self, job_id: JobId) -> _Group | None:
        group = self._groups.get(self._keys.get(job_id, ""))
        return group if group and group.leader.id == job_id else None

    def _forget(self, follower: JobId) -> None:
        self._told.pop(follower, None)
        group = self._groups.get(self._keys.pop(follower, ""))
        if group is not None:
            group.followers.pop(follower, None)

    async def _call(self, followers: Collection[JobId]) -> None:
        """Have followers claimed soon. A store that is away only delays them."""
        if not followers:
            return
        try:
            await self._store.hasten(followers)
        except InfrastructureError as error:
            log.warning("%d jobs go on a while later: %r", len(followers), error)

    async def _is_open(self, job: Job) -> bool:
        record = await self._store.find(job.id)
        return record is not None and record.state not in ENDS
