"""A real redis-server for the tests, on a unix socket of its own."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.contract.server_process import ServerProcess, required
from userbot.redis.client import FAILURES, open_client

PROGRAM = "redis-server"
MISSING = f"no {PROGRAM} (Debian and Ubuntu: apt-get install redis-server)"


class Server(ServerProcess):
    """A server that keeps nothing."""

    def __init__(self, program: str, folder: Path) -> None:
        super().__init__(folder)
        self._program = program
        self._folder = folder

    @property
    def url(self) -> str:
        return f"unix://{self._folder / 's'}"

    def _command(self) -> Sequence[str | Path]:
        return (
            self._program,
            *("--port", "0", "--unixsocket", self._folder / "s"),
            *("--save", "", "--appendonly", "no", "--dir", self._folder),
        )

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
    server = Server(required(shutil.which(PROGRAM), MISSING), folder)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
