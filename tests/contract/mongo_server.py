"""A MongoDB server for tests: the one at TEST_MONGO_URL, or SecantusDB in a process of its own.

SecantusDB speaks MongoDB's protocol on MongoDB's own storage engine. It is slow where a collection
is large, and is no server for anything but tests.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from userbot.errors import InfrastructureError
from userbot.mongo.client import open_database

URL_VARIABLE = "TEST_MONGO_URL"
OWN_VARIABLE = "TEST_MONGO_IS_OURS"  # set by the tests when the server ends with them
PROGRAM = "secantusd-py"
START_S = 20.0
STOP_S = 10.0


class Server:
    """A server on a port and a folder of its own. It can be killed, frozen and started again."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port = _free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start, and wait until it answers: its port is open before it does."""
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                # no oplog, which slows it down; and what it acknowledged survives kill -9
                *("--standalone", "--sync-on-commit", "--log-level", "ERROR"),
                *("--storage-path", str(self._folder / "data"), "--port", str(self._port)),
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(START_S):
            while not await self._answers():
                assert self._process.returncode is None, (self._folder / "log").read_text()

    async def stop(self) -> None:
        """Stop, by force when it does not by itself."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        assert self._process
        self._process.kill()
        await self._process.wait()

    def freeze(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        try:
            async with open_database(self.url, "admin"):
                return True
        except InfrastructureError:
            return False


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Server]:
    """Run a server of its own. Without the program the test is skipped; in CI it fails."""
    server = Server(_program(), folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def url_for_all(folder: Path) -> AsyncIterator[str]:
    """Return the URL of the server that all tests share."""
    if given := os.environ.get(URL_VARIABLE):
        yield given
        return
    async with running(folder) as server:
        yield server.url


def is_own_server() -> bool:
    """True when nobody needs the server after the tests."""
    return OWN_VARIABLE in os.environ


def _program() -> Path:
    found = shutil.which(PROGRAM, path=Path(sys.executable).parent) or shutil.which(PROGRAM)
    if found is None:
        missing = f"no MongoDB: neither {URL_VARIABLE} nor {PROGRAM} (requirements-dev.txt)"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(found)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
