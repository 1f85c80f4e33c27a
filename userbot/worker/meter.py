"""Turns what yt-dlp and ffmpeg report into Progress events: summed, steady, two a second."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from userbot.domain.choices import Choice
from userbot.domain.jobs import Event, Progress, Stage
from userbot.domain.media import Growth
from userbot.errors import TooLargeError

PERIOD_S = 0.5
SMOOTHING = 0.3  # share of the newest measurement in the speed

Emit = Callable[[Event], None]


class Meter:
    """Progress of one download. yt-dlp reports from several threads at once.

    What is done never goes back, also when a server makes us start again. Reports of more than
    limit_bytes, there or announced, raise TooLargeError.
    """

    def __init__(
        self, choice: Choice, limit_bytes: int, emit: Emit, now: Callable[[], float]
    ) -> None:
        self._choice = choice
        self.limit_bytes = limit_bytes
        self._emit = emit
        self._now = now
        self._lock = Lock()
        self._done_of: dict[str, int] = {}
        self._total_of: dict[str, int] = {}
        self._stage = Stage.DOWNLOAD
        self._done_bytes = 0
        self._emitted_at: float | None = None
        self._emitted_bytes = 0
        self._speed_bytes_s: float | None = None

    def on_download(self, event: dict[str, Any]) -> None:
        """Take one event of yt-dlp's progress hooks."""
        if event.get("status") not in ("downloading", "finished"):
            return
        with self._lock:
            self._count(event)
            total, is_estimate = self._total()
            if max(self._done_bytes, sum(self._total_of.values())) > self.limit_bytes:
                raise TooLargeError(max(self._done_bytes, total or 0), self.limit_bytes)
            self._report(total, is_estimate=is_estimate)

    def begin(self, stage: Stage) -> None:
        """Report that stage begins."""
        with self._lock:
            self._stage = stage
            self._done_bytes = self._emitted_bytes = 0
            self._speed_bytes_s = self._emitted_at = None
            self._report(None, is_estimate=False)

    def on_written(self, done_bytes: int, total_bytes: int) -> None:
        """Report how much a tool has written of about total_bytes."""
        with self._lock:
            self._done_bytes = max(self._done_bytes, done_bytes)
            if done_bytes > self.limit_bytes:
                raise TooLargeError(done_bytes, self.limit_bytes)
            self._report(max(total_bytes, self._done_bytes), is_estimate=True)

    def on_growth(self, growth: Growth) -> None:
        """Report how far the file is that will be delivered."""
        self._emit(growth)

    def _count(self, event: dict[str, Any]) -> None:
        stream = str(event.get("filename") or "")
        done = int(event.get("downloaded_bytes") or 0)
        self._done_of[stream] = max(done, self._done_of.get(stream, 0))
        self._done_bytes = max(self._done_bytes, sum(self._done_of.values()))
        if event.get("total_bytes"):
            self._total_of[stream] = int(event["total_bytes"])

    def _total(self) -> tuple[int | None, bool]:
        """Bytes of all streams, and whether that is an estimate; never less than what is done."""
        if len(self._total_of) == len(self._choice.format_ids):
            return max(sum(self._total_of.values()), self._done_bytes), False
        if self._choice.size_bytes is None:
            return None, False
        return max(self._choice.size_bytes, self._done_bytes), not self._choice.is_size_exact

    def _report(self, total: int | None, *, is_estimate: bool) -> None:
        now = self._now()
        is_due = self._emitted_at is None or now - self._emitted_at >= PERIOD_S
        is_end = total is not None and self._done_bytes >= total and not is_estimate
        if not is_due and not (is_end and self._done_bytes > self._emitted_bytes):
            return
        self._measure(now)
        self._emit(Progress(self._stage, self._done_bytes, total, self._speed_bytes_s, is_estimate))

    def _measure(self, now: float) -> None:
        if self._emitted_at is not None and now > self._emitted_at:
            newest = (self._done_bytes - self._emitted_bytes) / (now - self._emitted_at)
            before = newest if self._speed_bytes_s is None else self._speed_bytes_s
            self._speed_bytes_s = before + SMOOTHING * (newest - before)
        self._emitted_at, self._emitted_bytes = now, self._done_bytes
