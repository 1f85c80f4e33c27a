"""A worker in foreign hands: whatever it runs, it gets nothing that is not its job's."""

import ast
import asyncio
import os
import shutil
import socket
import sys
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from tests.integration.pool_helpers import Caller, is_alive, settings, text_of
from userbot.errors import WorkerDiedError
from userbot.pool import ProcessPool
from userbot.worker import landlock, seccomp
from userbot.worker.sandbox import ROOT

CALLS = "tests.integration.hostile_calls"
ABI = landlock.abi()

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(ABI == 0, reason="this kernel has no Landlock"),
]
filtered = pytest.mark.skipif(not seccomp.is_there(), reason="no filter for this kernel")
scoped = pytest.mark.skipif(ABI < landlock.ABI_SCOPES, reason="this kernel knows no scopes")
ported = pytest.mark.skipif(ABI < landlock.ABI_PORTS, reason="this kernel knows no ports")


class Hostile(Caller):
    async def run(self, code, folder=None):
        """Return what the code came to: its result as a text, or its error."""
        return (await self.extract(code, folder)).info_json

    async def value(self, code: str):
        said = await self.run(code)
        try:
            return ast.literal_eval(said)
        except (SyntaxError, ValueError):
            raise AssertionError(said) from None

    async def refused(self, code: str, folder=None) -> None:
        said = await self.run(code, folder)
        assert said.startswith(("PermissionError", "OSError: [Errno 18]")), said


