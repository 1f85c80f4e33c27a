import dataclasses
import json
import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from tests.unit.test_errors import made
from tests.unit.test_texts import leaves
from userbot import errors, wire
from userbot.domain.calls import DownloadCall, ExtractCall
from userbot.domain.choices import Choice
from userbot.domain.jobs import Progress, Stage
from userbot.domain.media import Extraction, Format, MediaFile, MediaKind, Thumbnail
from userbot.errors import UserbotError, WorkerDiedError
from userbot.wire import Empty, FrameBuffer, Hello, Order, frame

EXTRACTION = Extraction(
    extractor="generic",
    media_id="1",
    title='A "title" \N{PILE OF POO} \n',
    page_url="https://example.org/",
    formats=(Format("137", "mp4", "https", "avc1.64", None, 1920, 1080, 29.97, 4000.5, 10**10),),
    info_json='{"id": "1"}',
    duration_s=12.5,
    cover=Path("/job/cover.jpg"),
)
MEDIA_FILE = MediaFile(
    kind=MediaKind.VIDEO,
    path=Path("/job/é.mp4"),
    size_bytes=5,
    duration_s=1.0,
    width=1,
    height=2,
    has_audio=False,
    mime_type="video/mp4",
    is_streamable=True,
    title="t",
    thumbnail=Thumbnail(Path("/job/t.jpg"), 320, 180),
)
ERRORS: list[UserbotError] = [
    *map(made, leaves(UserbotError)),
    errors.LinkRefusedError("scheme"),
    errors.TooManyJobsError(3),
    errors.TooLargeError(None, 5),
    errors.TooLargeError(7, 5),
    errors.SourceError(),
    errors.GeoBlockedError("not in your country"),
    errors.WorkerDiedError("signal 9"),
    errors.WorkerBugError("Traceback"),
    errors.DeadlineError(1.5),
    errors.StallError(60),
    errors.DiskFullError(),
    errors.ToolError("ffmpeg: x"),
    errors.DeliveryError("FILE_PARTS_INVALID"),
]


@pytest.mark.parametrize(
    "call",
    [
        ExtractCall("http://x/", Path("/job")),
        DownloadCall("{}", Choice(MediaKind.AUDIO, ("140",)), Path("/job"), 5, "http://proxy:1"),
    ],
)
def test_an_order_comes_out_as_it_went_in(call):
    order = Order(call, backup_s=1.5, max_file_bytes=9)
    assert wire.decode_order(wire.encode_order(order)) == order


@pytest.mark.parametrize(
    "reply",
    [Progress(Stage.MERGE), Progress(Stage.UPLOAD, 1, 2, 3.0, True), EXTRACTION, MEDIA_FILE],
)
def test_a_reply_comes_out_as_it_went_in(reply):
    assert wire.decode_reply(wire.encode_reply(reply)) == reply


@pytest.mark.parametrize(
    "body",
    [
        b'{"formats":[' + b"1," * 100_000 + b"1]}",
        b"{" + b",".join(b'"%x":1' % number for number in range(100_000)) + b"}",
        b'{"type":"DrmError","args":["' + b"x" * 2_000_000 + b'"]}',
    ],
    ids=["values", "names", "bytes"],
)
def test_an_answer_of_too_many_values_is_not_even_decoded(body):
    with pytest.raises(WorkerDiedError, match="too many"):
        wire.decode_reply(body)


def test_the_record_crosses_as_it_is_however_large():
    large = dataclasses.replace(EXTRACTION, info_json='{"é":"' + "\\n," * 1_000_000 + '"}')
    body = wire.encode_reply(large)
    assert len(body) < len(large.info_json) + 1000
    assert wire.decode_reply(body) == large
    with pytest.raises(WorkerDiedError, match="no text"):
        wire.decode_reply(wire.encode_reply(EXTRACTION) + b"\xff")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_as_it_went_in(error):
    copy = wire.decode_reply(wire.encode_reply(error))
    assert isinstance(copy, type(error))
    assert copy.args == error.args
    assert vars(copy) == vars(error)


def test_every_error_of_the_tree_can_cross():
    names = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    assert names == set(wire._error_types())


def test_an_error_of_a_class_elsewhere_crosses_as_its_nearest_known_one():
    class SpecialError(errors.DrmError):
        pass

    assert type(wire.decode_reply(wire.encode_reply(SpecialError("x")))) is errors.DrmError


def test_the_text_of_an_error_is_cut_and_made_sayable():
    error = wire.decode_reply(wire.encode_reply(errors.DrmError("\ud800" + "x" * 100_000)))
    assert isinstance(error, errors.DrmError)
    assert error.args == ("?" + "x" * (wire.MAX_ERROR_CHARS - 1),)


@pytest.mark.parametrize(
    "reply", [None, {"stage": "merge"}, Exception("x"), Choice(MediaKind.AUDIO, ())]
)
def test_what_is_no_reply_cannot_be_said(reply):
    with pytest.raises(TypeError):
        wire.encode_reply(reply)


