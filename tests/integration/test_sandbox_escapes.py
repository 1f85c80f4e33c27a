"""A worker in foreign hands that tries to get at the bot, the guard, another call, the kernel."""

import asyncio
import os
import platform
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import pytest
import pytest_asyncio

from tests.integration.pool_helpers import is_alive, text_of
from tests.integration.test_sandbox import ABI, Hostile, filtered, pool_of, scoped
from userbot.worker import syscalls
from userbot.worker.sandbox import ROOT

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(ABI == 0, reason="this kernel has no Landlock"),
]

WORK_OF_A_NEIGHBOUR = """
import os, time
open("pids.new", "w").write(f"{os.getpid()} {os.getppid()}")
os.rename("pids.new", "pids")
time.sleep(600)
"""


@dataclass
class Tried:
    """What an attempt gets to know: the processes that it must not reach, and the C library."""

    hostile: Hostile
    others: dict[str, int]

    async def value(self, code: str):
        start = f"import ctypes, os\nothers = {self.others!r}\nothers['guard'] = os.getppid()\n"
        start += "libc = ctypes.CDLL(None, use_errno=True)\n"
        return await self.hostile.value(start + code)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("escapes")
    async with pool_of(root) as pool:
        yield Hostile(pool, root)


@asynccontextmanager
async def neighbour(hostile):
    """Have another call run meanwhile, and see that it and everything else outlives the block."""
    folder = hostile.folder()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hostile.run(WORK_OF_A_NEIGHBOUR, folder))
        worker, guard = map(int, (await text_of(folder / "pids", limit_s=30)).split())
        server = hostile.pool.fork_server_pid
        others = {"worker": worker, "its guard": guard, "fork server": server, "bot": os.getpid()}
        yield Tried(hostile, others)
        for name, pid in others.items():
            assert is_alive(pid), name
            assert psutil.Process(pid).status() != psutil.STATUS_STOPPED, name
        task.cancel()


async def test_no_file_of_any_other_process_opens(hostile):
    names = (
        *(
            "mem",
            "environ",
            "cmdline",
            "maps",
            "fd",
            "fdinfo",
            "root",
            "cwd",
            "exe",
            "auxv",
            "stat",
        ),
        *("status", "comm", "task", "ns/net", "net/tcp", "mountinfo", "oom_score_adj", "stack"),
    )
    code = f"""
result = []
for who, pid in {{**others, "init": 1}}.items():
    for name in {names!r}:
        for attempt in (lambda path: os.close(os.open(path, os.O_RDONLY)), os.readlink):
            try:
                attempt(f"/proc/{{pid}}/{{name}}")
                result.append((who, name))
            except OSError:
                pass
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


@filtered
async def test_its_own_files_in_proc_tell_of_nobody_else(hostile):
    code = """
result = []
for path in (
    "/proc/self/net/tcp", "/proc/self/task", f"/proc/self/task/{os.getpid()}/net/tcp",
    "/proc/net/tcp", "/proc/self/mountinfo", "/proc/mounts", "/proc/kmsg", "/proc/kcore",
    "/proc/self/root/etc/passwd", "/proc/self/cwd/..", "/proc/thread-self/root", "/proc/kallsyms",
    "/sys/fs/cgroup", "/dev/kmsg", "/dev/mem", "/dev/tty", "/dev/ptmx", "/dev/console", "/dev/shm",
):
    try:
        os.close(os.open(path, os.O_RDONLY))
        result.append(path)
    except OSError:
        pass
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


@scoped
@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of that machine")
async def test_no_way_of_signalling_reaches_anybody(hostile):
    code = """
import fcntl, signal
result = []
reading, writing = os.pipe()
info = ctypes.create_string_buffer(128)
for who, pid in others.items():
    file = os.pidfd_open(pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        answers = [
            libc.kill(pid, number),
            libc.syscall(234, pid, pid, number),  # tgkill
            libc.syscall(200, pid, number),  # tkill
            libc.syscall(129, pid, number, info),  # rt_sigqueueinfo
            libc.syscall(297, pid, pid, number, info),  # rt_tgsigqueueinfo
            libc.syscall(424, file, number, 0, 0),  # pidfd_send_signal
        ]
        result += [(who, number)] * (answers != [-1] * 6)
        try:
            fcntl.fcntl(reading, fcntl.F_SETOWN, pid)
            fcntl.fcntl(reading, 10, number)  # F_SETSIG
            fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
            os.write(writing, b"x")
        except OSError:
            pass
for number in (signal.SIGSTOP, signal.SIGKILL):
    libc.kill(-1, number)  # whoever can be reached, but for the caller
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


@filtered
async def test_every_call_that_no_program_needs_is_refused(hostile):
    column = int(platform.machine() == "aarch64")
    numbers = {name: pair[column] for name, pair in syscalls.REFUSED.items() if pair[column]}
    code = f"""
