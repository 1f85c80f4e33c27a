"""`python -m tests.benchmarks.upload`: stock `save_file` and ours, side by side in one run.

Every upload runs in a fresh process against the loopback data centre, stock and ours in turn, with
the connection set-up inside the clock (but for "warm") and uvloop for both; what arrived is
compared byte by byte. Absolute figures are this machine's and the moment's, ratios are what counts.
The whole table takes about half an hour, for stock is slow; `--only` and `--sizes` choose from it.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from tests import telegram_dc
from tests.telegram_dc import DataCentre

ROOT = Path(__file__).parents[2]
USER = 101
MIB = 1024 * 1024
TIMEOUT_S = 600
TABLES: list[TextIO] = [sys.stdout]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line to Telegram: round trip, bytes per second of one connection (0: no limit)."""

    name: str
    rtt_ms: float = 0
    connection_bytes_s: float = 0
    is_warm: bool = False
    sizes_mib: tuple[int, ...] = (64,)


ALL_SIZES = (1, 64, 512, 2000)
SCENARIOS = [
    Scenario("loopback", sizes_mib=ALL_SIZES),
    Scenario("40 ms", 40, sizes_mib=ALL_SIZES),
    Scenario("40 ms, 10 MB/s per connection", 40, 10e6, sizes_mib=ALL_SIZES),
    Scenario("150 ms", 150, sizes_mib=ALL_SIZES),
    Scenario("150 ms, warm", 150, is_warm=True, sizes_mib=(64,)),
]
FAULTS: dict[str, dict[str, float]] = {
    "none": {},
    "one connection dropped": {"drop_after_bytes": 20_000_000},
    "one part never answered": {"unanswered_parts": 1},
    "FLOOD_PREMIUM_WAIT_12 on a part": {"premium_wait_parts": 1, "premium_wait_s": 12},
    "a drop every 10 MB": {"drop_after_bytes": 10_000_000},
}
TROUBLES: list[dict[str, float]] = [
    {"unanswered_parts": 1},
    {"drop_after_bytes": 3_000_000},
    {"premium_wait_parts": 1, "premium_wait_s": 1},
]


