"""Whom workers run as when the bot is root: for each call a user of its own."""

import ast
import asyncio
import os
import sys

import pytest
import pytest_asyncio

from tests.integration.test_sandbox import Hostile, pool_of
from userbot import trees
from userbot.worker import identity, landlock, powers
from userbot.worker.identity import RANGES

OWN_USERS = RANGES[0]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes other users"),
    pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock"),
]

WHO = "import os; result = os.getresuid(), os.getresgid(), os.getgroups()"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("users")
    async with pool_of(root) as pool:
        yield Hostile(pool, root)


async def test_each_call_has_a_user_of_its_own(hostile):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hostile.value(WHO)) for _ in range(3)]
    found = [task.result() for task in tasks]
    for users, groups, others in found:
        assert len(set(users + groups)) == 1
        assert users[0] in OWN_USERS
        assert others == []
    assert len({users for users, _, _ in found}) == 3


async def test_programs_that_it_runs_are_no_more_than_itself(hostile):
    look = f"exec(open({powers.__file__!r}).read()); print([os.getuid(), *held()])"
    code = f"import subprocess; result = subprocess.check_output({[sys.executable, '-c', look]!r})"
    uid, *held = ast.literal_eval((await hostile.value(code)).decode())
    assert uid in OWN_USERS
    assert set(held) <= {powers.DAC_READ_SEARCH}


async def test_what_earlier_calls_of_a_job_left_can_be_gone_on_with(hostile):
    folder = hostile.folder()
    (folder / "of the bot").write_text("a")
    (folder / "of the bot").chmod(0o600)
    await hostile.run("import os; os.mkdir('deep'); open('deep/part', 'w').write('b')", folder)
    code = "open('of the bot', 'a').write('x'); open('deep/part', 'a').write('x')"
    assert await hostile.run(f"{code}; result = 1", folder) == "1"
    assert (folder / "of the bot").read_text() == "ax"
    assert (folder / "deep/part").read_text() == "bx"


async def test_what_has_another_name_elsewhere_is_not_handed_over(hostile, tmp_path):
    folder, secret = hostile.folder(), tmp_path / "secret"
    secret.write_text("x")
    (folder / "hard").hardlink_to(secret)
    (folder / "soft").symlink_to(secret)
    await hostile.refused("open('own', 'w').close(); open('hard', 'a')", folder)
    assert secret.stat().st_uid == os.getuid()
    assert (folder / "own").stat().st_uid in OWN_USERS


async def test_after_a_call_its_folder_is_the_bots_again(hostile):
    folder = hostile.folder()
    assert await hostile.run("import os; result = os.stat('.').st_uid == os.getuid()", folder) == (
        "True"
    )
    assert folder.stat().st_uid == os.getuid()


async def test_what_it_made_is_counted_and_removed_by_the_bot(hostile):
    folder = hostile.folder()
    code = "import os; os.makedirs('a/b'); open('a/b/c', 'wb').write(bytes(1000))"
    await hostile.run(code, folder)
    sizes = {path.name: found.st_size for path, found in trees.entries(folder)}
    assert sizes["c"] == 1000
    trees.remove(folder)
    assert not folder.exists()


async def test_it_makes_no_more_processes_than_it_may(hostile):
    code = f"""
import os, time
made = 0
try:
    while made < {2 * identity.MAX_PROCESSES}:
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except BlockingIOError:
    pass
result = made
"""
    assert 0 < await hostile.value(code) < identity.MAX_PROCESSES
