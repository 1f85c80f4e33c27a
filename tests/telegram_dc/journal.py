"""Everything that happened, in order, and who wants to hear of it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.telegram_dc.wire import Event, Flood, Message, Violation

_MAX_EVENTS = 200_000


@dataclass
class Journal:
    events: list[Event] = field(default_factory=list)
    rpc: Counter[str] = field(default_factory=Counter)
    floods: list[Flood] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)

    def add(
        self,
        kind: str,
        *,
        method: str = "",
        chat_id: int | None = None,
        message: Message | None = None,
        **data: Any,
    ) -> None:
        event = Event(len(self.events), time.monotonic(), kind, method, chat_id, message, data)
        if len(self.events) < _MAX_EVENTS:
            self.events.append(event)
        for listener in tuple(self.listeners):
            listener(event)

    def call(self, method: str, error: str = "") -> None:
        self.rpc[method] += 1
        self.add("rpc", method=method, error=error)

    def flood(self, method: str, chat_id: int, seconds: int) -> None:
        self.floods.append(Flood(method, chat_id, seconds, time.monotonic()))
        self.add("flood", method=method, chat_id=chat_id, seconds=seconds)

    def violation(self, kind: str, method: str, detail: str = "") -> None:
        """Something a client must not do."""
        self.violations.append(Violation(kind, method, detail, time.monotonic()))
        self.add("violation", method=method, violation=kind, detail=detail)
