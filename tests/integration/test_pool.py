"""The pool does what it is asked: answers, progress, errors, slots, limits."""

import asyncio
import json
import logging
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from tests.integration.pool_helpers import Caller, family, settings
from userbot.domain.media import MediaKind
from userbot.errors import (
    DeadlineError,
    DiskFullError,
    GeoBlockedError,
    StallError,
    TooHeavyError,
    TooLargeError,
    WorkerBugError,
    WorkerDiedError,
)
from userbot.pool import ProcessPool
from userbot.pool.pool import EVENT_PAUSE_S
from userbot.worker.limits import NICENESS

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_BYTES = 1_000_000
SECRET = "123456:the-token-of-the-bot"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def caller(tmp_path_factory):
    root = tmp_path_factory.mktemp("pool")
    os.environ["BOT_TOKEN"] = SECRET
    os.environ["PYTHONWARNINGS"] = "error"
    os.environ["LC_TIME"] = "C"
    chosen = settings(
        root / "tools",
        extract_deadline_s=2.0,
        download_deadline_s=3.0,
        stall_s=1.0,
        limit_bytes=LIMIT_BYTES,
        proxy="http://guard.invalid:3128",
    )
    try:
        async with ProcessPool.open(chosen) as pool:
            yield Caller(pool, root)
    finally:
        for name in ("BOT_TOKEN", "PYTHONWARNINGS", "LC_TIME"):
            del os.environ[name]


async def test_an_extraction_is_answered(caller):
    assert (await caller.extract("echo A \N{SNOWMAN} title")).title == "A \N{SNOWMAN} title"


async def test_a_download_is_answered_with_a_file_in_its_folder(caller):
    folder = caller.folder()
    file = await caller.download("answer", folder)
    assert (file.kind, file.path, file.size_bytes) == (MediaKind.VIDEO, folder / "video.mp4", 1000)
    assert file.path.stat().st_mode & 0o777 == 0o600


async def test_a_large_answer_comes_through(caller):
    assert len((await caller.extract("large 4000000")).info_json) == 4_000_000


async def test_progress_comes_whole_and_in_order_at_the_pace_of_the_bot(caller):
    seen, began = [], time.monotonic()
    await caller.download("count 20", on_progress=lambda progress: seen.append(progress))
    assert [progress.done_bytes for progress in seen] == list(range(20))
    assert time.monotonic() - began > 20 * EVENT_PAUSE_S * 0.9  # a timer may be a bit early


async def test_a_callback_that_raises_ends_its_call_alone(caller):
    def refuse(progress):
        raise ZeroDivisionError

    other = caller.download("drip 0.5")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(other)
        with pytest.raises(ZeroDivisionError):
            await caller.download("count 5", on_progress=refuse)
    assert task.result().size_bytes == 1000


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("raises geo", GeoBlockedError("not in your country")),
        ("raises large", TooLargeError(7, 5)),
        ("raises disk", DiskFullError()),
        ("raises memory", TooHeavyError()),
        ("raises exit", WorkerDiedError("exit 1")),
        ("eat", TooHeavyError()),
        ("die 9", WorkerDiedError("signal 9")),
        ("die 11", WorkerDiedError("signal 11")),
        ("big 2000000", TooLargeError(None, LIMIT_BYTES)),
        ("one_file 1050000", TooLargeError(1_050_000, LIMIT_BYTES)),
        ("answer_extraction", WorkerDiedError("an extraction instead of a file")),
    ],
)
async def test_an_error_of_a_call_is_raised(caller, call, error):
    with pytest.raises(type(error)) as raised:
        await caller.download(call)
    assert (type(raised.value), raised.value.args) == (type(error), error.args)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("raises bug", "KeyError: 'formats'"),
        ("wrong_type", "answered with dict"),
        ("surrogate", "surrogates not allowed"),
        ("no_such_call", "KeyError"),
    ],
)
async def test_a_bug_in_a_call_tells_its_traceback(caller, call, text):
    with pytest.raises(WorkerBugError) as raised:
        await caller.extract(call)
    assert text in raised.value.detail
    assert raised.value.detail.startswith("Traceback") or len(raised.value.detail) == 2000


async def test_a_folder_that_is_not_there_is_an_error_of_the_call(caller, tmp_path):
    with pytest.raises(WorkerBugError, match="No such file or directory"):
        await caller.extract("answer", tmp_path / "nowhere")