def pool_of(root: Path, **changes):
    wanted = {"entry": f"{CALLS}:run", "warm": f"{CALLS}:warm", **changes}
    return ProcessPool.open(settings(root / "tools", **wanted))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hostile(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    async with pool_of(root) as pool:
        yield Hostile(pool, root)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def proxied(tmp_path_factory):
    """Workers that may talk to a proxy only, beside a place that they must not reach."""
    root = tmp_path_factory.mktemp("proxied")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://job:word@127.0.0.1:{proxy.getsockname()[1]}"
        async with pool_of(root, proxy=address) as pool:
            yield Hostile(pool, root)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("the token")
    return path


async def test_it_works_in_its_own_folder(hostile):
    code = """
import os
os.makedirs("a/b"); open("a/b/c", "w").write("x"); os.rename("a/b/c", "d"); os.rmdir("a/b")
open("d", "a").write("y"); os.truncate(os.open("d", os.O_RDWR), 1)
result = open("d").read(), sorted(os.listdir("."))
os.unlink("d")
"""
    assert await hostile.value(code) == ("x", ["a", "d"])


async def test_it_reads_nothing_of_the_installation_but_modules(hostile, secret):
    for path in (ROOT / ".env.example", ROOT / "run.py", ROOT / "config/settings.py", secret):
        assert path.exists()
        await hostile.refused(f"open({str(path)!r}).read()")
    folders = (ROOT, ROOT / "sessions", "/", "/etc", "/root", "/home", "/tmp", "/run", "/var")
    files = ("/etc/passwd", "/etc/shadow", "/etc/ssl/private", "/etc/hostname")
    for path in filter(os.path.exists, map(str, (*folders, *files))):
        await hostile.refused(f"import os; os.close(os.open({path!r}, os.O_RDONLY))")
    await hostile.refused(f"import os; os.listdir({str(ROOT)!r})")


async def test_it_sees_no_other_job(hostile):
    other = hostile.folder()
    (other / "cookies.txt").write_text("secret")
    await hostile.refused(f"open({str(other / 'cookies.txt')!r})")
    await hostile.refused(f"open({str(other / 'new')!r}, 'w')")
    await hostile.refused(f"import os; os.listdir({str(other.parent)!r})")


async def test_it_writes_nowhere_else(hostile, secret):
    places = (secret.parent, ROOT / "userbot", Path(sys.prefix), "/dev/shm", "/tmp", "/usr/lib")
    for place in filter(os.path.exists, map(str, places)):
        await hostile.refused(f"open({str(Path(place, 'new'))!r}, 'w')")
    for change in ("os.unlink", "os.remove", "os.rmdir"):
        await hostile.refused(f"import os; {change}({str(secret)!r})")
    await hostile.refused(f"open({str(secret)!r}, 'r+')")
    await hostile.refused(f"import os; os.rename({str(secret)!r}, 'mine')")
    await hostile.refused(f"import os; os.link({str(secret)!r}, 'mine')")
    await hostile.refused("import os; os.link('/etc/passwd', 'mine')")
    assert secret.read_text() == "the token"


@filtered
async def test_it_changes_no_mode_owner_or_time_of_any_file(hostile, secret):
    before = secret.stat()
    for change in (
        "os.chmod(path, 0o777)",
        "os.chown(path, 0, 1)",
        "os.utime(path, (1, 1))",
        "os.setxattr(path, 'user.x', b'')",
    ):
        await hostile.refused(f"import os; path = {str(secret)!r}; {change}")
    assert secret.stat()[:6] == before[:6]
    assert secret.stat().st_mtime == before.st_mtime


async def test_its_folder_holds_files_only(hostile):
    for made in (
        "os.mkfifo('x')",
        "os.mknod('x', 0o60600, os.makedev(254, 0))",
        "os.mknod('x', 0o20600, os.makedev(1, 1))",
        "os.symlink('/etc/passwd', 'x')",
    ):
        await hostile.refused(f"import os; {made}")


async def test_it_runs_no_program_that_it_brought(hostile):
    code = """
import os, subprocess
file = os.open("x", os.O_WRONLY | os.O_CREAT, 0o700)
os.write(file, b"#!/bin/sh\\n")
os.close(file)
subprocess.run(["./x"])
"""
    await hostile.refused(code)


async def test_it_knows_nothing_of_other_processes(hostile):
    for pid in (os.getpid(), hostile.pool.fork_server_pid, 1):
        for name in ("environ", "mem", "cmdline", "maps", "stat"):
            await hostile.refused(f"open('/proc/{pid}/{name}', 'rb')")
    await hostile.refused("import os; os.listdir('/proc')")
    await hostile.refused("import os; open(f'/proc/{os.getppid()}/mem', 'r+b')")
    await hostile.refused("import os; open(f'/proc/{os.getpid()}/root/etc/passwd')")


@scoped
async def test_it_signals_nobody_but_itself(hostile):
    for pid in (os.getpid(), hostile.pool.fork_server_pid):
        await hostile.refused(f"import os; os.kill({pid}, 0)")
        await hostile.refused(f"import os; os.kill({pid}, 9)")
    await hostile.refused("import os; os.kill(os.getppid(), 9)")
    assert await hostile.value("import os; result = os.kill(os.getpid(), 0)") is None


@filtered
async def test_it_traces_nobody(hostile):
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
pid = os.getppid()
buffer = ctypes.create_string_buffer(16)
iov = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 16)
result = []
for answer in (libc.ptrace(16, pid, 0, 0), libc.process_vm_readv(pid, iov, 1, iov, 1, 0)):
    result.append((answer, ctypes.get_errno()))
"""
    assert await hostile.value(code) == [(-1, 1), (-1, 1)]


@filtered
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("io_uring_setup", (425, 425)),
        ("unshare", (272, 97)),
        ("bpf", (321, 280)),
        ("keyctl", (250, 219)),
        ("mount", (165, 40)),
        ("userfaultfd", (323, 282)),
        ("perf_event_open", (298, 241)),
        ("open_by_handle_at", (304, 265)),
        ("kexec_load", (246, 104)),
    ],
)
async def test_it_calls_no_rare_part_of_the_kernel(hostile, name, numbers):
    code = f"""
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
answer = libc.syscall({numbers}[platform.machine() == "aarch64"], 0, 0, 0, 0, 0)
result = answer, ctypes.get_errno()
"""
    assert await hostile.value(code) == (-1, 1)


@filtered
async def test_it_makes_no_new_namespace(hostile):
    code = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
number = 220 if platform.machine() == "aarch64" else 56
result = [(libc.syscall(number, 0x10000000 | 17, 0, 0, 0, 0), ctypes.get_errno()),
          (libc.syscall(435, 0, 0), ctypes.get_errno())]
"""
    assert await hostile.value(code) == [(-1, 1), (-1, 38)]


