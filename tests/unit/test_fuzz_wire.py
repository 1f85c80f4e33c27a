"""A worker may be hostile: what it says is of a known form and within bounds, or it has died."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from tests.unit.test_wire import ERRORS, EXTRACTION, MEDIA_FILE
from userbot import wire
from userbot.domain.jobs import Progress, Stage
from userbot.errors import WorkerDiedError
from userbot.wire import Empty, FrameBuffer, Hello

bounded = tries(400)

PROGRESS = Progress(Stage.UPLOAD, 1, 2, 3.0, True)
REPLIES: list[wire.Reply] = [EXTRACTION, MEDIA_FILE, PROGRESS, *ERRORS]
SAID = [wire.encode_reply(reply) for reply in REPLIES]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["video", "merge", "/etc/passwd", "../..", "DrmError", "\ud800", "1e999"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def heard(body: bytes) -> None:
    """Take an answer as the bot does; whatever is taken can be said again."""
    with contextlib.suppress(WorkerDiedError):
        reply = wire.decode_reply(body)
        assert wire.decode_reply(wire.encode_reply(reply)) is not None


@bounded
@given(st.sampled_from(SAID), st.integers(0, 2000), st.binary(max_size=6), st.integers(0, 6))
def test_an_answer_with_other_bytes_is_an_answer_or_an_error(body, at, some, dropped):
    heard(body[:at] + some + body[at + dropped :])


@bounded
@given(st.sampled_from(SAID), st.data())
def test_an_answer_with_other_values_is_an_answer_or_an_error(body, data):
    told, mark, record = body.partition(wire.RECORD)
    answer = json.loads(told)
    name = data.draw(st.sampled_from(sorted(answer)))
    heard(json.dumps(answer | {name: data.draw(VALUES)}).encode() + mark + record)


@bounded
@given(st.sampled_from([wire.encode_word(Hello(5)), wire.encode_word(Empty("exit 0"))]), st.data())
def test_a_word_with_other_bytes_is_a_word_or_an_error(word, data):
    at = data.draw(st.integers(0, len(word)))
    with contextlib.suppress(WorkerDiedError):
        said = wire.decode_word(word[:at] + data.draw(st.binary(max_size=4)) + word[at:])
        assert isinstance(said, Hello | Empty | bytes)


@bounded
@given(st.lists(st.binary(max_size=30), max_size=10))
def test_a_stream_of_anything_is_cut_into_frames_or_ends(chunks):
    buffer, whole = FrameBuffer(), b"".join(chunks)
    heard: list[bytes] = []
    with contextlib.suppress(WorkerDiedError):
        for chunk in chunks:
            heard.extend(buffer.feed(chunk))
    assert whole.startswith(b"".join(map(wire.frame, heard)))
