"""What a button carries, and what is not taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.jobs import JobId, Remedy
from userbot.telegram.callbacks import (
    AgainPress,
    CancelPress,
    ChoicePress,
    DataPress,
    DataWish,
    FreshPress,
    HistoryPress,
    ListCancelPress,
    PagePress,
    RemedyPress,
    unpack,
)

JOB = JobId("0123abcd")
PRESSES = [
    CancelPress(JOB),
    ChoicePress(JOB, 0),
    ChoicePress(JOB, 12),
    FreshPress(JOB),
    FreshPress(JOB, 0),
    FreshPress(JOB, 12),
    *(RemedyPress(JOB, remedy) for remedy in Remedy),
    PagePress(0, 8_589_934_592),
    PagePress(9999, -1_002_147_483_900),
    ListCancelPress(JOB, 9999, -1_002_147_483_900),
]


@pytest.mark.parametrize("press", PRESSES)
def test_what_is_packed_is_unpacked(press):
    data = press.pack().encode()
    assert len(data) <= 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton
    assert unpack(data) == press


@pytest.mark.parametrize(
    "data",
    [b"", b"x:", b"r:0123abcd:", b"r:0123abcd:z", b"r:0123abcd:aa", b"r:0123abcd:a\n", b"p:1",
     b"p::1", b"p:-1:1", b"p:12345:1", b"p:1:--1", b"p:1:12345678901234567", b"p:1:1:1",
     b"c:0123abcd:1", b"c:0123abcd::1", b"c:0123abcg:1:1",
     b"x:0123abcd\n", b"x:0123ABCD", b"q:0123abcd", b"q:0123abcd:-1", b"q:0123abcd:999",
     b"q:0123abcd:\xd9\xa1", b"x:0123abcd:0", b"y:0123abcd", b"\xff" * 64],
)  # fmt: skip
def test_anything_else_is_nothing(data):
    assert unpack(data) is None


@tries(500)
@given(st.binary(max_size=64))
def test_no_bytes_raise(data):
    press = unpack(data)
    assert press is None or unpack(press.pack().encode()) == press


@tries(500)
@given(st.from_regex(rb"[xqfrpchgd]:[0-9a-f]{1,8}(:-?[0-9aqsodyn]{1,4}){0,3}", fullmatch=True))
def test_no_near_miss_raises(data):
    press = unpack(data)
    assert press is None or unpack(press.pack().encode()) == press


JOBS = st.from_regex(r"[0-9a-f]{8}", fullmatch=True).map(JobId)
PAGES, INDEXES = st.integers(0, 9999), st.integers(0, 99)
ASKERS = st.integers(-(10**15), 10**15)  # Telegram's ids have at most 52 bits
ANY_PRESS = st.one_of(
    st.builds(CancelPress, JOBS),
    st.builds(ChoicePress, JOBS, INDEXES),
    st.builds(FreshPress, JOBS, st.none() | INDEXES),
    st.builds(RemedyPress, JOBS, st.sampled_from(Remedy)),
    st.builds(PagePress, PAGES, ASKERS),
    st.builds(ListCancelPress, JOBS, PAGES, ASKERS),
    st.builds(HistoryPress, PAGES, ASKERS),
    st.builds(AgainPress, JOBS, ASKERS),
    st.builds(DataPress, st.sampled_from(DataWish), ASKERS),
)


@tries(500)
@given(ANY_PRESS)
def test_any_press_fits_and_comes_back(press):
    data = press.pack().encode()
    assert len(data) <= 64
    assert unpack(data) == press


@tries(500)
@given(ANY_PRESS, st.integers(0, 64), st.binary(max_size=3), st.integers(0, 3))
def test_what_is_changed_is_another_press_or_none(press, at, some, dropped):
    data = press.pack().encode()
    changed = data[:at] + some + data[at + dropped :]
    found = unpack(changed)
    if changed == data:
        assert found == press
    elif found is not None:
        assert int_free(found.pack()) == int_free(changed.decode())


def int_free(data: str) -> list[str]:
    """The words of a payload; numbers without the zeros and the sign that say nothing."""
    return [str(int(word)) if word.lstrip("-").isdecimal() else word for word in data.split(":")]
