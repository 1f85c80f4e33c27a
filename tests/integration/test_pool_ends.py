"""However a call or a process of the pool ends, nothing of it is left, and nobody else notices."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.integration.pool_helpers import Caller, all_gone, family, is_alive, settings, text_of
from userbot.domain.calls import ExtractCall
from userbot.errors import WorkerDiedError
from userbot.pool import ProcessPool
from userbot.pool.server import ForkServer
from userbot.wire import Empty, Order

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def caller(tmp_path):
    async with ProcessPool.open(settings(tmp_path / "tools")) as pool:
        yield Caller(pool, tmp_path)


async def pids_in(folder: Path, *names: str) -> list[int]:
    return [int(await text_of(folder / name)) for name in names]


async def test_cancel_ends_what_escaped_before_it_goes_on(caller):
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(caller.download("escape", folder))
        pids = await pids_in(folder, "worker", "guard", "escaped")
        assert all(map(is_alive, pids))
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 5
        assert not is_alive(pids[0])
        assert not is_alive(pids[2])
    await all_gone(pids, limit_s=1)


async def test_cancelling_twice_still_waits_for_the_end(caller):
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(caller.download("escape", folder))
        (escaped,) = await pids_in(folder, "escaped")
        await text_of(folder / "worker")
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        assert not is_alive(escaped)
    assert task.cancelled()


async def test_cancel_at_any_moment_leaves_nothing(caller):
    for delay_ms in range(0, 60, 3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(delay_ms / 1000):
                await caller.extract("hang")
    assert await no_family(caller.pool.fork_server_pid)


async def no_family(pid: int) -> bool:
    async with asyncio.timeout(10):
        while psutil.Process(pid).children(recursive=True):
            await asyncio.sleep(0.01)
    return True


async def test_a_chain_of_forks_is_caught_up_with(caller):
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(caller.download("chain", folder))
        await text_of(folder / "worker")
        await asyncio.sleep(0.1)
        began = time.monotonic()
        task.cancel()
    assert time.monotonic() - began < 10
    assert await no_family(caller.pool.fork_server_pid)


async def test_what_a_worker_leaves_behind_ends_with_it(caller):
    folder = caller.folder()
    await caller.download("leave", folder)
    (escaped,) = await pids_in(folder, "escaped")
    assert not is_alive(escaped)


async def test_cancelling_one_call_spares_the_other(caller):
    async with asyncio.TaskGroup() as group:
        spared = group.create_task(caller.download("drip 0.5"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await caller.download("hang")
    assert spared.result().size_bytes == 1000


async def test_a_worker_killed_from_outside_is_an_error_of_its_call(caller):
    error, pids = await killed(caller, "worker")
    assert error.args == ("signal 9",)
    await all_gone(pids, limit_s=1)


async def test_a_guard_killed_from_outside_leaves_nothing(caller):
    error, pids = await killed(caller, "guard")
    assert error.args == ("the guard died",)
    assert not any(map(is_alive, pids))


async def killed(caller, name: str) -> tuple[WorkerDiedError, list[int]]:
    """Kill one process of a call; return the call's error and the pids it had."""
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        spared = group.create_task(caller.download("drip 0.5"))
        task = group.create_task(failure(caller.download("escape", folder)))
        pids = await pids_in(folder, "worker", "guard", "escaped")
        (victim,) = await pids_in(folder, name)
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        error = await task
        assert time.monotonic() - began < 5
        assert not is_alive(pids[2])
    assert spared.result().size_bytes == 1000
    return error, pids


async def failure(call) -> WorkerDiedError:
    with pytest.raises(WorkerDiedError) as raised:
        await call
    return raised.value


async def test_a_fork_server_that_is_killed_comes_back_as_clean_as_before(caller, monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", "123456:the-token")
    first = caller.pool.fork_server_pid
    os.kill(first, signal.SIGKILL)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(caller.extract("surroundings")) for _ in range(8)]
    second = caller.pool.fork_server_pid
    assert second not in (None, first)
    assert not psutil.pid_exists(first)
    for task in tasks:
        facts = json.loads(task.result().info_json)
        assert "the-token" not in facts["environ"]
    assert "the-token" not in Path(f"/proc/{second}/environ").read_text()


async def test_calls_go_on_when_their_fork_server_dies(caller):
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        going_on = group.create_task(caller.download("drip 1"))
        cancelled = group.create_task(caller.download("escape", folder))
        pids = await pids_in(folder, "worker", "guard", "escaped")
        os.kill(caller.pool.fork_server_pid, signal.SIGKILL)
        assert (await caller.extract("echo next")).title == "next"
        cancelled.cancel()
    assert going_on.result().size_bytes == 1000
    assert not is_alive(pids[0])
    assert not is_alive(pids[2])


async def test_a_fork_server_that_hangs_is_replaced(caller, monkeypatch):
    monkeypatch.setattr("userbot.pool.line.HELLO_TIMEOUT_S", 0.5)
    first = caller.pool.fork_server_pid
    os.kill(first, signal.SIGSTOP)
    assert (await caller.extract("echo next")).title == "next"
    assert caller.pool.fork_server_pid != first
    assert not is_alive(first)


async def test_a_guard_ends_a_call_by_itself_when_the_bot_does_not(tmp_path):
    server = await ForkServer.start(settings(tmp_path / "tools"))
    line = await server.call()
    assert await line.hello()
    await line.say(Order(ExtractCall("escape", tmp_path), backup_s=1.0, max_file_bytes=10_000))
    pids = await pids_in(tmp_path, "worker", "guard", "escaped")
    assert await line.hear() == Empty("ended by its guard")
    assert not is_alive(pids[2])
    await server.end(line)
    await server.stop()
    await all_gone([*pids, server.pid], limit_s=1)


async def test_closing_the_pool_ends_running_calls(tmp_path):
    async with asyncio.TaskGroup() as group:
        async with ProcessPool.open(settings(tmp_path / "tools")) as pool:
            folder = (caller := Caller(pool, tmp_path)).folder()
            task = group.create_task(failure(caller.download("escape", folder)))
            pids = await pids_in(folder, "worker", "guard", "escaped")
        assert not any(map(is_alive, pids))
    assert task.result().args == ("the guard died",)


BOT = """
import asyncio, sys, uvloop
from pathlib import Path
from tests.integration.pool_helpers import Caller, settings
from userbot.pool import ProcessPool

async def main(root):
    async with ProcessPool.open(settings(root / "tools")) as pool, asyncio.TaskGroup() as group:
        for number in range(3):
            folder = root / f"call-{number}"
            folder.mkdir()
            group.create_task(Caller(pool, root).download("escape", folder))

uvloop.run(main(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("first", ["bot", "fork server"])
async def test_nothing_outlives_a_bot_that_was_killed(tmp_path, first):
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", BOT, tmp_path, cwd=ROOT)
    folders = [tmp_path / f"call-{number}" for number in range(3)]
    pids = [
        pid for folder in folders for pid in await pids_in(folder, "worker", "guard", "escaped")
    ]
    server = next(iter(psutil.Process(bot.pid).children())).pid
    assert set(pids) <= {process.pid for process in family(server)} | {server}
    assert psutil.Process(server).num_fds() == 3 + 1 + 3  # standard, the bot, a pidfd per guard
    if first == "fork server":
        os.kill(server, signal.SIGKILL)
    bot.kill()
    await bot.wait()
    async with asyncio.timeout(10):
        while any(map(is_alive, [*pids, server])):
            await asyncio.sleep(0.01)
