"""A worker in foreign hands where the bot is an ordinary user, as its workers then are, too."""

import json
import os
import platform
import subprocess
import sys

import pytest

from tests.integration.test_sandbox import CALLS, filtered
from userbot.worker.sandbox import ROOT

ORDINARY = 60571  # nobody's

BOT = """
import asyncio, json, os, sys
from pathlib import Path
from tests.integration.pool_helpers import is_alive
from tests.integration.test_sandbox import Hostile, pool_of
from userbot.worker import powers

def become_ordinary(user):  # who may read the installation, wherever it lies
    powers.outlast_root()
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    powers.keep([powers.DAC_READ_SEARCH])
    powers.hand_on([powers.DAC_READ_SEARCH])

async def main(root, warm, code):
    async with pool_of(root, warm=warm) as pool:
        server = pool.fork_server_pid
        others = {"bot": os.getpid(), "fork server": server}
        folder = (hostile := Hostile(pool, root)).folder()
        try:
            said = await hostile.run(f"others = {others!r}\\n{code}", folder)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        left = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        print(json.dumps([said, is_alive(server), [pid for pid in left if is_alive(pid)]]))

if os.geteuid() == 0:
    become_ordinary(int(sys.argv[1]))
asyncio.run(main(Path(sys.argv[2]), *sys.argv[3:]))
"""


def run_by_an_ordinary_user(folder, code, warm="warm"):
    """Return what the code came to, whether the fork server lives, and which processes it left.

    A process that it makes tells of itself by a file with its number for a name.
    """
    if os.geteuid() == 0:
        os.chown(folder, ORDINARY, ORDINARY)
    what = [str(ORDINARY), str(folder), f"{CALLS}:{warm}", code]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BOT, *what],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


WAYS_OF_SIGNALLING = """
import ctypes, fcntl, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
others["guard"] = os.getppid()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(str(os.getpid()), "w").close()
        time.sleep(600)
    os._exit(0)
info = ctypes.create_string_buffer(128)
reading, writing = os.pipe()
result = []
for who, pid in others.items():
    file = os.pidfd_open(pid)
    answers = [
        libc.kill(pid, 9),
        libc.syscall(234, pid, pid, 9),  # tgkill
        libc.syscall(200, pid, 9),  # tkill
        libc.syscall(129, pid, 9, info),  # rt_sigqueueinfo
        libc.syscall(297, pid, pid, 9, info),  # rt_tgsigqueueinfo
        libc.syscall(424, file, 9, 0, 0),  # pidfd_send_signal
        libc.fcntl(reading, 8, pid),  # F_SETOWN
        libc.ioctl(reading, 0x8901, ctypes.byref(ctypes.c_int(pid))),  # FIOSETOWN
    ]
    result += [(who, number) for number, said in enumerate(answers) if said != -1]
result += [-1] * (libc.kill(-1, 9) != -1)
os.kill(os.getpid(), 0)
"""


@filtered
@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of that machine")
def test_it_ends_neither_bot_nor_guard_before_linux_6_12(tmp_path):
    said = run_by_an_ordinary_user(tmp_path, WAYS_OF_SIGNALLING, warm="warm_on_linux_6_11")
    assert said == ["[]", True, []]


MANY_PROCESSES = """
import os, time
made = 0
try:
    while made < 2000:
        if os.fork() == 0:
            time.sleep(600)
        made += 1
except BlockingIOError:
    pass
result = 400 <= made <= 512
"""


def test_it_does_not_fill_the_machine_with_processes(tmp_path):
    said, is_server_alive, _ = run_by_an_ordinary_user(tmp_path, MANY_PROCESSES)
    assert (said, is_server_alive) == ("True", True)
