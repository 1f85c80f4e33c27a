"""How far jobs are, in this process."""

from collections.abc import Callable

from userbot.domain.jobs import JobId
from userbot.ports.volatile import LiveJob

TTL_S = 60.0


class MemoryLive:
    """`Live` in this process. Bounded by what is worked on: the old goes with each `put`."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._jobs: dict[JobId, tuple[float, LiveJob]] = {}

    async def put(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        now = self._now_s()
        self._jobs[job.job_id] = (now + TTL_S, job)
        for job_id in [key for key, (until, _) in self._jobs.items() if until <= now]:
            del self._jobs[job_id]

    async def get(self, job_id: JobId) -> LiveJob | None:
        """See `ports.volatile.Live`."""
        until, job = self._jobs.get(job_id, (0.0, None))
        return job if until > self._now_s() else None

    async def drop(self, job: LiveJob) -> None:
        """See `ports.volatile.Live`."""
        self._jobs.pop(job.job_id, None)

    def clear(self) -> None:
        """Forget everything."""
        self._jobs.clear()
