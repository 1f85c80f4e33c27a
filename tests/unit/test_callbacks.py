"""What a button carries, and what is not taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userbot.domain.jobs import JobId, Remedy
from userbot.telegram.callbacks import (
    CancelPress,
    ChoicePress,
    FreshPress,
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


@settings(max_examples=500, database=None, derandomize=True, deadline=None)
@given(st.binary(max_size=64))
def test_no_bytes_raise(data):
    press = unpack(data)
    assert press is None or unpack(press.pack().encode()) == press


@settings(max_examples=500, database=None, derandomize=True, deadline=None)
@given(st.from_regex(rb"[xqrpc]:[0-9a-f]{1,8}(:-?[0-9aqso]{1,4}){0,3}", fullmatch=True))
def test_no_near_miss_raises(data):
    press = unpack(data)
    assert press is None or unpack(press.pack().encode()) == press
