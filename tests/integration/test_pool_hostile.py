"""A worker under foreign control gets nothing but its own call ended."""

import os
import signal

import psutil
import pytest
import pytest_asyncio

from tests.integration.pool_helpers import Caller, settings
from userbot.errors import DeadlineError, WorkerBugError, WorkerDiedError
from userbot.pool import ProcessPool

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def caller(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    async with ProcessPool.open(settings(root / "tools", stall_s=2.0)) as pool:
        yield Caller(pool, root)


@pytest.mark.parametrize(
    "data",
    [
        "huge",
        "garbage",
        "binary",
        "empty",
        "nothing",
        "injection",
        "unknown",
        "arguments",
        "long",
        "types",
        "nan",
        "deep",
    ],
)
async def test_forged_words_end_the_call(caller, data):
    with pytest.raises(WorkerDiedError) as raised:
        await caller.download(f"raw {data}")
    assert not isinstance(raised.value, WorkerBugError)
    assert len(raised.value.detail) < 100


async def test_a_frame_that_never_ends_costs_no_memory(caller):
    own = psutil.Process()
    before = own.memory_info().rss
    for _ in range(10):
        with pytest.raises(WorkerDiedError):
            await caller.download("raw huge")
    assert own.memory_info().rss - before < 5_000_000


@pytest.mark.parametrize("how", ["outside", "link"])
@pytest.mark.parametrize("target", ["/etc/passwd", "/proc/self/environ", "/dev/zero", "/"])
async def test_a_path_outside_the_folder_is_refused(caller, how, target):
    with pytest.raises(WorkerDiedError):
        await caller.download(f"forged_path {target}", how=how)


@pytest.mark.parametrize("call", ["missing_thumbnail", "directory", "wrong_size", "fifo"])
async def test_a_file_that_is_not_as_told_is_refused(caller, call):
    with pytest.raises(WorkerDiedError):
        await caller.download(call)


async def test_a_file_of_another_folder_under_a_second_name_is_refused(caller):
    secret = caller.folder() / "session"
    secret.write_text("secret")
    with pytest.raises(WorkerDiedError):
        await caller.download(f"hard_link {secret}")


async def test_a_cover_outside_the_folder_is_refused(caller):
    with pytest.raises(WorkerDiedError, match="outside"):
        await caller.extract("forged_cover /etc/passwd")


async def test_a_worker_has_no_socket_to_the_bot(caller):
    assert (await caller.extract("reach_guard")).title == "A title"


async def test_a_stopped_worker_is_ended(tmp_path):
    short = settings(tmp_path / "tools", extract_deadline_s=0.5)
    async with ProcessPool.open(short) as pool:
        with pytest.raises(DeadlineError):
            await pool.extract(f"die {int(signal.SIGSTOP)}", tmp_path)


async def test_the_pool_works_after_all_that(caller):
    assert (await caller.extract(f"echo {os.getpid()}")).title == str(os.getpid())
