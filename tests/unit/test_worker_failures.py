"""What yt-dlp's own errors and sentences mean to us; the sentences are from its extractors."""

import errno
import sys

import pytest
from yt_dlp.networking.exceptions import (
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

from userbot import errors
from userbot.worker.failures import MAX_DETAIL, disk_error, site_errors, translate
from userbot.worker.options import VendorLog

HINT = " Use --cookies, --cookies-from-browser, --username and --password to provide credentials"

SENTENCES = [
    ("This video is DRM protected", errors.DrmError),
    ("Sign in to confirm you\u2019re not a bot." + HINT, errors.BotCheckError),
    ("Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again", errors.BotCheckError),
    (
        "Sign in to confirm your age. This video may be inappropriate for some users.",
        errors.AgeRestrictedError,
    ),
    (
        "Private video. Sign in if you've been granted access to this video" + HINT,
        errors.PrivateError,
    ),
    (
        "Join this channel to get access to members-only content like this video, and other perks.",
        errors.PrivateError,
    ),
    ("This account is private", errors.PrivateError),
    ("You are not authorized to view this protected tweet", errors.PrivateError),
    ("Password protected video, use --video-password <password>", errors.PrivateError),
    (
        "The uploader has not made this video available in your country",
        errors.GeoBlockedError,
    ),
    ("Your IP address is blocked from accessing this post", errors.ForbiddenError),
    ("You have exceeded the rate limit. Try again later", errors.RateLimitedError),
    ("Quota exceeded for this file, try again later", errors.RateLimitedError),
    ("This video is only available for registered users." + HINT, errors.LoginNeededError),
    ("NSFW tweet requires authentication." + HINT, errors.LoginNeededError),
    ("You need to log in to access this content", errors.LoginNeededError),
    ("Your account does not have access to this content", errors.LoginNeededError),
    ("This video requires a subscription", errors.LoginNeededError),
    ("Video unavailable. This video has been removed by the uploader", errors.RemovedError),
    ("Video not available, status code 10204", errors.RemovedError),
    ("This content is no longer available", errors.RemovedError),
    ("This live event will begin in 5 hours.", errors.LiveError),
    ("Premieres in 2 hours", errors.LiveError),
    ("This livestream has not yet started", errors.LiveError),
    ("The channel is not currently live", errors.LiveError),
    ("No video could be found in this tweet", errors.NoVideoError),
    ("No video formats found!", errors.NoVideoError),
    ("Requested format is not available", errors.NoVideoError),
    ("'ftp' is not a valid URL", errors.UnsupportedError),
]


def raised(error: Exception) -> DownloadError:
    """Return error as it leaves YoutubeDL: wrapped, with its traceback."""
    try:
        raise error
    except Exception:  # noqa: BLE001 - whatever it is, it gets its traceback
        return DownloadError(f"ERROR: {error}", sys.exc_info())


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_an_extractors_sentence_is_understood(sentence, expected):
    error = raised(ExtractorError(sentence, expected=True, video_id="private-drm-404", ie="site"))
    assert type(translate(error)) is expected


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
        (ExtractorError("Something else", expected=True), errors.NoVideoError),
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
        raise ExtractorError("Video unavailable " + "x" * 9999, expected=True)
    assert len(caught.value.detail) == MAX_DETAIL
