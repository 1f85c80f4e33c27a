"""Acting as Telegram's users, and reading what the bot did. Standard library only."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.telegram_dc.client.chats import Chats
from tests.telegram_dc.client.people import People
from tests.telegram_dc.client.pushing import Pushing
from tests.telegram_dc.client.reading import Predicate, Reading
from tests.telegram_dc.client.remote import DataCentreError, Lines
from tests.telegram_dc.client.trouble import Trouble

__all__ = ["DataCentre", "DataCentreError", "Predicate", "connected", "running"]

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 15
_ROOT = Path(__file__).resolve().parents[2]


class DataCentre(People, Chats, Reading, Trouble, Pushing):
    """A running data centre. Chat ids are the Bot API's; a private chat's id is the user's."""

    def __init__(self, ready: dict[str, Any], lines: Lines) -> None:
        super().__init__(lines)
        self.address: str = ready["address"]
        self.public_key = Path(ready["public_key"])
        self.api_id: int = ready["api_id"]
        self.api_hash: str = ready["api_hash"]
        self.bot_token: str = ready["bot_token"]
        self.bot_id: int = ready["bot_id"]
        self.bot_username: str = ready["bot_username"]


@asynccontextmanager
async def running(
    state_dir: Path,
    *,
    flood_limits: bool = True,
    native_crypto: bool = False,
    **options: float,
) -> AsyncIterator[DataCentre]:
    """Starts a data centre in a process of its own and stops it at the end.

    `options` are those of the command line (`port=0`, `chat_messages=3`, ...). The same `state_dir`
    gives the same key, the same logins and, after an orderly stop, the same chats. `native_crypto`
    makes the server's share of a benchmark small, where there is a C compiler.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.telegram_dc", "--dir", str(state_dir)]
    command += ["--until-stdin-closes", *([] if flood_limits else ["--no-flood-limits"])]
    command += ["--native-crypto"] if native_crypto else []
    command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    with (state_dir / "log.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        ready = await _ready(process, state_dir)
        async with connected(ready) as centre:
            yield centre
    finally:
        await _stop(process)


@asynccontextmanager
async def connected(ready: dict[str, Any]) -> AsyncIterator[DataCentre]:
    """The control of a data centre that runs already; `ready` is the line it printed."""
    host, port = ready["control"].split(":")
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_START_TIMEOUT_S):
        transport, lines = await loop.create_connection(Lines, host, int(port))
    try:
        yield DataCentre(ready, lines)
    finally:
        transport.close()


async def _ready(process: asyncio.subprocess.Process, state_dir: Path) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(_START_TIMEOUT_S):
        line = await process.stdout.readline()
    if not line:
        log = (state_dir / "log.txt").read_text()[-2000:]
        raise DataCentreError(f"the data centre did not start:\n{log}")
    ready: dict[str, Any] = json.loads(line)
    return ready


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
