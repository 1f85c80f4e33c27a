"""How much at once: parts per connection, connections, and when an answer is overdue.

Pure arithmetic on what was measured; every clock is an argument.
"""

from dataclasses import dataclass

_GROWTH_WORTH_IT = 1.1  # more connections must bring at least this factor
_ROUND_MIN_S = 0.05
_STEADY_ROUND_S = 2.0
_SLOW_BYTES_S = 128 * 1024  # below it one connection is enough
_QUEUE_FREE_S = 0.02  # round trips below it are never taken for a queue
_LEAST_RISE = 1.0005
_NARROW_S, _MAX_NARROW_S = 5.0, 60.0
_PAUSE_S, _MAX_PAUSE_S = 0.5, 16.0
_TOO_LATE_FLOOR_S = 1.0
_TOO_LATE_UNMEASURED_S = 5.0  # a part on a slow line takes a while, and nothing is known yet


@dataclass
class RoundTrip:
    """From the last byte written to the acknowledgement, smoothed as TCP does (RFC 6298)."""

    smooth_s: float = 0.0
    deviation_s: float = 0.0
    least_s: float = 0.0

    def measured(self, sample_s: float) -> None:
        """Take one part's round trip."""
        # The slow rise lets it follow a route that became longer.
        self.least_s = min(sample_s, self.least_s * _LEAST_RISE) if self.least_s else sample_s
        if not self.smooth_s:
            self.smooth_s, self.deviation_s = sample_s, sample_s / 2
            return
        self.deviation_s += (abs(sample_s - self.smooth_s) - self.deviation_s) / 4
        self.smooth_s += (sample_s - self.smooth_s) / 8

    @property
    def too_late_s(self) -> float:
        """How long to wait for an answer before the part is sent again elsewhere."""
        if not self.smooth_s:
            return _TOO_LATE_UNMEASURED_S
        return max(_TOO_LATE_FLOOR_S, 3 * self.smooth_s, self.smooth_s + 4 * self.deviation_s)


@dataclass
class Window:
    """How many parts may be in flight on one connection.

    It grows as long as the round trip shows no queue: more would only wait somewhere else.
    """

    ceiling: int
    size: int = 2

    def measured(self, sample_s: float, least_s: float, in_flight: int) -> None:
        """Take the round trip of a part that was one of `in_flight`; least_s: an empty line's."""
        if sample_s < max(2 * least_s, _QUEUE_FREE_S):
            if in_flight >= self.size:
                self.size = min(self.ceiling, self.size + 1)
        elif sample_s > max(4 * least_s, 2 * _QUEUE_FREE_S):
            self.size = max(2, self.size - 1)


@dataclass
class Door:
    """How many connections Telegram lets in, learned from those that it refused.

    After a refusal there are no more than were inside, for a while that doubles; after that one
    more is tried at a time. One that ends without a word may be an accident: there is a pause,
    longer each time until one is let in.
    """

    ceiling: int
    _inside: int = 0
    is_narrow: bool = False
    _narrow_s: float = _NARROW_S
    _narrow_until_s: float = 0.0
    _shut_until_s: float = 0.0
    _pause_s: float = _PAUSE_S
    _last: int = 0

    def refused(self, now_s: float, shut_s: float = 0.0) -> None:
        """Take a refusal; for shut_s nobody is to come at all."""
        self._shut_until_s = max(self._shut_until_s, now_s + shut_s)
        if now_s >= self._narrow_until_s:  # else it is one more of the same round
            self._narrow_until_s = now_s + self._narrow_s
            self._narrow_s = min(_MAX_NARROW_S, self._narrow_s * 2)
        self.is_narrow = True

    def slammed(self, now_s: float) -> None:
        """Take a connection that ended before any answer, while others were of use."""
        if now_s >= self._shut_until_s:  # else it is one more of the same round
            self._shut_until_s = now_s + self._pause_s
            self._pause_s = min(_MAX_PAUSE_S, self._pause_s * 2)

    def counted(self, inside: int) -> None:
        """Note how many connections are in use. To be told now and then."""
        if inside > self._last:
            self._pause_s = _PAUSE_S
        self._last = inside
        self._inside = max(self._inside, inside) if self.is_narrow else inside
        if self._inside >= self.ceiling:
            self.is_narrow, self._narrow_s = False, _NARROW_S

    def room(self, now_s: float) -> int:
        """Return how many connections there may be."""
        if now_s < self._shut_until_s:
            return 0
        if not self.is_narrow:
            return self.ceiling
        return max(1, self._inside + (now_s >= self._narrow_until_s))


@dataclass
class Crew:
    """How many connections carry parts, found by climbing.

    At first they double with every round in which the throughput grew; after that one step up
    is tried now and then, and taken back when it did not pay.
    """

    ceiling: int
    target: int
    quiet_since_s: float = 0.0  # the last acknowledgement
    _is_doubling: bool = True
    _before_probe: int | None = None
    _best_rate: float = 0.0
    _started_at: float = 0.0
    _bytes: int = 0
    _parts: int = 0

    def restart(self, now_s: float) -> None:
        """Begin a new round: there was nothing to do until now."""
        self._started_at = self.quiet_since_s = now_s
        self._bytes = self._parts = 0
        self._best_rate = 0.0

    def acknowledged(self, size_bytes: int, now_s: float, *, is_limit: bool) -> None:
        """Count a part. is_limit: there is more to do than the connections take."""
        self.quiet_since_s = now_s
        self._bytes += size_bytes
        self._parts += 1
        elapsed_s = now_s - self._started_at
        shortest_s = _ROUND_MIN_S if self._is_doubling else _STEADY_ROUND_S
        if self._parts < self.target or elapsed_s < shortest_s:
            return
        rate = self._bytes / elapsed_s
        self._started_at, self._bytes, self._parts = now_s, 0, 0
        if is_limit and rate > _SLOW_BYTES_S:
            self._climb(rate)

    def trouble(self) -> None:
        """Telegram asked for less."""
        self.target = max(2, self.target // 2) if self.ceiling > 1 else 1
        self._is_doubling, self._before_probe, self._best_rate = False, None, 0.0

    def slow(self, now_s: float) -> None:
        """Take half of the connections: together they are so slow that no part arrives."""
        self.target = max(1, self.target // 2)
        self._is_doubling, self._before_probe = True, None
        self.restart(now_s)

    def _climb(self, rate: float) -> None:
        is_better = rate > self._best_rate * _GROWTH_WORTH_IT
        if self._is_doubling:
            if is_better:
                self.target = min(self.ceiling, self.target * 2)
            self._is_doubling = is_better and self.target < self.ceiling
        elif self._before_probe is not None:
            if not is_better:
                self.target = self._before_probe
            self._before_probe = None
        elif self.target < self.ceiling:
            self._before_probe = self.target
            self.target = min(self.ceiling, self.target + max(1, self.target // 4))
        self._best_rate = max(rate, self._best_rate) if is_better else rate