def test_a_field_of_a_wrong_type_cannot_be_said():
    with pytest.raises(ValueError, match="done_bytes"):
        wire.encode_reply(Progress(Stage.MERGE, done_bytes="x"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"stage":"merge","done_bytes":"1"}',
        b'{"stage":"merge","done_bytes":true}',
        b'{"stage":"merge","done_bytes":1.5}',
        b'{"stage":"merge","speed_bytes_s":NaN}',
        b'{"stage":"merge","speed_bytes_s":1e999}',
        b'{"stage":"merge","extra":1}',
        b'{"stage":"rob"}',
        b'{"stage":"merge"}\0',
        b'{"type":"SystemExit","args":[]}',
        b'{"type":"UserbotError","args":["x"]}',
        b'{"type":"TooLargeError","args":[1]}',
        b'{"type":"TooLargeError","args":["1",2]}',
        b'{"type":"TooLargeError","args":[true,2]}',
        b'{"type":"DrmError","args":[["x"]]}',
        b'{"type":"DeadlineError","args":[NaN]}',
        json.dumps({"type": "DrmError", "args": ["x" * (wire.MAX_ERROR_CHARS + 1)]}).encode(),
    ],
)
def test_a_wrong_reply_is_refused(body):
    with pytest.raises(WorkerDiedError):
        wire.decode_reply(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"stage":"merge","done_bytes":-1}',
        b'{"stage":"merge","done_bytes":%d}' % (2**53 + 1),
        b'{"stage":"merge","total_bytes":1%s}' % (b"0" * 400),
        b'{"stage":"merge","speed_bytes_s":-5e-324}',
        b'{"stage":"merge","speed_bytes_s":1e300}',
        b'{"stage":"merge","speed_bytes_s":1%s}' % (b"0" * 400),
        b'{"type":"TooLargeError","args":[1%s,5]}' % (b"0" * 400),
        b'{"type":"TooLargeError","args":[5,-5]}',
        b'{"type":"StallError","args":[-1.0]}',
        b'{"path":"/job/x","available_bytes":-1}',
        wire.encode_reply(MEDIA_FILE).replace(b'"width":320', b'"width":-320'),
        wire.encode_reply(EXTRACTION).replace(b'"fps":29.97', b'"fps":-29.97'),
    ],
)
def test_a_number_with_which_nobody_can_reckon_is_refused(body):
    with pytest.raises(WorkerDiedError):
        wire.decode_reply(body)


def test_the_largest_numbers_and_a_negative_rank_cross():
    dub = dataclasses.replace(EXTRACTION.formats[0], language_rank=-10)
    for reply in (
        dataclasses.replace(EXTRACTION, formats=(dub,)),
        Progress(Stage.DOWNLOAD, 2**53, 2**53, float(2**53)),
    ):
        assert wire.decode_reply(wire.encode_reply(reply)) == reply


def test_whatever_size_a_server_announces_is_too_large():
    error = wire.decode_reply(wire.encode_reply(errors.TooLargeError(10**5000, 5)))
    assert isinstance(error, errors.TooLargeError)
    assert error.args == (wire.MAX_NUMBER, 5)


@tries(100)
@given(st.binary())
def test_no_reply_whatever_raises_anything_else(body):
    with pytest.raises(WorkerDiedError):
        wire.decode_reply(body)


@pytest.mark.parametrize("word", [Hello(5), Empty("signal 9")])
def test_a_guards_word_comes_out_as_it_went_in(word):
    assert wire.decode_word(wire.encode_word(word)) == word


def test_what_a_worker_says_is_never_the_guards_word():
    forged = wire.encode_word(Empty("exit 0"))
    assert wire.decode_word(wire.WORKER + forged) == forged


@pytest.mark.parametrize("body", [b"", b"x", b"g", b"g{}", b'g{"how":1}'])
def test_a_word_from_nobody_is_refused(body):
    with pytest.raises(WorkerDiedError):
        wire.decode_word(body)


@tries(100)
@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 40))
def test_frames_come_out_whole_however_they_are_cut(bodies, chunk_bytes):
    stream = b"".join(map(frame, bodies))
    buffer = FrameBuffer()
    heard: list[bytes] = []
    for start in range(0, len(stream), chunk_bytes):
        heard.extend(buffer.feed(stream[start : start + chunk_bytes]))
    assert heard == bodies


def test_a_frame_too_long_is_refused_before_it_has_come():
    buffer = FrameBuffer()
    with pytest.raises(WorkerDiedError):
        list(buffer.feed(struct.pack("!I", wire.MAX_FRAME_BYTES + 1)))


def test_a_body_too_long_is_not_framed():
    with pytest.raises(WorkerDiedError):
        frame(bytes(wire.MAX_FRAME_BYTES + 1))


def test_no_number_that_is_none_crosses_in_an_answer():
    hostile = wire.encode_reply(MEDIA_FILE).replace(b'"duration_s":1.0', b'"duration_s":NaN')
    assert math.isnan(json.loads(hostile)["duration_s"])
    with pytest.raises(WorkerDiedError):
        wire.decode_reply(hostile)


def test_what_an_error_tells_hides_nothing():
    told = wire.decode_reply(wire.encode_reply(errors.SourceError("a\x1b[2J\u202eb\r\n\tc\x00")))
    assert isinstance(told, errors.SourceError)
    assert told.args == ("a[2Jb \n c",)
