"""What yt-dlp's own errors and sentences mean to us; the sentences are from its extractors."""

import errno
import io
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import (
    HTTPError,
    NoSupportingHandlers,
    SSLError,
    TransportError,
)
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    PostProcessingError,
    RegexNotFoundError,
    UnavailableVideoError,
    UserNotLive,
)
from yt_dlp.utils import UnsupportedError as NothingFoundError

from tests.unit.test_texts import leaves
from tests.unit.worker_messages import MESSAGES
from userbot import errors
from userbot.worker.failures import MAX_DETAIL, disk_error, site_errors, translate
from userbot.worker.options import VendorLog

HINT = "Use --cookies, --cookies-from-browser, --username and --password to provide credentials"


def raised(error: Exception) -> DownloadError:
    """Return error as it leaves YoutubeDL: wrapped, with its traceback."""
    try:
        raise error
    except Exception:  # noqa: BLE001 - whatever it is, it gets its traceback
        return DownloadError(f"ERROR: {error}", sys.exc_info())


def answer(status: int, **headers: str) -> HTTPError:
    return HTTPError(Response(io.BytesIO(), "http://site/", headers, status))


def saying(how, words):
    """Return words as yt-dlp raises them; an extractor's id never takes part in the meaning."""
    named = {"video_id": "private-drm-404", "ie": "site"}
    match how:
        case int(status):
            return raised(ExtractorError(words, cause=answer(status), expected=True, **named))
        case "geo":
            return raised(GeoRestrictedError(words, countries=["FR"]))
        case "live":
            return raised(UserNotLive(words))
        case "file":
            return DownloadError(f"ERROR: {words}")
        case "login":
            words = f"{words}. {HINT}"
    return raised(ExtractorError(words, expected=how != "bug", **named))


@pytest.mark.parametrize(("how", "words", "expected"), MESSAGES)
def test_what_a_site_says_is_understood(how, words, expected):
    assert type(translate(saying(how, words), limit_bytes=1)) is expected


def test_there_are_enough_of_them_and_every_class_is_among_them():
    assert len({words for _, words, _ in MESSAGES}) >= 120
    known = {kind for kind in leaves(errors.SourceError) if kind is not errors.PlaylistError}
    assert known <= {expected for _, _, expected in MESSAGES}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NothingFoundError("http://private.example/drm"), errors.NoVideoError),
        (GeoRestrictedError("Not here", countries=["FR"]), errors.GeoBlockedError),
        (UserNotLive(), errors.LiveError),
        (NoSupportingHandlers([], []), errors.UnsupportedError),
        (ContentTooShortError(10, 20), errors.SiteDownError),
        (TransportError("Connection reset by peer"), errors.SiteDownError),
        (SSLError("certificate verify failed"), errors.SiteDownError),
        (RegexNotFoundError("Unable to extract player"), errors.UnsupportedError),
        (PostProcessingError("ffmpeg exited with code 1"), errors.ToolError),
        (UnavailableVideoError(), errors.SiteDownError),
        (ValueError("Incorrect AES key length (7 bytes)"), errors.BrokenMediaError),
        (ExtractorError("Something else", expected=True), errors.SourceError),
    ],
)
def test_a_type_is_understood_with_and_without_its_wrapping(error, expected):
    assert type(translate(error)) is expected
    assert type(translate(raised(error))) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, errors.LoginNeededError),
        (403, errors.ForbiddenError),
        (404, errors.RemovedError),
        (410, errors.RemovedError),
        (429, errors.RateLimitedError),
        (451, errors.GeoBlockedError),
        (418, errors.ForbiddenError),
        (302, errors.SiteDownError),
        (500, errors.SiteDownError),
        (503, errors.SiteDownError),
    ],
)
def test_a_status_is_found_in_the_text_when_the_cause_is_lost(status, expected):
    error = DownloadError(f"ERROR: [download] Got error: HTTP Error {status}: Reason. Giving up")
    assert type(translate(error)) is expected


def test_a_full_disk_and_a_file_limit_are_told_by_their_numbers():
    full = UnavailableVideoError(OSError(errno.ENOSPC, "No space left on device"))
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(translate(full), errors.DiskFullError)
    too_large = translate(OSError(errno.EFBIG, "File too large"), limit_bytes=7)
    assert isinstance(too_large, errors.TooLargeError)
    assert too_large.limit_bytes == 7
    assert isinstance(
        translate(DownloadError("ERROR: unable to write data: [Errno 28] No space left on device")),
        errors.DiskFullError,
    )
    assert isinstance(disk_error("out.mp4: Disk quota exceeded", 1), errors.DiskFullError)
    assert disk_error("quota exceeded, says a site", 1) is None


def test_an_error_of_our_own_inside_is_taken_as_it_is():
    ours = errors.TooLargeError(3, 2)
    assert translate(raised(ours)) is ours


def test_what_is_in_no_table_flies_on():
    assert translate(KeyError("formats")) is None
    with pytest.raises(ValueError, match="a bug"), site_errors(VendorLog()):
        raise ValueError("a bug")
    with pytest.raises(KeyError), site_errors(VendorLog()):
        raise KeyError("formats")


def test_the_detail_is_bounded_and_ends_with_the_last_warnings():
    log = VendorLog()
    log.warning("a warning")
    with pytest.raises(errors.RemovedError) as caught, site_errors(log):
        raise raised(ExtractorError("Video unavailable", expected=True))
    assert caught.value.detail.endswith("a warning")
    with pytest.raises(errors.RemovedError) as caught, site_errors(log):
        raise ExtractorError("Video unavailable" + " x" * 9999, expected=True)
    assert len(caught.value.detail) == MAX_DETAIL


@pytest.mark.parametrize(
    ("header", "expected"), [("30", 30), (" 7 ", 7), ("soon", None), ("-1", None), ("9" * 9, None)]
)
def test_a_site_that_asks_for_a_pause_is_heard(header, expected):
    error = translate(raised(answer(429, **{"Retry-After": header})))
    assert isinstance(error, errors.RateLimitedError)
    assert error.retry_after_s == expected


@pytest.mark.parametrize(("in_s", "expected"), [(90, 90), (-90, 0)])
def test_a_pause_may_be_given_as_a_date(in_s, expected):
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=in_s), usegmt=True)
    error = translate(raised(answer(429, **{"Retry-After": until})))
    assert isinstance(error, errors.RateLimitedError)
    assert error.retry_after_s == pytest.approx(expected, abs=2)


def test_no_key_gets_into_the_detail():
    log = VendorLog()
    log.warning("Cookie: sid=SECRET1; other=SECRET2")
    with pytest.raises(errors.ForbiddenError) as caught, site_errors(log):
        raise DownloadError("ERROR: HTTP Error 403 https://u:SECRET3@cdn.site/v/1.mp4?key=SECRET4")
    assert "SECRET" not in caught.value.detail
    assert "https://cdn.site/v/1.mp4?" in caught.value.detail


def test_what_a_link_is_remembered_for_would_be_said_again():
    passing = (
        errors.LiveError,
        errors.ForbiddenError,
        errors.BotCheckError,
        errors.RateLimitedError,
        errors.SiteDownError,
        errors.BrokenMediaError,
        errors.SourceError,
    )
    assert not set(passing) & set(errors.PERMANENT)
    assert {*passing, *errors.PERMANENT} == {errors.SourceError, *leaves(errors.SourceError)}


def test_a_page_quoted_as_an_error_is_cut_before_it_is_searched():
    words = "available in A-" * 200_000
    assert type(translate(saying("said", words))) is errors.SourceError
