"""Random values of every TL type, by the schema that Pyrogram's classes carry.

Names of fields decide where anything would be noise: ids are mostly those of people and chats that
there are, texts are what somebody with a grudge would write, buttons carry what buttons carry.
"""

import inspect
import random
import re
import time
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pyrogram import raw

_DEEP, _DEEPEST = 4, 30
_LIST_LENGTHS = (0, 1, 1, 2, 3)
_PARAMETER = re.compile(r"^ {8}(\w+) \((.*)\):$", re.MULTILINE)
_PLAIN = {"int", "str", "bytes", "bool", "float"}
_FLAG = re.compile(r"(flags\d?) \|= \(1 << (\d+)\) if self\.(\w+)")
_DAY_S = 86_400

EDGES = (0, 1, -1, 7, 2**31 - 1, -(2**31))
LONG_EDGES = (*EDGES, 2**31, 2**52, 2**63 - 1, -(2**63))
TRICKS = (
    "",
    "\u202e\u200b\u2066",
    "\ufeff" * 9,
    "x" * 4096,
    "\U0001f600" * 2048,
    "/start@",
    "/start " + "A" * 4000,
    "/queue \x00\x1b[31m",
    "http://",
    "https://[::1",
    "http://169.254.169.254/latest " * 120,
    "http://user:pw@host.example/",
    "http://\u2488.\u2489.example/\u202egpj.exe",
    "ytsearch:cats file:///etc/passwd",
    "<b>&lt;</b> </pre> {0} %s",
    "e\u0301" * 2000,
)


class Field(NamedTuple):
    name: str
    kind: str  # int, str, bytes, bool, float, or a base type's name
    bits: int
    is_list: bool
    is_optional: bool
    flag: str  # those that share one are there together

    @property
    def is_object(self) -> bool:
        return self.kind not in _PLAIN


@dataclass(frozen=True)
class Known:
    """What random updates speak of. Groups by the Bot API's ids."""

    bot_id: int
    users: Sequence[int]
    groups: Sequence[int]
    messages: Sequence[int]
    presses: Sequence[bytes]
    links: Sequence[str]

    @property
    def raw_groups(self) -> list[int]:
        return [-group - 10**12 if group < -(10**12) else -group for group in self.groups]


@cache
def fields_of(kind: type) -> tuple[Field, ...]:
    described = dict(_PARAMETER.findall(kind.__doc__ or ""))
    flags = {name: word + bit for word, bit, name in _FLAG.findall(_source(kind))}
    return tuple(
        _field(name, str(annotation), described.get(name, ""), flags.get(name, name))
        for name, annotation in kind.__init__.__annotations__.items()  # type: ignore[misc]
        if name != "return"
    )


def _source(kind: type) -> str:
    """Of the module, which has this class alone; to find the class in it takes far longer."""
    return Path(inspect.getfile(kind)).read_text()


def _field(name: str, annotation: str, description: str, flag: str) -> Field:
    kind = annotation.removesuffix(" | None")
    is_list = kind.startswith("list[")
    kind = kind.removeprefix("list[").removesuffix("]") if is_list else kind
    bits = re.search(r"(\d+)-bit", description)
    return Field(
        name,
        kind.removeprefix("raw.base."),
        int(bits[1]) if bits else 0,
        is_list,
        annotation.endswith(" | None"),
        flag,
    )


@cache
def constructors(base: str) -> tuple[type, ...]:
    """All of a base type ("Peer", "help.Config"), the plain ones first."""
    found: Any = raw.base
    for part in base.split("."):
        found = getattr(found, part)
    kinds = typing.get_args(found.__union_types__) or (found.__union_types__,)
    return tuple(sorted(kinds, key=lambda kind: (_needed(kind), kind.__name__)))


def _needed(kind: type) -> int:
    return sum(f.is_object and not f.is_optional and not f.is_list for f in fields_of(kind))


