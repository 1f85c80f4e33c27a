"""Reads the head of a site's answer: where it ends, how long the body is, what is not passed on.

Lenient, as browsers are: what a site sends is the client's to judge. Only that the connection ends
after this one answer is ours to say.
"""

import re
from dataclasses import dataclass

from userbot.egress.refusals import no_site

MAX_HEAD_BYTES = 128 * 1024
EMPTY_STATUSES = (204, 304)

LONGEST_END = 4
_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r?")
_DROPPED = (b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate")
_LENGTH = re.compile(rb"[0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of an answer for the client; `body_bytes` is None when the connection ends it."""

    status: int
    head: bytes
    body_bytes: int | None

    @property
    def is_interim(self) -> bool:
        """Whether another answer follows."""
        return self.status < 200


def end_of_head(received: bytes | bytearray, seen_bytes: int = 0) -> int | None:
    """Return where the body begins, None while a part of the head is missing. Raises Refusal.

    seen_bytes: how much was looked at before, so that nobody has us read it all again.
    """
    found = _END.search(received, max(0, seen_bytes - LONGEST_END + 1))
    if found is None and len(received) > MAX_HEAD_BYTES:
        raise no_site("The site's answer has no end")
    return found.end() if found else None


def parse_reply(head: bytes, method: str) -> Reply:
    """Return the answer to a request of method. Raises Refusal for what is no HTTP."""
    first, *lines = head.rstrip(b"\r\n").split(b"\n")
    found = _STATUS.fullmatch(first)
    if found is None:
        raise no_site("The site does not speak HTTP")
    status = int(found[1])
    kept = [line.rstrip(b"\r") for line in lines if _name(line) not in _DROPPED]
    whole = b"\r\n".join([first.rstrip(b"\r"), *kept, b"Connection: close", b"", b""])
    is_empty = method == "HEAD" or status in EMPTY_STATUSES
    return Reply(status, whole, 0 if is_empty else _length(lines))


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _length(lines: list[bytes]) -> int | None:
    """Return how long the body is, None unless there is one length and no chunks."""
    if any(_name(line) == b"transfer-encoding" for line in lines):
        return None
    told = {line.partition(b":")[2].strip() for line in lines if _name(line) == b"content-length"}
    one = told.pop() if len(told) == 1 else b""
    return int(one) if _LENGTH.fullmatch(one) else None