@filtered
@pytest.mark.parametrize(
    "made",
    [
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socket(socket.AF_VSOCK)",
        "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)",
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)",  # MPTCP: no ports for Landlock
        "socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)",  # SCTP
        "socket.socket().listen()",
        "socket.create_server(('127.0.0.1', 0))",
    ],
)
async def test_it_has_no_other_sockets(hostile, made):
    await hostile.refused(f"import socket; {made}")


@filtered
async def test_pairs_that_programs_need_for_themselves_remain(hostile):
    code = """
import socket
a, b = socket.socketpair(); a.send(b"x"); result = b.recv(1)
"""
    assert await hostile.value(code) == b"x"


@ported
async def test_it_connects_to_the_proxy_only(proxied):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        await proxied.refused(f"import socket; socket.create_connection(('127.0.0.1', {port}))")
        await proxied.refused(
            f"import socket; socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', {port}))"
        )
        shell = f"['bash', '-c', '>/dev/tcp/127.0.0.1/{port}']"
        code = f"import subprocess; result = subprocess.call({shell})"
        assert await proxied.value(code) != 0
    connect = "import socket; from urllib.parse import urlsplit; url = urlsplit(call.proxy); "
    connect += "result = bool(socket.create_connection((url.hostname, url.port)))"
    assert await proxied.value(connect)


@filtered
async def test_where_there_is_a_proxy_no_question_for_names_gets_out(proxied, hostile):
    await proxied.refused("import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")
    said = await proxied.run("import socket; socket.getaddrinfo('example.com', 80)")
    assert said.startswith("gaierror"), said
    assert await hostile.value("import socket; result = socket.getaddrinfo('localhost', 80) != []")


async def test_the_walls_hold_its_children_too(hostile, secret):
    code = f"import subprocess; result = subprocess.run(['cat', {str(secret)!r}]).returncode"
    assert await hostile.value(code) == 1
    code = """
import os
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        try:
            open("/etc/passwd"); os.write(writing, b"read")
        except OSError as error:
            os.write(writing, type(error).__name__.encode())
    os._exit(0)
result = os.read(reading, 100)
"""
    assert await hostile.value(code) == b"PermissionError"


async def test_the_walls_cannot_be_taken_down(hostile, secret):
    code = f"""
from pathlib import Path
from userbot.worker import landlock
landlock.restrict(landlock.abi(), [landlock.Ground(Path("/"), landlock.OWN)], None)
open({str(secret)!r})
"""
    await hostile.refused(code)


async def test_it_has_no_privileges_left(hostile):
    status = await hostile.value("result = open('/proc/self/status').read()")
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert int(fields["CapEff"], 16) & ~4 == int(fields["CapPrm"], 16) & ~4 == 0
    assert fields["NoNewPrivs"] == "1"
    if seccomp.is_there():
        assert fields["Seccomp"] == "2"


async def test_it_does_not_outlive_its_job(hostile):
    folder = hostile.folder()
    code = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
if os.fork() == 0:
    open("escaped.tmp", "w").write(str(os.getpid())); os.rename("escaped.tmp", "escaped")
time.sleep(600)
"""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(hostile.extract(code, folder))
        pid = int(await text_of(folder / "escaped"))
        task.cancel()
    assert not is_alive(pid)


async def test_a_folder_that_is_gone_ends_the_call_before_anything_runs(hostile):
    folder = hostile.folder()
    folder.rmdir()
    with pytest.raises(WorkerDiedError):
        await hostile.run("result = 1", folder)


DENO = """
import os, subprocess
command = ["deno", "run", "--ext=js", "--no-code-cache", "--no-prompt", "--no-remote", "--no-lock",
           "--node-modules-dir=none", "--no-config", "-"]
done = subprocess.run(command, input=b"console.log([1,2,3].map(x => x * 2).join())",
                      capture_output=True)
result = done.returncode, done.stdout, done.stderr[-500:]
"""


@pytest.mark.skipif(not shutil.which("deno"), reason="no deno here")
async def test_deno_runs_behind_the_walls(proxied):
    code, out, complaints = await proxied.value(DENO)
    assert (code, out) == (0, b"2,4,6\n"), complaints


async def test_the_pool_is_as_it_was(hostile):
    assert psutil.pid_exists(hostile.pool.fork_server_pid)
    assert await hostile.value("result = 1") == 1
