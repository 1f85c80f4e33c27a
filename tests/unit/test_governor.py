"""How fast the bot speaks, on a clock that the test moves."""

import pytest

from userbot.telegram.governor import Governor, Priority

PRIVATE, GROUP = 1001, -1001


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def governor(clock):
    return Governor(clock)


def spend(governor, clock, chat_id, priority, until_s):
    """Make every call that is allowed within until_s; return when each was made."""
    made: list[float] = []
    start = clock.now
    while True:
        delay_s = governor.delay_s(chat_id, priority)
        if clock.now + delay_s > start + until_s:
            return made
        clock.now += delay_s
        governor.charge(chat_id)
        made.append(clock.now)


def most_within(times, seconds):
    return max(sum(begin <= other < begin + seconds for other in times) for begin in times)


@pytest.mark.parametrize("priority", list(Priority))
def test_a_group_never_hears_more_than_twenty_calls_in_any_minute(governor, clock, priority):
    times = spend(governor, clock, GROUP, priority, until_s=300)
    assert len(times) >= 8 * 5
    assert most_within(times, 60) <= 20


def test_edits_leave_room_for_sends(governor, clock):
    spend(governor, clock, GROUP, Priority.PROGRESS, until_s=60)
    assert governor.delay_s(GROUP, Priority.PROGRESS) > 0
    assert governor.delay_s(GROUP, Priority.STATE) <= 1.05
    spend(governor, clock, GROUP, Priority.STATE, until_s=5)
    assert governor.delay_s(GROUP, Priority.SEND) <= 3.2


def test_a_private_chat_takes_a_short_burst_of_answers_then_one_a_second(governor, clock):
    times = spend(governor, clock, PRIVATE, Priority.SEND, until_s=30)
    assert most_within(times, 3) <= 3
    assert times[2] == times[0]
    assert len(times) >= 27


def test_edits_in_a_private_chat_are_a_second_apart(governor, clock):
    times = spend(governor, clock, PRIVATE, Priority.STATE, until_s=30)
    assert most_within(times, 1) == 1


def test_all_chats_together_stay_below_thirty_a_second(governor, clock):
    times = []
    for chat_id in range(1, 200):
        clock.now += governor.delay_s(chat_id, Priority.SEND)
        governor.charge(chat_id)
        times.append(clock.now)
    assert most_within(times, 1) <= 30


def test_a_flood_wait_pauses_one_chat_alone(governor, clock):
    governor.pause(GROUP, 40)
    assert governor.delay_s(GROUP, Priority.SEND) == 40
    assert governor.delay_s(PRIVATE, Priority.SEND) == 0
    clock.now += 40
    assert governor.delay_s(GROUP, Priority.SEND) == 0


def test_a_long_pause_outlives_a_quiet_minute(governor, clock):
    governor.pause(GROUP, 600)
    clock.now += 120
    governor.charge(PRIVATE)
    assert governor.delay_s(GROUP, Priority.SEND) == 480


def test_quiet_chats_are_forgotten(governor, clock):
    for chat_id in range(1000):
        governor.charge(chat_id)
    clock.now += 100
    governor.charge(PRIVATE)
    assert list(governor._chats) == [PRIVATE]


async def test_a_permit_counts(governor):
    await governor.permit(PRIVATE, Priority.SEND)
    assert governor.delay_s(PRIVATE, Priority.STATE) > 0


def test_slow_mode_holds_new_messages_alone(governor, clock):
    governor.slow(GROUP, 30)
    assert governor.delay_s(GROUP, Priority.SEND, is_new=True) == 30
    assert governor.delay_s(GROUP, Priority.SEND) == 0
    clock.now += 30
    assert governor.delay_s(GROUP, Priority.SEND, is_new=True) == 0
