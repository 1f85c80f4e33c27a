"""A real server in a process of its own, for the tests."""

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import pytest

START_S = 20.0
STOP_S = 10.0


class ServerProcess(ABC):
    """A server in a folder. It can be stopped, killed, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        self._process: asyncio.subprocess.Process | None = None

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The program and its arguments."""

    @abstractmethod
    async def _answers(self) -> bool:
        """Whether it takes commands: its socket is open before it does."""

    async def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(), stdout=log, stderr=log
            )
        async with asyncio.timeout(START_S):
            while not await self._answers():
                assert self._process.returncode is None, self._log.read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Stop, by force when it does not by itself."""
        if self._process is None or self._process.returncode is not None:
            return
        self.thaw()
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()

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


def required(program: str | None, missing: str) -> str:
    """Return the program. Without it the test is skipped; in CI it fails."""
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return program
