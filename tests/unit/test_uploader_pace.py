"""How the uploader finds out how much at once."""

import pytest

from userbot.telegram.uploader.pace import Crew, Door, RoundTrip, Window
from userbot.telegram.uploader.refusals import Then, verdict

PART = 512 * 1024


def run(crew: Crew, now_s: float, seconds: float, rate) -> float:
    """Acknowledge parts as fast as `rate` says that this many connections are."""
    end_s = now_s + seconds
    while now_s < end_s:
        now_s += PART / rate(crew.target)
        crew.acknowledged(PART, now_s, is_limit=True)
    return now_s


def test_connections_double_while_that_pays():
    crew = Crew(ceiling=16, target=2)
    crew.restart(0.0)
    run(crew, 0.0, 3.0, lambda connections: 10e6 * connections)
    assert crew.target == 16


def test_connections_stay_few_where_more_do_not_help():
    crew = Crew(ceiling=64, target=4)
    crew.restart(0.0)
    run(crew, 0.0, 60.0, lambda _connections: 40e6)
    assert crew.target <= 8 + 2


def test_a_probe_finds_a_line_that_became_faster():
    crew = Crew(ceiling=16, target=4)
    crew.restart(0.0)
    now_s = run(crew, 0.0, 20.0, lambda _connections: 10e6)
    before = crew.target
    run(crew, now_s, 60.0, lambda connections: 10e6 * connections)
    assert crew.target > before


def test_trouble_halves_and_a_single_connection_stays():
    crew = Crew(ceiling=16, target=16)
    crew.trouble()
    assert crew.target == 8
    only = Crew(ceiling=1, target=1)
    only.trouble()
    assert only.target == 1


def test_without_work_there_is_nothing_to_learn():
    crew = Crew(ceiling=16, target=2)
    crew.restart(0.0)
    for second in range(1, 100):
        crew.acknowledged(PART, float(second), is_limit=False)
    assert crew.target == 2


def test_a_window_grows_without_a_queue_and_shrinks_with_one():
    window = Window(ceiling=16)
    for _ in range(100):
        window.measured(0.15, 0.15, window.size)
    assert window.size == 16
    for _ in range(100):
        window.measured(0.7, 0.15, window.size)
    assert window.size == 2


def test_a_window_that_is_not_full_does_not_grow():
    window = Window(ceiling=16)
    window.measured(0.1, 0.1, 1)
    assert window.size == 2


def test_a_slow_line_gets_one_connection_and_a_quick_one_many_again():
    crew = Crew(ceiling=16, target=8)
    for second in (8.0, 16.0, 24.0, 32.0):
        crew.slow(second)
    assert crew.target == 1
    now_s = run(crew, 32.0, 60.0, lambda _connections: 30e3)
    assert crew.target == 1
    run(crew, now_s, 60.0, lambda connections: 1e6 * connections)
    assert crew.target == 16


def test_after_a_refusal_no_more_are_opened_than_were_let_in_for_a_while():
    door = Door(ceiling=16)
    door.counted(4)
    assert door.room(0.0) == 16
    for _ in range(8):  # of one round
        door.refused(0.0)
    door.counted(3)
    assert [door.room(at_s) for at_s in (0.1, 4.9, 5.1)] == [4, 4, 5]
    door.refused(6.0)
    assert [door.room(at_s) for at_s in (11.1, 15.9, 16.1)] == [4, 4, 5]
    for inside in range(5, 17):
        door.counted(inside)
    assert door.room(20.0) == 16


def test_each_connection_that_ends_without_a_word_makes_a_longer_pause_until_one_is_let_in():
    door = Door(ceiling=16)
    door.counted(4)
    for at_s, pause_s in ((0.0, 0.5), (1.0, 1.0), (3.0, 2.0)):
        door.slammed(at_s)
        door.slammed(at_s)  # of one round
        assert [door.room(at_s + pause_s * part) for part in (0.9, 1.1)] == [0, 16]
    door.counted(5)
    door.slammed(10.0)
    assert [door.room(at_s) for at_s in (10.4, 10.6)] == [0, 16]


def test_a_flood_shuts_the_door_for_its_time():
    door = Door(ceiling=16)
    door.counted(4)
    door.refused(0.0, 30.0)
    assert [door.room(at_s) for at_s in (0.1, 29.9, 30.1)] == [0, 0, 5]


def test_an_answer_is_overdue_after_a_few_round_trips():
    round_trip = RoundTrip()
    assert round_trip.too_late_s == 5.0
    for _ in range(50):
        round_trip.measured(0.05)
    assert round_trip.too_late_s == 1.0
    for _ in range(50):
        round_trip.measured(2.0)
    assert 5.5 < round_trip.too_late_s < 9
    assert 0.05 <= round_trip.least_s < 0.06


@pytest.mark.parametrize(
    ("code", "text", "then"),
    [
        (420, "FLOOD_WAIT_3", Then.WAIT),
        (420, "FLOOD_PREMIUM_WAIT_12", Then.WAIT),
        (303, "FILE_MIGRATE_4", Then.MIGRATE),
        (500, "INTERNAL_ERROR", Then.RETRY),
        (-503, "Timeout", Then.RETRY),
        (400, "CONNECTION_NOT_INITED", Then.INIT),
        (400, "FILE_PARTS_INVALID", Then.GIVE_UP),
        (401, "AUTH_KEY_UNREGISTERED", Then.GIVE_UP),
        (406, "AUTH_KEY_DUPLICATED", Then.GIVE_UP),
    ],
)
def test_what_an_error_means(code, text, then):
    assert verdict(code, text, 0).then is then


def test_patience_ends_but_never_with_a_flood():
    assert verdict(500, "INTERNAL_ERROR", 240).then is Then.GIVE_UP
    assert verdict(400, "CONNECTION_NOT_INITED", 240).then is Then.GIVE_UP
    assert verdict(420, "FLOOD_WAIT_7", 1000).delay_s == 7
    assert verdict(420, "FLOOD_WAIT", 0).delay_s == 1
    assert verdict(303, "FILE_MIGRATE_4", 0).dc_id == 4


def test_a_part_in_trouble_is_tried_often_and_many_of_them_seldom():
    alone = [verdict(500, "", tries).delay_s for tries in range(5)]
    assert alone == [0.05, 0.1, 0.2, 0.25, 0.25]
    together = [verdict(500, "", tries, is_crowd=True).delay_s for tries in range(240)]
    assert together[:3] == alone[:3]
    assert together[6:] == [2.0] * 234