async def test_a_call_beyond_its_deadline_is_ended(caller):
    with pytest.raises(DeadlineError) as raised:
        await caller.extract("hang")
    assert raised.value.limit_s == 2.0


async def test_a_call_without_a_sign_of_life_is_ended(caller):
    began = time.monotonic()
    with pytest.raises(StallError):
        await caller.download("hang")
    assert time.monotonic() - began >= 1.0


async def test_a_file_that_grows_is_a_sign_of_life(caller):
    await caller.download("drip 2")


async def test_a_byte_now_and_then_is_none_whatever_the_worker_says(caller):
    with pytest.raises(StallError):
        await caller.download("trickle download")


async def test_a_tool_that_writes_a_little_gets_on(caller):
    with pytest.raises(DeadlineError):
        await caller.download("trickle merge")


async def test_a_folder_above_its_share_of_the_disk_ends_its_call(caller):
    with pytest.raises(DiskFullError):
        await caller.download("drip 60", cap_bytes=3000)


async def test_a_file_above_its_share_of_the_disk_is_not_too_large(caller):
    with pytest.raises(DiskFullError):
        await caller.download("big 400000", cap_bytes=300_000)


async def test_a_share_that_is_enough_is_not_noticed(caller):
    assert (await caller.download("one_file 90000", cap_bytes=100_000)).size_bytes == 90_000


async def test_a_drip_does_not_outlast_the_deadline(caller):
    with pytest.raises(DeadlineError):
        await caller.download("drip 60")


async def test_a_folder_that_grows_beyond_measure_ends_its_call(caller):
    folder = caller.folder()
    with pytest.raises(TooLargeError) as raised:
        await caller.download("fill", folder)
    assert raised.value.args == (None, LIMIT_BYTES)


async def test_a_worker_that_talks_without_end_does_not_keep_the_loop_busy(caller):
    gaps = []

    async def tick():
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        ticker = group.create_task(tick())
        with pytest.raises(StallError):
            await caller.download("flood")
        ticker.cancel()
    assert sorted(gaps)[len(gaps) // 2] < 0.1


async def test_a_worker_is_confined_and_knows_no_secret(caller):
    folder = caller.folder()
    facts = json.loads((await caller.extract("surroundings", folder)).info_json)
    assert SECRET not in facts["environ"]
    assert facts["cwd"] == str(folder)
    names = {name for name in facts["variables"] if not name.startswith("LC_")}
    assert names - {"LANGUAGE", "TZ"} == {"PATH", "LANG", "HOME", "TMPDIR"}
    assert facts["variables"]["LC_TIME"] == "C"
    assert {facts["variables"]["HOME"], facts["variables"]["TMPDIR"]} == {str(folder)}
    assert facts["nice"] == min(19, os.nice(0) + NICENESS)
    # a session of its own has cores of its own where the kernel groups by session
    assert not facts["autogroup"] or facts["autogroup"].split()[-1] == str(facts["nice"])
    assert facts["session"]
    assert facts["umask"] == 0o077
    assert "NoNewPrivs:\t1" in facts["status"]
    limits = {line[:25].strip(): line[25:].split() for line in facts["limits"].splitlines()}
    assert limits["Max core file size"][0] == "0"
    assert limits["Max data size"][0] == str(1536 * 1024 * 1024)
    assert limits["Max open files"][0] == "1024"
    assert facts["proxy"] == "http://guard.invalid:3128"


async def test_a_worker_holds_nothing_but_its_pipe(caller):
    facts = json.loads((await caller.extract("surroundings")).info_json)
    assert {name: facts["files"].pop(name) for name in "012"} == dict.fromkeys("012", "/dev/null")
    assert [target[:5] for target in facts["files"].values()] == ["pipe:"]


async def test_no_process_of_the_pool_knows_a_secret_or_has_a_second_thread(caller):
    folder = caller.folder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(caller.extract("escape", folder))
        while not (folder / "worker").exists():
            await asyncio.sleep(0.01)
        server = psutil.Process(caller.pool.fork_server_pid)
        processes = [server, *family(server.pid)]
        environments = [Path(f"/proc/{item.pid}/environ").read_bytes() for item in processes]
        threads = [item.num_threads() for item in processes]
        task.cancel()
    assert len(environments) == 4  # fork server, guard, worker, and what escaped
    assert not any(SECRET.encode() in text or b"PYTHON" in text for text in environments)
    assert threads == [1] * 4


async def test_thirty_calls_at_once_are_all_answered(caller):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(caller.extract(f"echo {number}")) for number in range(30)]
    assert [task.result().title for task in tasks] == [str(number) for number in range(30)]