result = []
for name, number in {numbers!r}.items():
    if (libc.syscall(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()) != (-1, 1):
        result.append(name)
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


@filtered
async def test_of_all_families_of_sockets_tcp_is_left(hostile):
    code = """
import socket
result = {}
for family in range(64):
    for kind in range(1, 11):
        try:
            socket.socket(family, kind).close()
            result.setdefault(family, []).append(kind)
        except OSError:
            pass
"""
    async with neighbour(hostile) as tried:  # with a proxy UDP goes too, see test_sandbox
        found = await tried.value(code)
    assert {family: kinds[0] for family, kinds in found.items()} == {2: 1, 10: 1}
    assert all(set(kinds) <= {1, 2} for kinds in found.values())


@filtered
async def test_it_gets_no_more_of_the_processor_than_it_was_given(hostile):
    code = """
import resource
result = []
def attempt(name, change, *arguments):
    try:
        change(*arguments)
        result.append(name)
    except (OSError, ValueError):
        pass
for who, pid in others.items():
    attempt(who, os.sched_setaffinity, pid, {0})
    attempt(who, os.setpriority, os.PRIO_PROCESS, pid, 19)
    attempt(who, resource.prlimit, pid, resource.RLIMIT_CPU)
attempt("all of the user", os.setpriority, os.PRIO_USER, 0, 19)
attempt("nicer", os.nice, -1)
attempt("real time", os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(1))
attempt("last to go", lambda: open("/proc/self/oom_score_adj", "w").write("0"))
for kind in range(16):
    soft, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        attempt(f"limit {kind}", resource.setrlimit, kind, (soft, hard + 1))
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


async def test_it_is_nobody_else_and_becomes_nobody_else(hostile):
    code = """
result = []
for change, *arguments in (
    (os.setuid, 0), (os.setgid, 0), (os.setgroups, [0]), (os.setresuid, 0, 0, 0),
    (os.setpgid, 0, others["worker"]), (os.chroot, "."),
):
    try:
        change(*arguments)
        result.append(change.__name__)
    except OSError:
        pass
"""
    if os.geteuid() != 0:  # "I am already who I am" is no refusal
        code = code.replace("(os.setuid, 0), (os.setgid, 0), ", "")
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


async def test_its_folder_stays_where_and_what_it_is(hostile):
    code = """
result = []
here = os.getcwd()
for change, *arguments in (
    (os.rename, here, here + "x"), (os.rmdir, here), (os.rename, ".", "../x"),
    (os.symlink, here, here + "y"), (os.mkdir, "../z"), (os.link, "/bin/sh", "sh"),
):
    try:
        change(*arguments)
        result.append(change.__name__)
    except OSError:
        pass
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []


async def test_no_terminal_hears_it(hostile):
    code = """
import fcntl
result = [os.readlink(f"/proc/self/fd/{file}") for file in range(3)]
for file in range(3):
    try:
        fcntl.ioctl(file, 0x5412, b"x")  # TIOCSTI
        result.append(file)
    except OSError:
        pass
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == ["/dev/null"] * 3


@filtered
async def test_what_it_reads_of_the_installation_it_cannot_lock_for_writing(hostile):
    code = f"""
import fcntl
file = os.open({str(ROOT / "userbot/wire.py")!r}, os.O_RDONLY)
result = []
for attempt in (
    lambda: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB),
    lambda: fcntl.fcntl(file, 1024, fcntl.F_WRLCK),  # F_SETLEASE
    lambda: fcntl.fcntl(file, 1024, fcntl.F_RDLCK),
    lambda: fcntl.fcntl(os.open("/usr/lib", os.O_RDONLY), 1026, 2),  # F_NOTIFY
    lambda: os.open({str(ROOT / "userbot/wire.py")!r}, os.O_RDWR),
    lambda: os.ftruncate(file, 0),
):
    try:
        attempt()
        result.append("done")
    except OSError:
        pass
"""
    async with neighbour(hostile) as tried:
        assert await tried.value(code) == []
