"""What the control tells its users: plain values, and their JSON form. Standard library only."""

import base64
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Button(NamedTuple):
    text: str
    data: bytes | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Thumb:
    path: Path
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Media:
    """A file as Telegram stored it; `path` is the assembled file on disk."""

    kind: str  # video, audio, voice, animation, document, photo
    id: int
    file_name: str | None
    mime_type: str
    size: int
    sha256: str
    path: Path
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    supports_streaming: bool = False
    nosound: bool = False
    title: str | None = None
    performer: str | None = None
    thumb: Thumb | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        names = (
            "duration",
            "width",
            "height",
            "supports_streaming",
            "nosound",
            "title",
            "performer",
        )
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Entity:
    """Offsets and lengths count UTF-16 units, as Telegram does."""

    type: str  # url, text_link, bot_command, bold, ...
    offset: int
    length: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    chat_id: int
    sender_id: int
    text: str
    date: int
    out: bool  # written by the bot
    entities: tuple[Entity, ...] = ()
    reply_to: int | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    media: Media | None = None
    edits: int = 0
    deleted: bool = False
    album_id: int | None = None
    reactions: tuple[str, ...] = ()  # the bot's
    topic: int | None = None  # of a forum; None: the general one
    service: str | None = None  # what a service message is about: chat_add_user, topic_create ...

    def button(self, text: str) -> Button:
        """The first button whose text contains `text`. Raises LookupError when there is none."""
        for row in self.buttons:
            for button in row:
                if text in button.text:
                    return button
        raise LookupError(f"no button with {text!r} in {self.buttons!r}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message with media from the bot."""

    chat_id: int
    message_id: int
    reply_to: int | None
    topic: int | None
    random_id: int | None
    kind: str
    document_id: int
    size: int
    sha256: str
    album_id: int | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A bot's answer to the press of a button."""

    text: str | None
    alert: bool
    url: str | None
    seconds: float  # from the press to the answer


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, `at` on this machine's monotonic clock.

    Kinds: send edit delete reaction answer rpc flood violation (by the bot), user_message user_edit
    user_delete press (by the control), connect disconnect outage outage_over.
    """

    index: int
    at: float
    kind: str
    method: str = ""
    chat_id: int | None = None
    message: Message | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Flood(NamedTuple):
    method: str
    chat_id: int
    seconds: int
    at: float


class Violation(NamedTuple):
    kind: str
    method: str
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class Stats:
    rpc: dict[str, int]
    floods: tuple[Flood, ...]
    violations: tuple[Violation, ...]
    bytes_received: int
    connections: int  # open now
    connections_made: int
    parts: int


def to_json(value: Any) -> Any:
    """`value` in JSON's types; bytes become {"$": base64}."""
    if isinstance(value, bytes):
        return {"$": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def plain(value: Any) -> Any:
    """JSON's types with {"$": base64} turned back into bytes."""
    if isinstance(value, dict):
        if set(value) == {"$"}:
            return base64.b64decode(value["$"])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def message_from(value: dict[str, Any]) -> Message:
    fields = dict(value)
    fields["entities"] = tuple(Entity(**entity) for entity in value["entities"])
    fields["buttons"] = tuple(tuple(Button(*button) for button in row) for row in value["buttons"])
    fields["media"] = media_from(value["media"]) if value["media"] else None
    fields["reactions"] = tuple(value["reactions"])
    return Message(**fields)


def media_from(value: dict[str, Any]) -> Media:
    fields = dict(value) | {"path": Path(value["path"])}
    if thumb := value["thumb"]:
        fields["thumb"] = Thumb(**(thumb | {"path": Path(thumb["path"])}))
    return Media(**fields)


def event_from(value: dict[str, Any]) -> Event:
    message = message_from(value["message"]) if value["message"] else None
    return Event(**(value | {"message": message}))


def stats_from(value: dict[str, Any]) -> Stats:
    return Stats(
        **(
            value
            | {
                "floods": tuple(Flood(*item) for item in value["floods"]),
                "violations": tuple(Violation(*item) for item in value["violations"]),
            }
        )
    )
