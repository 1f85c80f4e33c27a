from typing import Any

import pytest

from userbot.domain.choices import Choice
from userbot.domain.jobs import Stage
from userbot.domain.media import MediaKind
from userbot.errors import TooLargeError
from userbot.worker.meter import Meter


class Bench:
    """A meter with a clock that the test turns."""

    def __init__(self, limit_bytes=10_000, **choice):
        self.now_s = 0.0
        self.events: list[Any] = []
        wanted = Choice(MediaKind.VIDEO, ("v", "a"), **choice)
        self.meter = Meter(wanted, limit_bytes, self.events.append, lambda: self.now_s)

    def download(self, done, total=None, name="v", after_s=1.0, status="downloading"):
        self.now_s += after_s
        self.meter.on_download(
            {"status": status, "filename": name, "downloaded_bytes": done, "total_bytes": total}
        )


def test_streams_are_summed_and_nothing_goes_back():
    bench = Bench(size_bytes=1500)
    bench.download(0)
    bench.download(900, 1000)
    bench.download(100, 1000)  # the server made us start again
    bench.download(1000, 1000, status="finished")
    bench.download(0, 400, "a")
    bench.download(400, 400, "a")
    assert [event.done_bytes for event in bench.events] == [0, 900, 900, 1000, 1000, 1400]
    assert [event.total_bytes for event in bench.events] == [1500] * 4 + [1400] * 2
    assert [event.is_estimate for event in bench.events] == [True] * 4 + [False] * 2


def test_events_come_at_most_twice_a_second_but_the_last_one_always():
    bench = Bench(size_bytes=100, is_size_exact=True)
    for done in range(60):
        bench.download(done, after_s=0.1)
    assert len(bench.events) == pytest.approx(60 * 0.1 / 0.5, abs=1)
    bench.download(60, 60, after_s=0.01)
    bench.download(40, 40, "a", after_s=0.01)
    assert bench.events[-1].fraction == 1.0


def test_the_total_is_never_less_than_what_is_done():
    bench = Bench(size_bytes=100)
    bench.download(700)
    assert bench.events[-1].total_bytes == 700


def test_an_unknown_size_stays_unknown():
    bench = Bench()
    bench.download(700)
    assert bench.events[-1].total_bytes is None


def test_the_speed_is_smoothed():
    bench = Bench(size_bytes=9000)
    for done in (0, 100, 200, 1200):
        bench.download(done)
    assert [event.speed_bytes_s for event in bench.events] == [None, 100, 100, pytest.approx(370)]


@pytest.mark.parametrize("event", [(10_001, None), (5, 10_001)])
def test_more_than_the_limit_raises_whether_there_or_announced(event):
    bench = Bench()
    with pytest.raises(TooLargeError) as caught:
        bench.download(*event)
    assert caught.value.limit_bytes == 10_000


def test_two_streams_may_not_be_over_the_limit_together():
    bench = Bench()
    bench.download(6000, 6000)
    with pytest.raises(TooLargeError):
        bench.download(1, 6000, "a")


def test_a_stage_begins_with_an_event_and_counts_anew():
    bench = Bench(size_bytes=900)
    bench.download(900)
    bench.meter.begin(Stage.MERGE)
    assert (bench.events[-1].stage, bench.events[-1].done_bytes) == (Stage.MERGE, 0)
    bench.now_s += 1
    bench.meter.on_written(450, 900)
    assert bench.events[-1].fraction == 0.5
    with pytest.raises(TooLargeError):
        bench.meter.on_written(10_001, 900)


def test_a_failed_fragment_is_no_progress():
    bench = Bench()
    bench.download(5, status="error")
    assert not bench.events