async def test_downloads_wait_for_a_slot_and_know_their_place(caller):
    places: dict[int, list[int]] = {number: [] for number in range(6)}

    async def download(number):
        await caller.download(f"drip {0.2 + number * 0.3}", on_waiting=places[number].append)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(download(number))
        await asyncio.sleep(0)
        assert caller.pool.waiting_downloads == 2
    assert [places[number] for number in range(4)] == [[], [], [], []]
    assert places[4] == [1]
    assert places[5] == [2, 1]


async def test_a_link_is_looked_at_while_all_download_slots_are_taken(caller):
    async with asyncio.TaskGroup() as group:
        downloads = [group.create_task(caller.download("drip 1")) for _ in range(5)]
        assert (await caller.extract("echo quick")).title == "quick"
        assert not any(task.done() for task in downloads)


async def test_a_cancelled_wait_gives_its_place_to_the_next(caller):
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(caller.download("drip 0.3"))
        await asyncio.sleep(0)
        impatient = group.create_task(caller.download("answer"))
        places: list[int] = []
        group.create_task(caller.download("answer", on_waiting=places.append))
        await asyncio.sleep(0)
        impatient.cancel()
    assert places == [2, 1]
    assert caller.pool.waiting_downloads == 0


async def test_fifty_calls_leave_no_file_and_no_process_behind(caller):
    await caller.extract("answer")
    own = psutil.Process()
    before = own.num_fds()
    for _ in range(5):
        async with asyncio.TaskGroup() as group:
            for number in range(10):
                group.create_task(caller.extract(f"echo {number}"))
    await asyncio.sleep(0)
    assert own.num_fds() <= before
    assert await nobody_is_left(caller.pool)
    assert psutil.Process(caller.pool.fork_server_pid).num_fds() == 4


async def nobody_is_left(pool) -> bool:
    """Return True when no guard is left soon: the last one may still be ending."""
    async with asyncio.timeout(5):
        while psutil.Process(pool.fork_server_pid).children():
            await asyncio.sleep(0.01)
    return True


async def test_a_stop_signal_to_all_ends_workers_but_neither_guards_nor_fork_server(caller):
    folder, pid = caller.folder(), caller.pool.fork_server_pid
    async with asyncio.TaskGroup() as group:
        task = group.create_task(outcome(caller.extract("hang", folder)))
        while not (folder / "guard").exists():
            await asyncio.sleep(0.01)
        for process in [psutil.Process(pid), *family(pid)]:
            process.send_signal(signal.SIGTERM)
    assert task.result().args == ("signal 15",)
    assert caller.pool.fork_server_pid == pid


async def outcome(call):
    try:
        return await call
    except WorkerDiedError as error:
        return error


async def test_a_fork_server_that_cannot_get_warm_says_why(caller, tmp_path):
    broken = settings(tmp_path / "tools", warm="tests.integration.pool_calls:fail_to_warm")
    with pytest.raises(WorkerDiedError, match="no such extractor"):
        async with ProcessPool.open(broken):
            pass


async def test_a_fork_server_without_its_program_is_an_error(caller, tmp_path):
    broken = settings(tmp_path / "tools", entry="tests.no_such_module:run")
    with pytest.raises(WorkerDiedError, match="no_such_module"):
        async with ProcessPool.open(broken):
            pass


async def test_the_pool_links_ffmpeg_and_says_which(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with ProcessPool.open(settings(tmp_path / "tools")):
        assert (tmp_path / "tools" / "ffmpeg").resolve().is_file()
    assert "ffmpeg" in caplog.text


async def test_a_closed_pool_takes_no_call(tmp_path):
    async with ProcessPool.open(settings(tmp_path / "tools")) as pool:
        pass
    with pytest.raises(WorkerDiedError, match="closed"):
        await pool.extract("answer", tmp_path)
