"""One upload in a process of its own: how long it took and what it cost.

Called by `tests.benchmarks.upload`: reads a task as JSON from its argument, prints the result as
JSON. Log-in is not measured; every connection for the upload is, unless `warm` asks for one more
upload before.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop
from pyrogram import raw

from tests.integration.loopback import online
from userbot.telegram.uploader import Source, Uploader, UploaderSettings

LAG_PERIOD_S = 0.002
CHUNK_BYTES = 1024 * 1024
Upload = Callable[[Path], Awaitable[Any]]


async def main(task: dict[str, Any]) -> dict[str, Any]:
    ready: Any = SimpleNamespace(**task["ready"])
    ready.public_key = Path(ready.public_key)
    path = Path(task["path"])
    async with online(ready, Path.cwd(), in_memory=True) as client, _upload(client, task) as upload:
        if task["warm"]:
            await upload(path)
        _say({})  # from here on it counts
        sys.stdin.readline()
        result, handle = await _measured(upload, path)
        result["message_id"] = await _sent(client, handle, task["user_id"])
    return result


@asynccontextmanager
async def _upload(client: Any, task: dict[str, Any]) -> AsyncIterator[Upload]:
    if task["mode"] == "stock":
        yield lambda path: client.save_file(str(path))
        return
    async with asyncio.TaskGroup() as tasks:
        settings = UploaderSettings(max_connections=task["connections"])
        uploader = Uploader(client, settings, tasks)

        async def growing(path: Path) -> Any:
            source = Source(path.with_suffix(f".{random.getrandbits(32):x}"))
            source.path.touch()
            try:
                tasks.create_task(_write(source, path, task["bytes_s"]))
                return await uploader.upload(source)
            finally:
                source.path.unlink()

        yield growing if task["mode"] == "growing" else uploader.upload
        uploader.close()


async def _write(source: Source, origin: Path, bytes_s: float) -> None:
    """Copy origin at a rate: a download."""
    loop = asyncio.get_running_loop()
    started, done = loop.time(), 0
    with origin.open("rb") as read, source.path.open("r+b", buffering=0) as write:
        while chunk := read.read(CHUNK_BYTES):
            done += len(chunk)
            await asyncio.sleep(started + done / bytes_s - loop.time())
            write.write(chunk)
            source.grew(done)
    source.finish(done)


async def _measured(upload: Upload, path: Path) -> tuple[dict[str, Any], Any]:
    lags: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_watch(lags))
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        memory_before, cpu_before, started = _peak_mib(), _cpu_s(), time.monotonic()
        handle = await upload(path)
        took_s, cpu_s = time.monotonic() - started, _cpu_s() - cpu_before
        watch.cancel()
    lags.sort()
    return {
        "seconds": took_s,
        "cpu_s": cpu_s,
        "growth_mib": _peak_mib() - memory_before,
        "peak_mib": _peak_mib(),
        "lag_ms": 1000 * lags[int(len(lags) * 0.99)] if lags else 0.0,
    }, handle


async def _watch(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_PERIOD_S
        await asyncio.sleep(LAG_PERIOD_S)
        lags.append(loop.time() - due)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def _sent(client: Any, handle: Any, user_id: int) -> int:
    media = raw.types.InputMediaUploadedDocument(
        file=handle, mime_type="application/octet-stream", attributes=[]
    )
    query = raw.functions.messages.SendMedia(
        peer=await client.resolve_peer(user_id),
        media=media,
        message="",
        random_id=random.getrandbits(63),
    )
    # Telegram takes as long as it wants to put 4000 parts together.
    updates = await client.invoke(query, timeout=120)
    return int(next(u.message.id for u in updates.updates if hasattr(u, "message")))


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(uvloop.run(main(json.loads(sys.argv[1]))))
