"""What bot and proxy say to each other over the line between them: one word per packet, as JSON.

Both ends are ours. The line is inherited and has no address; secrets travel on it alone.
"""

import json
from dataclasses import asdict, dataclass

MAX_PACKET_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True)
class Start:
    """The bot's first word: what is allowed, as in EGRESS_ALLOW, and which proxies lead where.

    `upstream` is what `domain.site_proxies` writes; None when every connection goes straight.
    """

    allow: tuple[str, ...]
    upstream: str | None


@dataclass(frozen=True, slots=True)
class Ready:
    """The proxy's first word: it listens on this port of 127.0.0.1."""

    port: int


@dataclass(frozen=True, slots=True)
class Add:
    """Let the call `name` pass with `word`; answered by `Added`."""

    name: str
    word: str
    cap_bytes: int


@dataclass(frozen=True, slots=True)
class Added:
    """The call may pass."""

    name: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Let the call pass no more; answered by `Removed`."""

    name: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Nothing of the call is open; what it did. `private_refusals`: ways into private networks.

    `is_link_refused`: the first place that it asked for was one.
    """

    name: str
    moved_bytes: int
    private_refusals: int
    is_link_refused: bool
    is_spent: bool


@dataclass(frozen=True, slots=True)
class Spent:
    """The call has had its bytes, and was cut."""

    name: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something nobody expected, for the log; before `Ready`, the proxy cannot start."""

    reason: str


Word = Start | Ready | Fault | Add | Added | Remove | Removed | Spent
_KINDS: dict[str, type[Word]] = {
    kind.__name__: kind for kind in (Start, Ready, Fault, Add, Added, Remove, Removed, Spent)
}


def encode(word: Word) -> bytes:
    """Return the packet of a word."""
    return json.dumps([type(word).__name__, asdict(word)]).encode()


def decode(packet: bytes) -> Word:
    """Return the word in a packet. Raises ValueError or TypeError for what is none."""
    name, values = json.loads(packet)
    if name not in _KINDS:
        raise ValueError(name)
    if name == Start.__name__:
        values["allow"] = tuple(values["allow"])
    return _KINDS[name](**values)
