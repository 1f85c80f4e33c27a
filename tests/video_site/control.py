"""The control interface, on a port of its own so that it does not show in what it tells.

GET only, JSON out: /requests, /stats, /reset, /release?name=N, /held?name=N (answers when
something is held under that name).
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from tests.video_site.faults import Ledger
from tests.video_site.journal import Journal
from tests.video_site.wire import BadRequestError, Request, head_bytes, read_request, refusal, text

READ_TIMEOUT_S = 10
MAX_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class ControlHandler:
    """Serves the one who runs the site; one request per connection."""

    journal: Journal
    ledger: Ledger

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                request = await read_request(reader)
        except BadRequestError:
            request = None
        if request is None:
            return
        try:
            response = text(json.dumps(await self._act(request)), "application/json")
        except KeyError:
            response = refusal(404)
        length = response.length_bytes
        writer.write(head_bytes(response, length_bytes=length, keeps_alive=False))
        writer.write(response.body.read(0, length or 0))
        writer.close()
        async with asyncio.timeout(READ_TIMEOUT_S):
            await writer.wait_closed()

    async def _act(self, request: Request) -> Any:
        """Do what the path says and return what to tell. Raises KeyError for what is unknown."""
        match request.path:
            case "/requests":
                return self.journal.requests()
            case "/stats":
                return self.journal.stats()
            case "/release":
                return self.journal.release(request.query["name"])
            case "/held":
                async with asyncio.timeout(MAX_WAIT_S):
                    await self.journal.hold(request.query["name"]).arrival.wait()
                return None
            case "/reset":
                self.journal.clear()
                self.ledger.clear()
                return None
        raise KeyError(request.path)
