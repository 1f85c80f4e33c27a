"""What yt-dlp raises, and what it means to us. What is in no table is a bug and flies on.

First by type, then by what an extractor says in its own words, then by the HTTP status behind it,
then by any words, at last by the kind of thing. Words come before the status because extractors
look at it: Reddit's "Account authentication is required" is a 403, and not "forbidden".

Messages hold addresses and hints for a command line, so they end, redacted, in `detail`, which only
the owner sees.
"""

import errno
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from yt_dlp.networking.exceptions import (
    HTTPError,
    NoSupportingHandlers,
    RequestError,
    TransportError,
    UnsupportedRequest,
)
from yt_dlp.utils import (
    ContentTooShortError,
    ExtractorError,
    GeoRestrictedError,
    PostProcessingError,
    UnavailableVideoError,
    UserNotLive,
    YoutubeDLError,
)
from yt_dlp.utils import UnsupportedError as NothingFoundError

from userbot.errors import (
    BotCheckError,
    DiskFullError,
    ForbiddenError,
    GeoBlockedError,
    LiveError,
    LoginNeededError,
    NoVideoError,
    RateLimitedError,
    RemovedError,
    SiteDownError,
    SourceError,
    TooLargeError,
    ToolError,
    UnsupportedError,
    UserbotError,
)
from userbot.worker.options import VendorLog
from userbot.worker.redact import head, redact
from userbot.worker.sentences import ANY_WORDS, BUG, OWN_WORDS, Rules, Told

MAX_DETAIL = 500
MAX_TEXT = 4000  # a site may quote a whole page; patterns must stay quick
MAX_RETRY_AFTER_S = 999_999
_MAX_CHAIN = 10

_TYPES: tuple[tuple[type[BaseException], Told], ...] = (
    (NothingFoundError, NoVideoError),
    (GeoRestrictedError, GeoBlockedError),
    (UserNotLive, LiveError),
    (NoSupportingHandlers, UnsupportedError),
    (UnsupportedRequest, UnsupportedError),
    (UnicodeError, UnsupportedError),  # a host that is none
    (ContentTooShortError, SiteDownError),
    (PostProcessingError, ToolError),
)

_STATUS_IN_TEXT = re.compile(r"HTTP Error (\d{3})")

_STATUSES: dict[int, Told] = {
    401: LoginNeededError,
    402: LoginNeededError,
    403: ForbiddenError,
    404: RemovedError,
    408: SiteDownError,
    410: RemovedError,
    412: BotCheckError,  # Bilibili
    425: SiteDownError,
    429: RateLimitedError,
    451: GeoBlockedError,
    999: BotCheckError,  # LinkedIn
}


@contextmanager
def site_errors(log: VendorLog, limit_bytes: int = 0) -> Iterator[None]:
    """Raise what yt-dlp raises inside as an error of ours, with its last warnings in the detail."""
    try:
        yield
    except (YoutubeDLError, OSError, HTTPException, ValueError) as error:
        known = translate(error, log.tail, limit_bytes)
        if known is None:
            raise
        raise known from error


def translate(
    error: BaseException, warnings: str = "", limit_bytes: int = 0
) -> UserbotError | None:
    """Return what error means to us, None when it is a bug."""
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, UserbotError):
            return link
    return _disk_error(chain, limit_bytes) or _told_error(chain, warnings)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, then what it was made of: yt-dlp keeps that in three different places."""
    link: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if link is None:
            return
        yield link
        link = _inner(link)


def _inner(error: BaseException) -> BaseException | None:
    exc_info = getattr(error, "exc_info", None) or (None, None)
    inner = getattr(error, "cause", None) or exc_info[1] or error.__cause__ or error.__context__
    return inner if isinstance(inner, BaseException) and inner is not error else None


def _disk_error(chain: list[BaseException], limit_bytes: int) -> UserbotError | None:
    codes = {link.errno for link in chain if isinstance(link, OSError)}
    is_told_by_site = any(isinstance(link, ExtractorError) for link in chain)
    text = "" if is_told_by_site else " ".join(map(_text, chain))  # not our disk, then
    return disk_error(text, limit_bytes, codes)


def disk_error(
    text: str, limit_bytes: int, codes: set[int | None] | None = None
) -> UserbotError | None:
    """Return the error when text or errno codes speak of a full disk or of the file size limit."""
    codes = codes or set()
    if codes & {errno.ENOSPC, errno.EDQUOT} or re.search(
        r"No space left on|Errno 28\b|Disk quota exceeded", text
    ):
        return DiskFullError()
    if errno.EFBIG in codes or re.search(r"File too large|Errno 27\b", text):
        return TooLargeError(None, limit_bytes)
    return None


def _told_error(chain: list[BaseException], warnings: str) -> UserbotError | None:
    told = (
        _by_type(chain)
        or _by_sentence(chain, OWN_WORDS)
        or _by_status(chain)
        or _by_sentence(chain, ANY_WORDS)
        or _by_nature(chain)
    )
    if told is None:
        return None
    text = "\n".join(filter(None, (_text(chain[0]), head(warnings, MAX_TEXT))))
    detail = redact(text)[:MAX_DETAIL]
    if told is RateLimitedError:
        return RateLimitedError(detail, _retry_after_s(chain))
    return told(detail)


def _retry_after_s(chain: list[BaseException]) -> float | None:
    """Return RFC 9110's Retry-After in seconds: it is a number of them, or a date."""
    for link in chain:
        if isinstance(link, HTTPError):
            text = (link.response.headers.get("Retry-After") or "").strip()
            return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else _until(text)
    return None


def _until(date: str) -> float | None:
    try:
        left_s = parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return max(0.0, left_s) if left_s < MAX_RETRY_AFTER_S else None


def _by_type(chain: list[BaseException]) -> Told | None:
    for link in chain:
        for kind, told in _TYPES:
            if isinstance(link, kind):
                return told
    return None


def _by_sentence(chain: list[BaseException], rules: Rules) -> Told | None:
    """Look at the extractor's own words; what is around them holds ids and addresses."""
    sayings = [link for link in chain if isinstance(link, ExtractorError)] or chain
    for link in sayings:
        if isinstance(link, HTTPError):
            continue  # its words are the status line's
        text = _text(link)
        for pattern, told in rules:
            if pattern.search(text):
                return told
    return None


def _by_status(chain: list[BaseException]) -> Told | None:
    statuses = [link.status for link in chain if isinstance(link, HTTPError)]
    statuses += [int(found[1]) for link in chain if (found := _STATUS_IN_TEXT.search(_text(link)))]
    if not statuses:
        return None
    fallback = ForbiddenError if 400 <= statuses[0] < 500 else SiteDownError
    return _STATUSES.get(statuses[0], fallback)


def _by_nature(chain: list[BaseException]) -> Told | None:
    """Tell at least what kind of thing went wrong."""
    if any(isinstance(link, TransportError | ConnectionError | TimeoutError) for link in chain):
        return SiteDownError
    if any(isinstance(link, HTTPException | RequestError) for link in chain):
        return SiteDownError
    if any(isinstance(link, ExtractorError) for link in chain):
        return SourceError
    if isinstance(chain[0], UnavailableVideoError | YoutubeDLError):
        return SiteDownError
    return None


def _text(error: BaseException) -> str:
    """Return what error says, without the identifiers that yt-dlp puts around a sentence."""
    if isinstance(error, ExtractorError):
        suffix = "" if error.expected else f"; {BUG}"
        return f"{head(str(error.orig_msg), MAX_TEXT)}{suffix}"
    return head(str(error), MAX_TEXT)
