"""The walls' rules, without a process behind them: what is allowed where, and what is filtered."""

import errno
import platform
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.errors import WorkerDiedError
from userbot.worker import landlock, sandbox, seccomp, syscalls
from userbot.worker.landlock import OWN, READ, RUN, WRITE_FILE
from userbot.worker.sandbox import Sandbox

ALLOWED = 0x7FFF0000
OWN_PID = 4242
REFUSED = 0x00050000 | errno.EPERM
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

needs_landlock = pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")


def judged(steps, machine, number, *arguments):
    """Run a filter as the kernel does; return what it says about a call."""
    data = {0: number, 4: machine} | {
        16 + 8 * place: value & 0xFFFFFFFF for place, value in enumerate((*arguments, 0, 0, 0, 0))
    }
    at, loaded = 0, 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        match code:
            case 0x20:
                loaded = data[constant]
            case 0x54:
                loaded &= constant
            case 0x15:
                at += if_true if loaded == constant else if_false
            case 0x35:
                at += if_true if loaded >= constant else if_false
            case 0x45:
                at += if_true if loaded & constant else if_false
            case 0x06:
                return constant


@pytest.fixture(params=["x86_64", "aarch64"])
def ask(request, monkeypatch):
    """Ask the filter of a machine about a call, named by its numbers."""
    monkeypatch.setattr(platform, "machine", lambda: request.param)
    column = list(MACHINES).index(request.param)

    def ask(numbers, *arguments, may_resolve=False):
        steps = seccomp.program(OWN_PID, may_resolve=may_resolve)
        return judged(steps, MACHINES[request.param], numbers[column], *arguments)

    return ask


READ_CALL, OPENAT, EXECVE, CONNECT = (0, 63), (257, 56), (59, 221), (42, 203)


def test_ordinary_calls_are_allowed(ask):
    for numbers in (READ_CALL, OPENAT, EXECVE, CONNECT):
        assert ask(numbers) == ALLOWED


def test_what_no_worker_needs_is_refused(ask):
    for name, numbers in syscalls.REFUSED.items():
        if None not in numbers:
            assert ask(numbers) == REFUSED, name


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_sockets_are_for_tcp_and_names(ask, family):
    tcp, udp = socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    assert ask(syscalls.SOCKET, family, tcp, 0) == ALLOWED
    assert ask(syscalls.SOCKET, family, tcp, socket.IPPROTO_TCP) == ALLOWED
    assert ask(syscalls.SOCKET, family, tcp, 262) == REFUSED
    assert ask(syscalls.SOCKET, family, udp, 0) == REFUSED
    assert ask(syscalls.SOCKET, family, udp, 0, may_resolve=True) == ALLOWED
    assert ask(syscalls.SOCKET, family, socket.SOCK_RAW, 1, may_resolve=True) == REFUSED


def test_a_socket_is_judged_by_what_the_kernel_looks_at(ask):
    high = 1 << 32
    assert ask(syscalls.SOCKET, high | socket.AF_UNIX, high | socket.SOCK_STREAM, 0) == REFUSED
    assert ask(syscalls.SOCKET, high | socket.AF_INET, high | socket.SOCK_STREAM, 0) == ALLOWED


def test_limits_and_priorities_are_changed_of_oneself_alone(ask):
    for name, (*numbers, wanted) in syscalls.OF_ONESELF.items():
        own = [wanted.get(place, 0) for place in range(3)]
        assert ask(numbers, *own, 7) == ALLOWED, name
        for place in wanted:
            assert ask(numbers, *own[:place], 4711, *own[place + 1 :]) == REFUSED, name


def test_no_file_is_leased_and_no_folder_tells_what_happens_in_it(ask):
    for command in (0, 1, 3, 4, 6, 1030, 1031):
        assert ask(syscalls.FCNTL, 7, command, 0) == ALLOWED
    for command in (1024, 1026):
        assert ask(syscalls.FCNTL, 7, command, 1) == REFUSED


def test_signals_are_for_oneself_alone(ask):
    for numbers in (syscalls.KILL, syscalls.TGKILL):
        assert ask(numbers, OWN_PID, 9) == ALLOWED
        for other in (OWN_PID - 1, OWN_PID + 1, 1, 0, -1, -OWN_PID):
            assert ask(numbers, other, 9) == REFUSED, other


def test_no_file_sends_a_signal_to_whom_one_names(ask):
    for command in (8, 15):  # F_SETOWN, F_SETOWN_EX
        assert ask(syscalls.FCNTL, 7, command, OWN_PID) == REFUSED
    for command in (0x8901, 0x8902):  # FIOSETOWN, SIOCSPGRP
        assert ask(syscalls.IOCTL, 7, command, 0) == REFUSED


def test_of_files_and_devices_only_what_every_program_asks_is_asked(ask):
    for command in (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451):
        assert ask(syscalls.IOCTL, 7, command, 0) == ALLOWED
    snapshot, subvolume = 0x50009417, 0x5000940E  # linux/btrfs.h
    flags, clone, typing = 0x40086602, 0x40049409, 0x5412  # linux/fs.h, TIOCSTI
    for command in (snapshot, subvolume, flags, clone, typing):
        assert ask(syscalls.IOCTL, 7, command, 0) == REFUSED


