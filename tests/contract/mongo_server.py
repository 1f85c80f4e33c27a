"""A MongoDB server for tests: the one at TEST_MONGO_URL, or SecantusDB in a process of its own.

SecantusDB speaks MongoDB's protocol on MongoDB's own storage engine. It is slow where a collection
is large, and is no server for anything but tests.
"""

import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.contract.server_process import ServerProcess, required
from userbot.errors import InfrastructureError
from userbot.mongo.client import open_database

URL_VARIABLE = "TEST_MONGO_URL"
OWN_VARIABLE = "TEST_MONGO_IS_OURS"  # set by the tests when the server ends with them
PROGRAM = "secantusd-py"


class Server(ServerProcess):
    """A server on a port and a folder of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(folder)
        self._program = program
        self._data = folder / "data"
        self._port = _free_port()

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}"

    def _command(self) -> Sequence[str | Path]:
        return (
            self._program,
            # no oplog, which slows it down; and what it acknowledged survives kill -9
            *("--standalone", "--sync-on-commit", "--log-level", "ERROR"),
            *("--storage-path", self._data, "--port", str(self._port)),
        )

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


def _program() -> str:
    found = shutil.which(PROGRAM, path=Path(sys.executable).parent) or shutil.which(PROGRAM)
    missing = f"no MongoDB: neither {URL_VARIABLE} nor {PROGRAM} (requirements-dev.txt)"
    return required(found, missing)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
