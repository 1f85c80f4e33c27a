"""What yt-dlp raises, and what it means: tables from types, statuses and sentences to our errors.

Its messages hold addresses and hints for its command line, so they end in `detail`, which only the
owner sees. What is in no table is a bug and flies on.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
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
    AgeRestrictedError,
    BotCheckError,
    BrokenMediaError,
    DiskFullError,
    DrmError,
    ForbiddenError,
    GeoBlockedError,
    LiveError,
    LoginNeededError,
    NoVideoError,
    PrivateError,
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

MAX_DETAIL = 500
_MAX_CHAIN = 10
_BUG = "please report this issue"  # how yt-dlp marks what its extractor did not expect

Told = type[SourceError] | type[ToolError]

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

_Rules = tuple[tuple[re.Pattern[str], Told], ...]


def _rules(*sentences: tuple[str, Told]) -> _Rules:
    return tuple((re.compile(pattern, re.IGNORECASE), told) for pattern, told in sentences)


_SENTENCES = _rules(
    (r"\bDRM\b", DrmError),
    (r"not a bot|captcha|anti-bot|are you human|security check|JS challenge", BotCheckError),
    (
        r"age.?(?:restrict|verif|gate|limit)|(?:confirm|verify) your age"
        r"|inappropriate for some users",
        AgeRestrictedError,
    ),
    (
        r"private (?:video|account|post|content)|password.protected|protected tweet"
        r"|(?:video|post|account|profile|content|clip|user|playlist) is private"
        r"|members[- ]only|join this channel|(?:available|visible) (?:only )?(?:to|for) (?:\w+ )?"
        r"(?:members|subscribers|followers|patrons)",
        PrivateError,
    ),
    (
        r"geo.?(?:restrict|block)|available (?:in|from|for|to) your (?:country|location|region)"
        r"|blocked it in your country|outside (?:of )?your (?:country|region)",
        GeoBlockedError,
    ),
    (r"IP address is (?:blocked|unable)", ForbiddenError),
    (r"rate.?limit|too many requests|play limit|quota exceeded", RateLimitedError),
    (
        r"registered users|premium members|--cookies|--username|\bsign in\b|account credentials"
        r"|\blog(?:ged)?.?in (?:to|is|required|first|needed)|needs? (?:to )?log.?in"
        r"|logged.?in\b"
        r"|requires? (?:an? )?(?:login|account|authentication|subscription|payment|purchase)"
        r"|authentication is required|not have access|need to purchase",
        LoginNeededError,
    ),
    (
        r"(?:video|content|media|clip) (?:is )?(?:unavailable|not available|not found)"
        r"|no longer (?:available|exists?)|(?:does not|doesn.t) exist|copyright|\bexpired\b"
        r"|(?:has been|was|been) (?:removed|deleted|taken down)|could not be found",
        RemovedError,
    ),
    (
        r"live ?(?:stream|event|broadcast)|premieres? in|(?:not currently|is) live\b"
        r"|is (?:currently )?offline|has not (?:yet )?(?:started|begun)",
        LiveError,
    ),
)
"""What a site says in words outranks the status it says it with."""

_LATE_SENTENCES = _rules(
    (
        r"is not a valid URL|unsupported url scheme|unusual and will be skipped"
        r"|Invalid (?:IPv6|URL)|Failed to parse",
        UnsupportedError,
    ),
    (r"AES (?:key|data)|decrypt|padding|file is empty|any data blocks", BrokenMediaError),
    (
        r"timed out|connection (?:reset|refused|aborted|broken)|name or service"
        r"|temporary failure|more expected|\bfragment \d+ not found",
        SiteDownError,
    ),
    (r"ffmpeg (?:is not|not found|exited|could not)", ToolError),
    (r"\bno (?:\w+ )?(?:video|media|format)|format is not available", NoVideoError),
    (f"{_BUG}|unable to extract", UnsupportedError),  # an extractor that no longer knows its site
)
"""For errors that carry no status."""

_STATUS_IN_TEXT = re.compile(r"HTTP Error (\d{3})")

_STATUSES: dict[int, Told] = {
    401: LoginNeededError,
    402: LoginNeededError,
    403: ForbiddenError,
    404: RemovedError,
    410: RemovedError,
    429: RateLimitedError,
    451: GeoBlockedError,
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
    text = " ".join(map(_text, chain))
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
        or _by_sentence(chain, _SENTENCES)
        or _by_status(chain)
        or _by_sentence(chain, _LATE_SENTENCES)
        or _by_nature(chain)
    )
    if told is None:
        return None
    detail = "\n".join(filter(None, (_text(chain[0]), warnings)))[:MAX_DETAIL]
    if told is RateLimitedError:
        return RateLimitedError(detail, _retry_after_s(chain))
    return told(detail)


def _retry_after_s(chain: list[BaseException]) -> float | None:
    """Return RFC 9110's Retry-After in seconds; a date instead is rare and not read."""
    for link in chain:
        if isinstance(link, HTTPError):
            text = (link.response.headers.get("Retry-After") or "").strip()
            if text.isdecimal() and len(text) < 7:
                return float(text)
    return None


def _by_type(chain: list[BaseException]) -> Told | None:
    for link in chain:
        for kind, told in _TYPES:
            if isinstance(link, kind):
                return told
    return None


def _by_sentence(chain: list[BaseException], rules: _Rules) -> Told | None:
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
        return NoVideoError
    if isinstance(chain[0], UnavailableVideoError | YoutubeDLError):
        return SiteDownError
    return None


def _text(error: BaseException) -> str:
    """Return what error says, without the identifiers that yt-dlp puts around a sentence."""
    if isinstance(error, ExtractorError):
        suffix = "" if error.expected else f"; {_BUG}"
        return f"{error.orig_msg}{suffix}"
    return str(error)
