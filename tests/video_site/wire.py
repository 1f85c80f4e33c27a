"""HTTP/1.1 as this site speaks it: requests, responses, ranges. No I/O but reading a head."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.video_site.bodies import Body, plain

MAX_REQUEST_BODY_BYTES = 1024 * 1024


class BadRequestError(Exception):
    """What the client sent is no HTTP request, or one with a wrong parameter."""


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query as sent; header names are in lower case."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True, slots=True)
class Response:
    """`start` and `stop` bound what is sent of the body; `stop` None: all of it."""

    body: Body
    status: int = 200
    content_type: str | None = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    start: int = 0
    stop: int | None = None

    @property
    def length_bytes(self) -> int | None:
        """How much is to be sent; None when the body never ends."""
        end = self.body.size_bytes if self.stop is None else self.stop
        return None if end is None else end - self.start


def text(content: str, content_type: str = "text/html; charset=utf-8") -> Response:
    """Return a response with `content` in UTF-8."""
    return Response(plain(content.encode(errors="surrogatepass")), content_type=content_type)


def refusal(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Return a small page with `status`."""
    title = f"{status} {_phrase(status)}"
    page = text(f"<!doctype html><title>{title}</title><h1>{title}</h1>\n")
    return replace(page, status=status, headers=headers or {})


def redirect(location: str, status: int = 302) -> Response:
    """Return a redirect to `location`, which may be relative."""
    safe = location.replace("\r", "").replace("\n", "")
    return Response(plain(b""), status=status, headers={"Location": safe})


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read one request and its body, which is dropped; None when the client is done.

    Raises `BadRequestError` for anything else than HTTP.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequestError("the head was cut off") from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequestError("the head is too long") from error
    request = parse_head(head)
    await _drop_body(reader, request.headers.get("content-length", "0"))
    return request


def parse_head(head: bytes) -> Request:
    """Parse a request head up to and with its empty line. Raises `BadRequestError`."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequestError(f"not a request line: {first[:100]!r}")
    try:
        parts = urlsplit(words[1])
    except ValueError as error:
        raise BadRequestError(str(error)) from error
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if words[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Request(
        method=words[0],
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
    )


async def _drop_body(reader: asyncio.StreamReader, length: str) -> None:
    if not length.isdigit() or int(length) > MAX_REQUEST_BODY_BYTES:
        raise BadRequestError(f"a body of {length[:20]} bytes")
    try:
        await reader.readexactly(int(length))
    except asyncio.IncompleteReadError as error:
        raise BadRequestError("the body was cut off") from error


def in_range(request: Request, response: Response) -> Response:
    """Return the part of `response` that `request` asks for, or 416, or all of it.

    Several ranges at once, an end before the start and a stale If-Range are answered with
    everything, as RFC 9110 section 14.2 allows.
    """
    size = response.body.size_bytes
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if response.status != 200 or size is None or asked is None:
        return response
    expected = request.headers.get("if-range")
    if expected is not None and expected != response.headers.get("ETag"):
        return response
    bounds = _bounds(asked[1], asked[2], size)
    if bounds is None:
        return response
    start, stop = bounds
    if start >= size or stop <= start:
        return refusal(416, {"Content-Range": f"bytes */{size}"})
    headers = {**response.headers, "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return replace(response, status=206, headers=headers, start=start, stop=stop)


def _bounds(first: str, last: str, size: int) -> tuple[int, int] | None:
    if not first and not last:
        return None
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def head_bytes(response: Response, *, length_bytes: int | None, keeps_alive: bool) -> bytes:
    """Return the response's head, declaring `length_bytes` (None: not declared)."""
    lines = [f"HTTP/1.1 {response.status} {_phrase(response.status)}", "Server: harbour"]
    if response.content_type is not None:
        lines.append(f"Content-Type: {response.content_type}")
    if length_bytes is not None:
        lines.append(f"Content-Length: {length_bytes}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"Connection: {'keep-alive' if keeps_alive else 'close'}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", errors="surrogateescape")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Whatever"
