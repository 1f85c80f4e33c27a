"""What a button carries, and what is not taken for one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userbot.domain.jobs import JobId
from userbot.telegram.callbacks import CancelPress, ChoicePress, unpack

JOB = JobId("0123abcd")


@pytest.mark.parametrize("press", [CancelPress(JOB), ChoicePress(JOB, 0), ChoicePress(JOB, 12)])
def test_what_is_packed_is_unpacked(press):
    data = press.pack().encode()
    assert len(data) <= 64  # https://core.telegram.org/bots/api#inlinekeyboardbutton
    assert unpack(data) == press


@pytest.mark.parametrize(
    "data",
    [b"", b"x:", b"x:0123abcd\n", b"x:0123ABCD", b"q:0123abcd", b"q:0123abcd:-1", b"q:0123abcd:999",
     b"q:0123abcd:\xd9\xa1", b"x:0123abcd:0", b"y:0123abcd", b"\xff" * 64],
)  # fmt: skip
def test_anything_else_is_nothing(data):
    assert unpack(data) is None


@settings(max_examples=500, database=None, derandomize=True, deadline=None)
@given(st.binary(max_size=64))
def test_no_bytes_raise(data):
    press = unpack(data)
    assert press is None or press.pack().encode() == data or b":0" in data