def main() -> None:
    arguments = _parser().parse_args()
    with contextlib.ExitStack() as stack:
        if arguments.out:
            TABLES.append(stack.enter_context(arguments.out.open("a")))
        asyncio.run(_run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.upload", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="64 MiB at most, each once")
    parser.add_argument(
        "--repeat", type=int, default=3, help="uploads per figure; the median counts"
    )
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--out", type=Path, help="a file to which every row is added as it comes")
    parser.add_argument("--sizes", default="", help="MiB, separated by commas, for all scenarios")
    parser.add_argument("--connections", type=int, default=16, help="our ceiling")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--faults-only", action="store_true")
    parser.add_argument("--torture", type=int, default=0, help="only this many uploads in trouble")
    parser.add_argument("--dir", type=Path, help="for files; default: memory where there is any")
    return parser


async def _run(arguments: argparse.Namespace) -> None:
    memory = Path("/dev/shm")  # a disk would be measured as well
    base = arguments.dir or (memory if os.access(memory, os.W_OK) else None)
    with tempfile.TemporaryDirectory(dir=base) as directory:
        async with _bench(Path(directory), arguments) as bench:
            if arguments.torture:
                await _torture(bench, arguments.torture)
                return
            if not arguments.faults_only:
                await _scenarios(bench, arguments)
            if not arguments.no_faults:
                await _faults(bench)
                await _growing(bench)


@dataclass
class Bench:
    """A data centre, files to upload, and processes that do it."""

    dc: DataCentre
    ready: dict[str, Any]
    directory: Path
    connections: int
    digests: dict[Path, str] = field(default_factory=dict)

    def file(self, mib: int) -> Path:
        path = self.directory / f"{mib}.bin"
        if path not in self.digests:
            digest = hashlib.sha256()
            with path.open("wb") as file:
                for _ in range(mib):
                    block = os.urandom(MIB)
                    digest.update(block)
                    file.write(block)
            self.digests[path] = digest.hexdigest()
        return path

    async def upload(
        self, mode: str, mib: int, *, faults: dict[str, float] | None = None, **task: Any
    ) -> dict[str, Any]:
        """Upload once in a process of its own, compare, and return what it cost."""
        path = self.file(mib)
        task = {
            "ready": self.ready,
            "path": str(path),
            "mode": mode,
            "warm": False,
            "user_id": USER,
            "connections": self.connections,
        } | task
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.benchmarks.measure", json.dumps(task)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            await process.stdout.readline()
            await self.dc.faults(**(faults or {}))
            process.stdin.write(b"\n")
            line = await process.stdout.readline()
            await process.wait()
        if not line:
            return {}
        result: dict[str, Any] = json.loads(line)
        await self._compare(path, result["message_id"])
        return result

    async def _compare(self, path: Path, message_id: int) -> None:
        media = (await self.dc.message(USER, message_id)).media
        assert media is not None
        if media.sha256 != self.digests[path]:
            raise RuntimeError("what arrived is not what was sent")
        media.path.unlink()  # memory, perhaps
        await self.dc.expire_parts()


@asynccontextmanager
async def _bench(directory: Path, arguments: argparse.Namespace) -> AsyncIterator[Bench]:
    running = telegram_dc.running(directory / "dc", flood_limits=False, native_crypto=True)
    async with running as dc:
        await dc.user(USER, started=True)
        names = ("address", "public_key", "api_id", "api_hash", "bot_token")
        ready = {name: getattr(dc, name) for name in names}
        ready["public_key"] = str(ready["public_key"])
        bench = Bench(dc, ready, directory, arguments.connections)
        await bench.upload("ours", 64)  # the machine's own warming up
        yield bench


async def _scenarios(bench: Bench, arguments: argparse.Namespace) -> None:
    _heading(
        "scenario",
        "MiB",
        "stock MB/s",
        "ours MB/s",
        "ratio",
        "CPU-s/GB",
        "of stock's",
        "growth MiB",
        "peak MiB",
        "lag p99 ms",
    )
    for scenario in SCENARIOS:
        if arguments.only not in scenario.name:
            continue
        for mib in _sizes(scenario, arguments):
            await _compared(bench, scenario, mib, _repeats(mib, arguments))


def _sizes(scenario: Scenario, arguments: argparse.Namespace) -> Iterable[int]:
    if arguments.sizes:
        return [int(size) for size in arguments.sizes.split(",")]
    return [size for size in scenario.sizes_mib if size <= 64 or not arguments.quick]


def _repeats(mib: int, arguments: argparse.Namespace) -> int:
    repeat: int = arguments.repeat
    return 1 if arguments.quick or mib >= 2000 else repeat


async def _compared(bench: Bench, scenario: Scenario, mib: int, repeats: int) -> None:
    await bench.dc.faults(
        latency_ms=scenario.rtt_ms / 2, bandwidth_bytes_s=scenario.connection_bytes_s
    )
    results: dict[str, list[dict[str, Any]]] = {"stock": [], "ours": []}
    for _ in range(repeats):
        for mode, rows in results.items():
            rows.append(await bench.upload(mode, mib, warm=scenario.is_warm))
    await bench.dc.clear_faults()
    stock, ours = (
        {name: median(row[name] for row in rows) for name in rows[0]} for rows in results.values()
    )
    size = mib * MIB
    _row(
        scenario.name,
        str(mib),
        f"{size / stock['seconds'] / 1e6:.1f}",
        f"{size / ours['seconds'] / 1e6:.1f}",
        f"{stock['seconds'] / ours['seconds']:.1f}",
        f"{stock['cpu_s'] / size * 1e9:.1f} / {ours['cpu_s'] / size * 1e9:.1f}",
        f"{ours['cpu_s'] / stock['cpu_s']:.2f}",
        f"{stock['growth_mib']:.0f} / {ours['growth_mib']:.0f}",
        f"{stock['peak_mib']:.0f} / {ours['peak_mib']:.0f}",
        f"{stock['lag_ms']:.1f} / {ours['lag_ms']:.1f}",
    )


async def _faults(bench: Bench) -> None:
    _heading("fault (64 MiB, 40 ms)", "ours, s", "more than without")
    without_s = 0.0
    for name, faults in FAULTS.items():
        await bench.dc.clear_faults()
        await bench.dc.faults(latency_ms=20)
        async with _again_and_again(bench.dc, faults if "every" in name else {}):
            result = await bench.upload("ours", 64, faults=faults)
        without_s = without_s or result["seconds"]
        _row(name, f"{result['seconds']:.2f}", f"{result['seconds'] - without_s:+.2f}")
    await bench.dc.clear_faults()


@asynccontextmanager
async def _again_and_again(dc: DataCentre, faults: dict[str, float]) -> AsyncIterator[None]:
    """Arm a fault that works once again whenever a connection ends."""

    async def arm() -> None:
        async for event in dc.events(len(dc.history)):
            if event.kind == "disconnect":
                await dc.faults(**faults)

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(arm()) if faults else None
        yield
        if task:
            task.cancel()


async def _torture(bench: Bench, count: int) -> None:
    """Upload files one by one through random trouble; an error or a wrong byte ends it."""

    async def mischief() -> None:
        while True:
            trouble = random.randrange(5)
            if trouble == 0:
                await bench.dc.drop_connections("parts")
            elif trouble == 1:
                await bench.dc.rotate_salts()
            elif trouble == 2:
                await bench.dc.fail_calls("upload.saveBigFilePart", 500, "INTERNAL_ERROR")
            else:
                await bench.dc.faults(**random.choice(TROUBLES))
            await asyncio.sleep(random.uniform(0.1, 0.4))

    await bench.dc.faults(latency_ms=5)
    for done in range(count):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(mischief())
            result = await bench.upload("ours", random.choice((1, 11, 24)))
            task.cancel()
        _write(f"{done + 1} intact, {result['seconds']:.1f} s\n")


async def _growing(bench: Bench) -> None:
    """Upload a file while it is downloaded as fast as it can be uploaded."""
    await bench.dc.faults(latency_ms=20, bandwidth_bytes_s=5e6)
    alone = await bench.upload("ours", 64, connections=4)
    rate = 64 * MIB / alone["seconds"]
    growing = await bench.upload("growing", 64, connections=4, bytes_s=rate)
    await bench.dc.clear_faults()
    _heading("64 MiB, 40 ms, 4 x 5 MB/s", "s", "ratio")
    _row("upload of a finished file", f"{alone['seconds']:.2f}", "1.00")
    ratio = growing["seconds"] / alone["seconds"]
    _row(
        "upload while it is downloaded at the same rate",
        f"{growing['seconds']:.2f}",
        f"{ratio:.2f}",
    )


def _row(*cells: str) -> None:
    _write("| " + " | ".join(cells) + " |\n")


def _write(text: str) -> None:
    for table in TABLES:
        table.write(text)
        table.flush()


def _heading(*cells: str) -> None:
    _write("\n")
    _row(*cells)
    _row(*["---"] * len(cells))


if __name__ == "__main__":
    main()
