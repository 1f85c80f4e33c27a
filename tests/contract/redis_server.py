"""A real redis-server for the tests, on a unix socket of its own."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from userbot.redis.client import FAILURES, open_client

PROGRAM = "redis-server"
START_S = 20.0
STOP_S = 10.0


class Server:
    """A server that can be killed, frozen and started again. It keeps nothing."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._folder / 's'}"

    async def start(self) -> None:
        """Start, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                *("--port", "0", "--unixsocket", str(self._folder / "s")),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(START_S):
            while not await self._answers():
                assert self._process.returncode is None, (self._folder / "log").read_text()
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End it as a power cut would, also when it is frozen."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.kill()
        async with asyncio.timeout(STOP_S):
            await self._process.wait()

    def freeze(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            async with open_client(self.url) as client:
                await client.execute_command("PING")
        except FAILURES:
            return False
        return True


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Server]:
    """Run a server. Without the program the test is skipped; in CI it fails.

    The path of the folder must be short: that of a socket has at most 107 bytes.
    """
    server = Server(_program(), folder)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


def _program() -> str:
    found = shutil.which(PROGRAM)
    if found is None:
        missing = f"no {PROGRAM} (Debian and Ubuntu: apt-get install redis-server)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found