def test_no_priority_is_changed_of_all_processes_of_the_user(ask):
    priority, by_class = syscalls.OF_ONESELF["setpriority"], syscalls.OF_ONESELF["ioprio_set"]
    assert ask(priority[:2], 2, 0, 19) == REFUSED
    assert ask(by_class[:2], 3, 0, 19) == REFUSED


def test_new_processes_yes_new_namespaces_no(ask):
    assert ask(syscalls.CLONE, 17) == ALLOWED
    assert ask(syscalls.CLONE, 0x003D0F00) == ALLOWED  # what a thread is made with
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert ask(syscalls.CLONE, 1 << bit | 17) == REFUSED
    assert ask(syscalls.CLONE3) == 0x00050000 | errno.ENOSYS


def test_nothing_is_sent_while_connecting(ask):
    for numbers, place in ((syscalls.SENDTO, 3), (syscalls.SENDMSG, 2), (syscalls.SENDMMSG, 3)):
        assert ask(numbers, *[0] * place, 0x4000, may_resolve=True) == ALLOWED
        assert ask(numbers, *[0] * place, 0x20004000, may_resolve=True) == REFUSED
        assert ask(numbers, *[0] * place, 0x20004000) == REFUSED


def test_no_message_holds_files(ask):
    assert ask(syscalls.SENDMSG, 7) == ask(syscalls.SENDMMSG, 7) == REFUSED
    assert ask(syscalls.SENDTO, 7) == ALLOWED


def test_numbers_of_another_machine_are_refused(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    steps = seccomp.program(OWN_PID, may_resolve=True)
    assert judged(steps, 0x40000003, 0) == REFUSED  # 32 bits
    assert judged(steps, MACHINES["x86_64"], 0x40000000) == REFUSED  # x32


@tries(300)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_gets_an_answer(number, arguments):
    if platform.machine() not in MACHINES:
        pytest.skip("no filter for this machine")
    steps = seccomp.program(OWN_PID, may_resolve=False)
    said = judged(steps, MACHINES[platform.machine()], number, *arguments)
    assert said == ALLOWED or said & 0xFFFF0000 == 0x00050000


def test_a_machine_without_numbers_has_no_filter(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert not seccomp.is_there()


def rights_of(walls: Sandbox, path: Path) -> int:
    """Return what may be done with path, by all rules that hold for it."""
    places = (path.resolve(), *path.resolve().parents)
    found = 0
    for ground in walls.grounds:
        found |= ground.rights if ground.path in places else 0
    return found


@pytest.fixture
def walls(tmp_path):
    return Sandbox.here(tmp_path / "data" / "bin", [])


def test_what_programs_need_can_be_read_and_nothing_written(walls):
    assert rights_of(walls, Path(sys.executable)) == RUN
    assert rights_of(walls, Path(sandbox.__file__)) == READ
    assert rights_of(walls, Path(pytest.__file__)) == RUN
    assert rights_of(walls, Path("/dev/null")) & WRITE_FILE
    writable = [item.path for item in walls.grounds if item.rights & OWN & ~READ]
    assert set(writable) <= {Path("/dev/null"), Path("/dev/full")}


def test_the_folder_with_the_settings_is_no_ground(walls):
    for name in ("", "run.py", ".env", ".env.example", "sessions", "data", "config", "tests"):
        assert rights_of(walls, sandbox.ROOT / name) == 0, name


def test_an_installation_among_system_files_stays_apart(tmp_path, monkeypatch):
    system, root = tmp_path / "lib", tmp_path / "lib" / "bot"
    for folder in (root / "userbot", root / "sessions", system / "python"):
        folder.mkdir(parents=True)
    (system / "to_root").symlink_to("/")
    monkeypatch.setattr(sandbox, "ROOT", root)
    monkeypatch.setattr(sandbox, "_PROGRAMS", (str(system),))
    walls = Sandbox.here(tmp_path / "bin", [])
    assert rights_of(walls, system / "python") == RUN
    assert rights_of(walls, root / "userbot") == READ
    assert rights_of(walls, root / "sessions") == 0
    assert rights_of(walls, Path("/etc/passwd")) == 0


def test_an_environment_in_the_folder_of_the_bot_opens_no_more_than_itself(tmp_path, monkeypatch):
    for name in ("bin", "lib", "userbot", "sessions"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sandbox, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/", "", str(tmp_path.parent)])
    walls = Sandbox.here(tmp_path / "data" / "bin", [])
    assert rights_of(walls, tmp_path / "lib") == RUN
    for name in ("sessions", ".env", "data"):
        assert rights_of(walls, tmp_path / name) == 0


@needs_landlock
def test_walls_that_cannot_be_put_up_end_the_call(tmp_path):
    walls = Sandbox((), landlock.abi(), has_filter=False)
    if landlock.abi() < landlock.ABI_PORTS:
        pytest.skip("this kernel knows no ports")
    with pytest.raises(WorkerDiedError, match="no sandbox"):
        walls.enter(tmp_path, [70_000], may_resolve=True)
    assert Path("/etc/passwd").read_text()
