"""The answers of the proxy itself. The bot learns of refusals by its own line, not from these."""

from dataclasses import dataclass

from userbot.domain.calls import PRIVATE_REFUSED

NOT_REACHED = 502


@dataclass(frozen=True, slots=True)
class Answer:
    """A status line of our own; `headers` are whole lines without their end."""

    status: int
    reason: str
    headers: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return all bytes of the answer. It has no body, and ends the connection."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *self.headers]
        lines += ["Content-Length: 0", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("ascii")


class Refusal(Exception):  # noqa: N818 - what ends a request, often through no error of anybody
    """The proxy does not do what it was asked, and says so with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.reason)
        self.answer = answer

    @property
    def is_private(self) -> bool:
        """Whether the place is of the own network."""
        return self.answer.reason == PRIVATE_REFUSED

    @property
    def is_unreachable(self) -> bool:
        """Whether the place may be reached, and only cannot."""
        return self.answer.status == NOT_REACHED


def private_refused() -> Refusal:
    """Return the refusal of a place in a private network."""
    return Refusal(Answer(403, PRIVATE_REFUSED))


def port_refused() -> Refusal:
    """Return the refusal of a port."""
    return Refusal(Answer(403, "Port not allowed"))


def bad_request(reason: str = "Bad Request") -> Refusal:
    """Return the refusal of something that is no request. reason is one of our own texts."""
    return Refusal(Answer(400, reason))


def pass_refused() -> Refusal:
    """Return the refusal of a caller without a pass; ffmpeg sends its own only after this."""
    return Refusal(
        Answer(407, "Proxy Authentication Required", ('Proxy-Authenticate: Basic realm="egress"',))
    )


def too_busy() -> Refusal:
    """Return the refusal of one connection too many."""
    return Refusal(Answer(503, "Too many connections"))


def no_site(reason: str = "The site cannot be reached") -> Refusal:
    """Return the refusal after a site that does not answer."""
    return Refusal(Answer(NOT_REACHED, reason))
