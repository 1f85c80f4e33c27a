"""The control's connection: calls and their answers, and all that happens as it happens."""

import asyncio
import json
from typing import Any, cast

from tests.telegram_dc.wire import Event, event_from, plain, to_json

CALL_TIMEOUT_S = 30


class DataCentreError(Exception):
    """The data centre refused what the control asked, or is gone."""


class Lines(asyncio.Protocol):
    """Answers to their futures, events to the list of all."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.lost = False
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(DataCentreError("the data centre is gone"))
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            self._line(plain(json.loads(line)))

    def _line(self, value: dict[str, Any]) -> None:
        if "event" in value:
            self.events.append(event_from(value["event"]))
            self._wake()
            return
        future = self.waiting.pop(value["id"], None)
        if future is None or future.done():
            return
        if "error" in value:
            kind = TimeoutError if value.get("timeout") else DataCentreError
            future.set_exception(kind(value["error"]))
        else:
            future.set_result(value["ok"])

    def _wake(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()


class Remote:
    """What every room of the control is made of."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._next_id = 0

    async def _call(self, op: str, /, within_s: float = CALL_TIMEOUT_S, **args: Any) -> Any:
        lines = self._lines
        if lines.lost or lines.transport is None:
            raise DataCentreError("the data centre is gone")
        self._next_id += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lines.waiting[self._next_id] = future
        request = {"id": self._next_id, "op": op, "args": to_json(args)}
        lines.transport.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(within_s):
            return await future
