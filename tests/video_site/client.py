"""The site for whoever starts it: tests and the demo."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.video_site.catalogue import LINKS
from tests.video_site.content import ALIASES
from tests.video_site.journal import Entry

START_TIMEOUT_S = 120  # the first start encodes the media
STOP_TIMEOUT_S = 5
CONTROL_TIMEOUT_S = 15
MAX_READY_LINE_BYTES = 64 * 1024


class SiteError(Exception):
    """The site did not start, or refused what was asked of its control interface."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the start or the last reset; `held`: answers waiting, by name."""

    open_connections: int
    total_connections: int
    active_requests: int
    total_requests: int
    total_bytes: int
    held: dict[str, int]


@dataclass(frozen=True, slots=True)
class VideoSite:
    """A running site. `url` and `control_url` have no slash at the end."""

    url: str
    control_url: str
    media_dir: Path
    pid: int

    def url_of(self, name: str, **query: str | int | float) -> str:
        """Return the address of a named link, with more parameters. Raises KeyError."""
        path = LINKS[name]
        if query:
            path += ("&" if "?" in path else "?") + urlencode(query)
        return self.url + path

    def file_of(self, name: str) -> Path:
        """Return the file behind a named link to a stored file. Raises KeyError for others."""
        path = LINKS[name].partition("?")[0]
        file = self.media_dir / ALIASES.get(path, path).removeprefix("/media/")
        if not file.is_file():
            raise KeyError(name)
        return file

    async def requests(self, path: str | None = None) -> list[Entry]:
        """Return the requests so far, oldest first; all, or those of one path."""
        entries = [Entry(**values) for values in await self._ask("/requests")]
        return [entry for entry in entries if path is None or entry.path == path]

    async def stats(self) -> Stats:
        """Return how things stand now."""
        return Stats(**await self._ask("/stats"))

    async def reset(self) -> None:
        """Forget requests and counts, so that every link is as new; let held answers go on."""
        await self._ask("/reset")

    async def release(self, name: str = "forever") -> int:
        """Let answers held under `name` go on, those to come too; returns how many waited."""
        waited: int = await self._ask("/release", name=name)
        return waited

    async def held(self, name: str = "forever") -> None:
        """Return once an answer is held under `name`. Raises TimeoutError after a while."""
        await self._ask("/held", name=name)

    async def _ask(self, path: str, **query: str) -> Any:
        host, _, port = self.control_url.removeprefix("http://").rpartition(":")
        async with asyncio.timeout(CONTROL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                request = f"GET {path}?{urlencode(query)} HTTP/1.1\r\nHost: control\r\n\r\n"
                writer.write(request.encode())
                head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            finally:
                writer.close()
                await writer.wait_closed()
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise SiteError(f"{path}: {head[:100]!r}")
        return json.loads(body)


@asynccontextmanager
async def running(
    cache_dir: Path, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[VideoSite]:
    """Run the site in a process of its own, which ends with this block or with this process.

    `cache_dir` keeps the media for the next time. Raises `SiteError` when the site does not
    start; what it says about that is on stderr.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.video_site", "--until-stdin-closes"),
        *("--dir", str(cache_dir.absolute()), "--host", host, "--port", str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_READY_LINE_BYTES,
        start_new_session=True,  # Ctrl-C in a terminal is for whoever started us
        cwd=Path(__file__).parents[2],
    )
    try:
        yield await _ready(process)
    finally:
        await _stop(process)


async def _ready(process: asyncio.subprocess.Process) -> VideoSite:
    assert process.stdout is not None
    async with asyncio.timeout(START_TIMEOUT_S):
        line = await process.stdout.readline()
    if not line:
        raise SiteError("the video site did not start")
    told = json.loads(line)
    return VideoSite(told["url"], told["control_url"], Path(told["media_dir"]), process.pid)


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