class Values:
    """Makes them; the same `seed` makes the same ones."""

    def __init__(self, seed: int, known: Known) -> None:
        self.random = random.Random(seed)
        self.known = known
        self._plain: dict[str, Callable[[Field], Any]] = {
            "int": self._int,
            "str": lambda _field: self.text(),
            "bytes": lambda _field: self.data(),
            "bool": lambda _field: True,
            "float": lambda _field: self.random.choice((0.0, -1.5, 1e300, float("nan"))),
        }

    def any(self, base: str, depth: int = 0) -> Any:
        """A value of any constructor of a base type."""
        kinds = constructors(base)
        kind = kinds[0] if depth >= _DEEP else self.random.choice(kinds)
        return self.made(kind, depth)

    def made(self, kind: type, depth: int = 0, **fixed: Any) -> Any:
        """A value of one constructor, with some fields as they are given."""
        if depth > _DEEPEST:
            raise RecursionError(kind)
        values = {**self._own(kind), **fixed}
        absent: dict[str, bool] = {}
        chance = 0.0 if depth >= _DEEP else 0.3 if depth < 2 else 0.1
        for field in fields_of(kind):
            is_absent = absent.setdefault(field.flag, self.random.random() > chance)
            if field.name not in values:
                is_left_out = field.is_optional and is_absent
                values[field.name] = None if is_left_out else self._value(field, depth)
        return kind(**values)

    def text(self) -> str:
        """What somebody might write to a bot, or Telegram never lets through."""
        known = self.known
        parts = (*TRICKS, *known.links, f"@{known.bot_id}", "hello", "/help", "/mydata", "/history")
        return "".join(self.random.choice(parts) for _ in range(self.random.choice((1, 1, 2))))

    def data(self) -> bytes:
        """What a button might carry."""
        press = self.random.choice(self.known.presses)
        return self.random.choice(
            (press, press, self.mutated(press), self.random.randbytes(self.random.randrange(65)))
        )

    def mutated(self, body: bytes) -> bytes:
        """Bytes changed, cut or repeated."""
        at = self.random.randrange(len(body) + 1)
        some = self.random.randbytes(self.random.choice((1, 1, 4, 8)))
        return self.random.choice(
            (body[:at] + some + body[at + len(some) :], body[:at], body[:at] + some + body[at:])
        )

    def date(self) -> int:
        now = int(time.time())
        return self.random.choice((now, now, now, now - 2 * _DAY_S, now + _DAY_S, 0, -1, 2**31 - 1))

    def user_id(self) -> int:
        return self._or_edge(self.known.users)

    def _value(self, field: Field, depth: int) -> Any:
        if field.is_list:
            lengths = _LIST_LENGTHS[field.is_optional :]  # Pyrogram writes no empty one there
            length = self.random.choice(lengths) if depth < _DEEP else int(field.is_optional)
            return [self._one(field, depth) for _ in range(length)]
        return self._one(field, depth)

    def _one(self, field: Field, depth: int) -> Any:
        if field.is_object:
            return self.any(field.kind, depth + 1)
        return self._plain[field.kind](field)

    def _int(self, field: Field) -> int:
        if field.bits == 64:
            is_id = field.name.endswith("id")
            return self.user_id() if is_id else self.random.choice(LONG_EDGES)
        if field.bits > 64:
            return self.random.getrandbits(field.bits - 1)
        if field.name.endswith("date"):
            return self.date()
        return self._or_edge(self.known.messages) if "id" in field.name else self._small()

    def _small(self) -> int:
        return self.random.choice((*EDGES, self.random.randrange(5000)))

    def _or_edge(self, known: Sequence[int]) -> int:
        is_known = bool(known) and self.random.random() < 0.8
        return self.random.choice(known if is_known else LONG_EDGES[: len(EDGES)])

    def _own(self, kind: type) -> dict[str, Any]:
        """The fields that make a peer one of those there are. Telegram knows their hashes."""
        name = kind.__name__
        group: Any = self._or_edge(self.known.raw_groups)
        own: dict[str, dict[str, Any]] = {
            "PeerChannel": {"channel_id": group},
            "PeerChat": {"chat_id": group},
            "User": {"id": self.user_id(), "access_hash": 0},
            "UserEmpty": {"id": self.user_id()},
            "Chat": {"id": group},
            "Channel": {"id": group, "access_hash": 0},
            "ChannelForbidden": {"id": group, "access_hash": 0},
            "Community": {"access_hash": 0},
            "CommunityForbidden": {"access_hash": 0},
        }
        return own.get(name, {})
