"""Packages of `pip install --user`, which lie in a home folder, as workers find them."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from userbot.worker import landlock
from userbot.worker.sandbox import ROOT

BOT = """
import asyncio, sys
from pathlib import Path
from tests.integration.test_sandbox import Hostile, pool_of

async def main():
    root = Path(sys.argv[1])
    async with pool_of(root) as pool:
        hostile = Hostile(pool, root)
        print(await hostile.run("import own_package; result = own_package.word()"))
        print((await hostile.run(f"open({str(root / '.local/secret')!r})")).partition(":")[0])

asyncio.run(main())
"""


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_packages_of_one_user_are_found_behind_the_walls_and_the_home_is_not(tmp_path):
    home = tmp_path / ".local"
    packages = Path(sysconfig.get_path("purelib", "posix_user", {"userbase": str(home)}))
    (packages / "own_package").mkdir(parents=True)
    (packages / "own_package/__init__.py").write_text("from own_package.deep import word\n")
    (packages / "own_package/deep.py").write_text("def word():\n    return 4711\n")
    (packages / "others.pth").write_text(sysconfig.get_path("platlib") + "\n")
    (home / "secret").write_text("the token")
    python = getattr(sys, "_base_executable", sys.executable)  # a virtual environment has no users
    env = {**os.environ, "PYTHONUSERBASE": str(home), "PYTHONPATH": str(ROOT)}
    command = [python, "-W", "ignore", "-c", BOT, tmp_path]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["4711", "PermissionError"], done.stderr
