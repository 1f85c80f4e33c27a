"""Reads the head of a request, strictly, and writes the one that the site gets.

Only what clients of ours send is understood: CONNECT with `host:port`, or an absolute http address.
Everything doubtful is refused, so that no two readers can disagree about where a request ends.
"""

import base64
import binascii
import re
from dataclasses import dataclass

from userbot.domain.hosts import normal_host
from userbot.domain.urls import DEFAULT_PORTS, MAX_PORT
from userbot.egress.refusals import bad_request, private_refused
from userbot.errors import LinkRefusedError

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 100
MAX_BODY_BYTES = 16 * 1024 * 1024
END = b"\r\n\r\n"

_REQUEST_LINE = re.compile(r"([A-Z]{1,20}) ([\x21-\x7e]+) HTTP/1\.[01]")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):([\t\x20-\x7e\x80-\xff]*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,254})(?::([0-9]{1,5}))?")
_ABSOLUTE = re.compile(r"http://([^/?#]+)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.IGNORECASE)
_LENGTH = re.compile(r"[0-9]{1,16}")
_BASIC = re.compile(r"Basic ([A-Za-z0-9+/=]{1,400})", re.IGNORECASE)
# RFC 9110 7.6.1: what is meant for the next hop alone. "Expect" would have the client wait for us.
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "upgrade", "host", "expect"),
        *("proxy-connection", "proxy-authorization", "proxy-authenticate"),
    }
)
# Left out because "Connection" names it, the body would be another request to the site.
_NEVER_HOP_BY_HOP = {"content-length"}

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for. `host` is normal; `path` is empty for a tunnel."""

    method: str
    host: str
    port: int
    path: str
    headers: Headers
    body_bytes: int
    pass_word: str | None

    @property
    def is_tunnel(self) -> bool:
        """Whether bytes are to be carried unread."""
        return self.method == "CONNECT"

    def head_for_site(self) -> bytes:
        """Return the head that the site gets: one request, and nothing that was meant for us."""
        named = {
            name.strip().lower()
            for header, value in self.headers
            if header.lower() == "connection"
            for name in value.split(",")
        } - _NEVER_HOP_BY_HOP
        place = f"[{self.host}]" if ":" in self.host else self.host
        if self.port != DEFAULT_PORTS["http"]:
            place += f":{self.port}"
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {place}"]
        lines += [
            f"{name}: {value}"
            for name, value in self.headers
            if name.lower() not in _HOP_BY_HOP | named
        ]
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1")


def parse_request(head: bytes) -> Request:
    """Return what head, without its empty line, asks for. Raises Refusal."""
    first, *rest = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None or len(rest) > MAX_HEADERS:
        raise bad_request()
    headers = tuple(_header(text) for text in rest)
    method, target = line[1], line[2]
    if method == "CONNECT":
        (host, port), path = _place(target, None), ""
    else:
        host, port, path = _absolute(target)
    return Request(method, host, port, path, headers, _body_bytes(headers), _pass_word(headers))


def _header(text: str) -> tuple[str, str]:
    found = _HEADER.fullmatch(text)
    if found is None:
        raise bad_request()
    return found[1], found[2].strip(" \t")


def _absolute(target: str) -> tuple[str, int, str]:
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise bad_request()
    host, port = _place(found[1], DEFAULT_PORTS["http"])
    return host, port, (found[2] or "/") + (found[3] or "")


def _place(authority: str, default_port: int | None) -> tuple[str, int]:
    """Read `host:port`, as the link check does; a user name or a zone is no part of it."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None or (found[2] is None and default_port is None):
        raise bad_request()
    port = int(found[2] or default_port or 0)
    if not 0 < port <= MAX_PORT:
        raise bad_request()
    try:
        return normal_host(found[1].strip("[]")), port
    except LinkRefusedError as error:
        raise bad_request() if ":" not in found[1] else private_refused() from error


def _values(headers: Headers, wanted: str) -> list[str]:
    return [value for name, value in headers if name.lower() == wanted]


def _body_bytes(headers: Headers) -> int:
    """Return how long the body is. Chunks are refused: none of our clients sends any."""
    lengths = _values(headers, "content-length")
    if _values(headers, "transfer-encoding") or len(lengths) > 1:
        raise bad_request()
    if not lengths:
        return 0
    if not _LENGTH.fullmatch(lengths[0]) or int(lengths[0]) > MAX_BODY_BYTES:
        raise bad_request()
    return int(lengths[0])


def _pass_word(headers: Headers) -> str | None:
    """Return `name:word` of the caller's pass, None without one that can be read."""
    given = _values(headers, "proxy-authorization")
    found = _BASIC.fullmatch(given[0]) if len(given) == 1 else None
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
