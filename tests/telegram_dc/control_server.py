"""The control: JSON lines over loopback TCP, to act as users and to read what the bot did.

A request is {"id", "op", "args"}; its answer {"id", "ok"} or {"id", "error", "timeout"}. Every
event is sent as {"event"} to every connection, from the first event on.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.operations.chats import Chats
from tests.telegram_dc.operations.people import People
from tests.telegram_dc.operations.pushing import Pushing
from tests.telegram_dc.operations.reading import Reading
from tests.telegram_dc.operations.trouble import Trouble
from tests.telegram_dc.server import Server
from tests.telegram_dc.wire import Event, plain, to_json

log = logging.getLogger(__name__)


class Control(People, Chats, Reading, Trouble, Pushing):
    """All operations there are."""


class ControlProtocol(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._control = Control(server)
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        for event in self._server.journal.events:
            self._tell(event)
        self._server.journal.listeners.append(self._tell)

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.journal.listeners.remove(self._tell)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._server.tasks.create_task(self._handle(json.loads(line)))

    async def _handle(self, request: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            answer["ok"] = to_json(await self._operation(request["op"])(**plain(request["args"])))
        except TimeoutError:
            answer |= {"error": f"{request['op']}: not in time", "timeout": True}
        except Exception as error:
            if not isinstance(error, ControlError):
                log.exception("control: %s failed", request["op"])
            answer["error"] = f"{type(error).__name__}: {error}"
        self._send(answer)

    def _operation(self, name: str) -> Callable[..., Awaitable[Any]]:
        operation = getattr(self._control, name, None)
        if not re.fullmatch("[a-z][a-z_]*", name) or not callable(operation):
            raise ControlError(f"no operation {name}")
        found: Callable[..., Awaitable[Any]] = operation
        return found

    def _tell(self, event: Event) -> None:
        self._send({"event": to_json(event)})

    def _send(self, value: dict[str, Any]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(json.dumps(value).encode() + b"\n")
