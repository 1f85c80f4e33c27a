"""Logging: one line per event, plain or JSON, with the id of the job it belongs to.

The last net under the rule that no secret is logged: every line is searched for them.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from config.sections import LogSection, Settings

job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
"""The job that the present task works for."""

HIDDEN = "***"
MIN_SECRET_CHARS = 6  # anything shorter would blacken ordinary words
log = logging.getLogger(__name__)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return every text that must not appear in a line."""
    token = settings.telegram.bot_token.get_secret_value()
    net, store = settings.net, settings.store
    urls = [
        url.get_secret_value() for url in (store.mongo_url, store.redis_url, net.site_proxy) if url
    ]
    return (
        *(token, token.partition(":")[2]),
        settings.telegram.api_hash.get_secret_value(),
        *(text for url in (*urls, *net.site_proxies.proxies) for text in _passwords(url)),
    )


def _passwords(url: str) -> tuple[str, ...]:
    """Return a URL and the password in it, as written and as meant; a socket's is a parameter."""
    parts = urlsplit(url)
    password = parts.password or ""
    return url, password, unquote(password), *parse_qs(parts.query).get("password", ())


def _anyhow_written(secret: str) -> str:
    """Return a pattern for secret, whichever of its signs are escaped for URLs, JSON or Python."""
    return "".join(map(_one_sign, secret))


def _one_sign(sign: str) -> str:
    raw = sign.encode(errors="surrogatepass")
    codes = {json.dumps(sign)[1:-1], repr(sign)[1:-1], ascii(sign)[1:-1], repr(raw)[2:-1]}
    # as often as it was escaped, so many backslashes
    escaped = [re.escape(code).replace(r"\\", r"\\+") for code in codes if code[0] == "\\"]
    escaped.append("".join(f"%{byte:02x}" for byte in raw))
    plain = [rf"\\*{re.escape(sign)}", *([r"\+"] if sign == " " else [])]
    return f"(?:{'|'.join(plain)}|(?i:{'|'.join(escaped)}))"


def set_up(section: LogSection, secrets: Iterable[str]) -> None:
    """Log to standard error from now on, uncaught exceptions and warnings included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((_JsonLines if section.is_json else _PlainLines)(secrets))
    logging.basicConfig(level=section.level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("pyrogram").setLevel(logging.WARNING)  # it logs every update at INFO
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


class _Lines(logging.Formatter):
    """Hides secrets wherever they stand: message, arguments or traceback."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        wanted = {text for text in secrets if len(text) >= MIN_SECRET_CHARS}
        forms = map(_anyhow_written, sorted(wanted, key=len, reverse=True))
        self._secrets = re.compile("|".join(forms) or r"(?!)")

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.sub(HIDDEN, self.line(record, self._at(record), self._trace(record)))

    def line(self, record: logging.LogRecord, at: str, trace: str) -> str:
        raise NotImplementedError

    def _at(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _trace(self, record: logging.LogRecord) -> str:
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join(part for part in (trace, record.stack_info or "") if part)


class _PlainLines(_Lines):
    """For people: a traceback keeps its lines, set off from the events."""

    def line(self, record: logging.LogRecord, at: str, trace: str) -> str:
        job = f" [{job_id.get()}]" if job_id.get() else ""
        message = _printable(record.getMessage())
        rest = "".join(f"\n    | {_printable(line)}" for line in trace.splitlines())
        return f"{at} {record.levelname:<7} {record.name}{job} {message}{rest}"


class _JsonLines(_Lines):
    """For machines: one object per event."""

    def line(self, record: logging.LogRecord, at: str, trace: str) -> str:
        event = {"at": at, "level": record.levelname, "logger": record.name}
        event["message"] = record.getMessage()
        if job := job_id.get():
            event["job"] = job
        if trace:
            event["traceback"] = trace
        return json.dumps(event)


def _printable(text: str) -> str:
    """Escape what could pretend to be another line, or speak to a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    _log_uncaught(arguments.exc_type, arguments.exc_value or SystemExit(), arguments.exc_traceback)
