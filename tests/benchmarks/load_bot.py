"""The bot as `python run.py` runs it, in this process, with a probe of its event loop beside it.

Called by `tests.benchmarks.load`. Each line on stdin is answered with one line of JSON about the
time since the line before; the end of stdin ends the bot.
"""

import asyncio
import json
import os
import signal
import sys
from array import array
from pathlib import Path

import uvloop

from config import log, settings
from userbot.app import serve

PERIOD_S = 0.002


async def main() -> int:
    loaded = settings.load(Path("none.env").absolute(), settings.take_environment())
    log.set_up(loaded.log, log.secrets_of(loaded))
    async with asyncio.TaskGroup() as tasks:
        lags = array("d")
        probe = tasks.create_task(_probe(lags))
        teller = tasks.create_task(_tell(lags))
        code = await serve(loaded, lambda _user_id: None)
        probe.cancel()
        teller.cancel()
    return code


async def _probe(lags: "array[float]") -> None:
    """Note how late the loop wakes up a task whose time has come."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PERIOD_S
        await asyncio.sleep(PERIOD_S)
        lags.append(loop.time() - due)


async def _tell(lags: "array[float]") -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        since, lags[:] = sorted(lags), array("d")
        said = {"samples": len(since)} | {f"p{p}": _share(since, p) for p in (50, 90, 99, 100)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)


def _share(lags: list[float], percent: int) -> float:
    """In milliseconds."""
    return 1000 * lags[min(len(lags) * percent // 100, len(lags) - 1)] if lags else 0.0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
