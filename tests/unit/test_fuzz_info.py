"""Whatever a site puts into a record becomes domain values that cross to the bot, or one error."""

import contextlib
import json

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.answers import MAX_RECORD_BYTES
from userbot.domain.choices import choices_for
from userbot.domain.labels import TITLE_LENGTH
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.errors import UserbotError
from userbot.wire import decode_reply, encode_reply, frame
from userbot.worker import info as infos
from userbot.worker.fetch import read_record

bounded = tries(200, [HealthCheck.too_slow, HealthCheck.large_base_example])

URL = "http://site.example/film"
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["none", "video", "http", "m3u8_native", "mp4", "1e400", "\ud800", "\u202e"])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
OF_FORMAT = (
    *("format_id", "ext", "protocol", "vcodec", "acodec", "width", "height", "fps", "tbr"),
    *("filesize", "filesize_approx", "language_preference", "dynamic_range", "http_headers"),
    *("cookies", "fragments", "url"),
)
OF_RECORD = (
    *("id", "title", "extractor", "extractor_key", "channel", "uploader", "duration"),
    *("webpage_url", "thumbnails", "thumbnail", "artist", "subtitles", "http_headers", "cookies"),
)


def record_like(names: tuple[str, ...], **fixed: st.SearchStrategy[object]):
    return st.fixed_dictionaries(fixed, optional=dict.fromkeys(names, ANYTHING))


RECORDS = record_like(OF_RECORD, formats=st.lists(record_like(OF_FORMAT), min_size=1, max_size=4))


@bounded
@given(RECORDS)
def test_any_record_becomes_an_extraction_or_one_error(info):
    try:
        found = infos.extraction_of(info, URL, None)
    except UserbotError:
        return
    crossed = decode_reply(frame(encode_reply(found))[4:])
    assert crossed == found
    assert 0 < len(found.title) <= TITLE_LENGTH
    assert len(found.info_json) <= MAX_RECORD_BYTES
    assert "\u202e" not in found.title
    with contextlib.suppress(UserbotError):
        choices_for(found.formats, found.duration_s, MAX_UPLOAD_BYTES)
    record = read_record(found.info_json)
    assert infos.performer_of(record) is None or infos.performer_of(record)
    assert infos.title_of(record)


def test_no_secret_of_a_record_is_kept():
    secret = {"cookies": "session=secret", "http_headers": {"CoOkIe": "secret", "X": "kept"}}
    info = {
        "id": "1",
        "title": "t",
        "formats": [{"format_id": "1", "url": URL, **secret}],
        **secret,
    }
    text = infos.record_of(info)
    assert "secret" not in text
    assert json.loads(text)["formats"][0]["http_headers"] == {"X": "kept"}
