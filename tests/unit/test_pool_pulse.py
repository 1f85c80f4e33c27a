"""What counts as progress of a call, second by second."""

import pytest

from userbot.domain.jobs import Progress, Stage
from userbot.errors import StallError, ToolStuckError
from userbot.pool.pulse import MIN_ARRIVING_BYTES_S, Pulse

STALL_S = 10


class Bench:
    """A pulse, and a folder that is looked at once a second."""

    def __init__(self):
        self.pulse = Pulse(STALL_S, 0.0)
        self.now_s = 0.0
        self.size_bytes = self.changed_at_ns = 0
        self.pulse.saw(0, 0, 0.0)

    def seconds(self, count, grows_bytes=0, *, says=None, changes=False):
        for _ in range(count):
            self.now_s += 1
            self.size_bytes += grows_bytes
            self.changed_at_ns += bool(grows_bytes or changes)
            if says:
                self.pulse.heard(says, self.now_s)
            self.pulse.saw(self.size_bytes, self.changed_at_ns, self.now_s)
            self.pulse.check(self.now_s)


@pytest.fixture
def bench():
    return Bench()


def test_silence_is_a_stall_of_the_site(bench):
    bench.seconds(STALL_S - 1)
    with pytest.raises(StallError) as caught:
        bench.seconds(1)
    assert not isinstance(caught.value, ToolStuckError)


def test_slow_but_steady_is_none(bench):
    bench.seconds(1000, MIN_ARRIVING_BYTES_S * 2)


def test_a_drip_is_a_stall_however_often_the_folder_changes(bench):
    with pytest.raises(StallError):
        bench.seconds(STALL_S, MIN_ARRIVING_BYTES_S // 2)


def test_a_burst_does_not_pay_for_a_silence_to_come(bench):
    bench.seconds(1, 10**9)
    bench.seconds(STALL_S - 1)
    with pytest.raises(StallError):
        bench.seconds(1)


def test_a_download_that_begins_anew_still_arrives(bench):
    bench.seconds(5, 10**6)
    bench.size_bytes = 0
    bench.seconds(3 * STALL_S, 10**4)


def test_what_lay_there_before_has_not_arrived():
    pulse = Pulse(STALL_S, 0.0)
    pulse.saw(10**9, 5, STALL_S / 2)
    pulse.saw(10**9, 5, STALL_S)
    with pytest.raises(StallError):
        pulse.check(STALL_S)


def test_words_alone_are_no_download(bench):
    with pytest.raises(StallError):
        for done in range(STALL_S):
            bench.seconds(1, says=Progress(Stage.DOWNLOAD, done * 10**6))


@pytest.mark.parametrize("stage", [Stage.MERGE, Stage.CONVERT, Stage.FINISH])
def test_any_change_is_progress_of_a_later_stage(bench, stage):
    bench.seconds(3 * STALL_S, 1, says=Progress(stage))
    bench.seconds(3 * STALL_S, changes=True)
    for done in range(3 * STALL_S):
        bench.seconds(1, says=Progress(stage, done))
    with pytest.raises(ToolStuckError):
        bench.seconds(STALL_S, says=Progress(stage, done))


def test_a_stage_that_begins_is_progress(bench):
    bench.seconds(STALL_S - 1)
    bench.seconds(STALL_S - 1, says=Progress(Stage.MERGE))
    bench.seconds(STALL_S - 1, says=Progress(Stage.FINISH))
