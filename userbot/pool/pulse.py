"""Whether a call still gets on, judged by what it makes, not by how much it talks."""

from userbot.domain.jobs import Progress, Stage
from userbot.errors import StallError, ToolStuckError

# An hour of this is 4 MB, less than a minute of film. Apache takes half of it for an attack:
# MinRate=500, https://httpd.apache.org/docs/2.4/mod/mod_reqtimeout.html
MIN_ARRIVING_BYTES_S = 1024


class Pulse:
    """When a call last made progress. Times are the event loop's clock.

    While it downloads, progress is bytes that arrive in its folder, MIN_ARRIVING_BYTES_S on
    average over `stall_s`: else a site could hold a slot with a byte now and then. Later stages
    work on what is there; for them it is any change in the folder, or a larger count in what the
    worker says.
    """

    def __init__(self, stall_s: float, now_s: float) -> None:
        self._stall_s = stall_s
        self._beat_at_s = now_s
        self._stage = Stage.DOWNLOAD
        self._told_bytes = 0
        self._size_bytes: int | None = None
        self._changed_at_ns = 0
        self._arrived_bytes = 0  # since the last beat

    def heard(self, progress: Progress, now_s: float) -> None:
        """Take note of what the worker says."""
        if progress.stage is not self._stage:
            self._stage, self._told_bytes = progress.stage, 0
            self._beat(now_s)
        elif progress.done_bytes > self._told_bytes and self._stage is not Stage.DOWNLOAD:
            self._beat(now_s)
        self._told_bytes = max(self._told_bytes, progress.done_bytes)

    def saw(self, size_bytes: int, changed_at_ns: int, now_s: float) -> None:
        """Take note of how much is in the folder, and when any of it last changed."""
        before, self._size_bytes = self._size_bytes, size_bytes
        has_changed = (size_bytes, changed_at_ns) != (before, self._changed_at_ns)
        self._changed_at_ns = changed_at_ns
        if before is not None and size_bytes > before:  # it also shrinks: fragments are joined
            self._arrived_bytes += size_bytes - before
        if self._stage is Stage.DOWNLOAD:
            has_changed = self._arrived_bytes >= MIN_ARRIVING_BYTES_S * self._stall_s
        if has_changed:
            self._beat(now_s)

    def check(self, now_s: float) -> None:
        """Raise StallError when nothing gets on for too long, ToolStuckError once all came."""
        if now_s - self._beat_at_s >= self._stall_s:
            error = StallError if self._stage is Stage.DOWNLOAD else ToolStuckError
            raise error(self._stall_s)

    def _beat(self, now_s: float) -> None:
        self._beat_at_s, self._arrived_bytes = now_s, 0
