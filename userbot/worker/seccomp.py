"""A filter of system calls: no worker talks to anything but the network, nor looks into others.

It closes what file rules do not cover: unix sockets, other families of sockets, signals to others,
debugging and memory of other processes, new namespaces, changes of modes and owners, what file
systems and devices can do beside, and rare parts of the kernel in which most of its holes are
found. What is refused fails with EPERM and the program goes on.

Signals are refused also to the call's own programs: a filter sees a number, not whose it is, and
below Linux 6.12 nothing else keeps a worker from the guard that ends it. The guard ends them all.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Sequence
from functools import cache

from userbot.worker import syscalls

# linux/audit.h: AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64; the column in `syscalls`
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_FIRST_X32 = 0x40000000  # x86_64 has a second set of numbers; nobody needs it
_NEW_NAMESPACES = 0x7E020000  # linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS ... NEWNET
_TYPE_MASK = 0xF  # of a socket's type; above are flags
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN connects without asking Landlock
# linux/fcntl.h, F_SETLEASE and F_NOTIFY: holding up whoever opens a file, news of what others do;
# F_SETOWN and F_SETOWN_EX: a signal to whom one names when a file can be read
_FOR_OTHERS = (1024, 1026, 8, 15)
# asm-generic/ioctls.h: is it a terminal, how wide, how much is there, do not wait, close on exec.
# Of all others, file systems have some that file rules do not cover: a snapshot of a whole Btrfs.
_HARMLESS_CONTROLS = (
    *(0x5401, 0x802C542A, 0x5413),  # TCGETS, TCGETS2, TIOCGWINSZ
    *(0x541B, 0x5421, 0x5450, 0x5451),  # FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
)

# linux/filter.h, linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_AT_NUMBER, _AT_MACHINE, _AT_ARGUMENTS = 0, 4, 16
_SET_FILTER, _ASK_ACTION = 1, 2

Step = tuple[int, int, int, int]  # code, steps to skip when true, when false, constant


def is_there() -> bool:
    """Return whether this kernel filters, on a machine whose numbers we know."""
    number = syscalls.SECCOMP.get(platform.machine())
    if number is None or struct.calcsize("P") != 8:  # 32 bits on such a machine: other numbers
        return False
    action = ctypes.c_uint32(_FAIL)
    return bool(_libc().syscall(number, _ASK_ACTION, 0, ctypes.byref(action)) == 0)


def restrict(*, may_resolve: bool) -> None:
    """Filter the calls of this thread and its children for good; needs no_new_privs.

    may_resolve: leave UDP, for names, and messages, which else could hold open files: Linux counts
    those on their way by user, and beyond a number the bot could send none either. Raises OSError.
    """
    wanted = program(os.getpid(), may_resolve=may_resolve)
    steps = b"".join(struct.pack("=HBBI", *step) for step in wanted)
    buffer = ctypes.create_string_buffer(steps, len(steps))
    filter_ = struct.pack("@HP", len(steps) // 8, ctypes.addressof(buffer))
    if _libc().syscall(syscalls.SECCOMP[platform.machine()], _SET_FILTER, 0, filter_) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "seccomp")


def program(own_pid: int, *, may_resolve: bool) -> list[Step]:
    """Return the filter for this machine. own_pid: the only process that may be signalled."""
    machine, column = _MACHINES[platform.machine()]
    refused = [numbers[column] for numbers in syscalls.REFUSED.values()]
    steps = [(_LOAD, 0, 0, _AT_MACHINE), (_EQUAL, 1, 0, machine), _fail(errno.EPERM)]
    steps += [(_LOAD, 0, 0, _AT_NUMBER), (_AT_LEAST, 0, 1, _FIRST_X32), _fail(errno.EPERM)]
    for number in filter(None, refused):
        steps += _when(number, [_fail(errno.EPERM)])
    # Its flags lie in memory, where no filter looks; libraries then take the older call.
    steps += _when(syscalls.CLONE3[column], [_fail(errno.ENOSYS)])
    steps += _when(syscalls.CLONE[column], _refuse_bits(0, _NEW_NAMESPACES))
    steps += _when(syscalls.SENDTO[column], _refuse_bits(3, _FAST_OPEN))
    for pair, place in ((syscalls.SENDMSG, 2), (syscalls.SENDMMSG, 3)):
        refusal = _refuse_bits(place, _FAST_OPEN) if may_resolve else [_fail(errno.EPERM)]
        steps += _when(pair[column], refusal)
    steps += _when(syscalls.SOCKET[column], _refuse_sockets(may_resolve=may_resolve))
    steps += _when(syscalls.SOCKETPAIR[column], _refuse_pairs())
    steps += _when(syscalls.FCNTL[column], _refuse_values(1, _FOR_OTHERS))
    steps += _when(syscalls.IOCTL[column], _refuse_but(1, _HARMLESS_CONTROLS))
    for signalling in (syscalls.KILL, syscalls.TGKILL):
        steps += _when(signalling[column], _refuse_but(0, [own_pid]))
    for *numbers, wanted in syscalls.OF_ONESELF.values():
        checks = [_refuse_but(place, [value]) for place, value in wanted.items()]
        steps += _when(numbers[column], [step for check in checks for step in check])
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _refuse_sockets(*, may_resolve: bool) -> list[Step]:
    """Leave TCP, and UDP where need be: of other protocols Landlock knows no ports."""
    types = [socket.SOCK_STREAM, *([socket.SOCK_DGRAM] if may_resolve else [])]
    return [
        *_refuse_but(0, [socket.AF_INET, socket.AF_INET6]),
        *_refuse_but(1, types, _TYPE_MASK),
        *_refuse_but(2, [0, socket.IPPROTO_TCP, *([socket.IPPROTO_UDP] if may_resolve else [])]),
    ]


def _refuse_pairs() -> list[Step]:
    """Leave pairs that are connected for good; datagrams could be sent anywhere."""
    return [
        *_refuse_but(0, [socket.AF_UNIX]),
        *_refuse_but(1, [socket.SOCK_STREAM], _TYPE_MASK),
    ]


def _when(number: int, then: list[Step]) -> list[Step]:
    """Do so for this call only; the steps after it find its number again."""
    body = [*then, (_LOAD, 0, 0, _AT_NUMBER)]
    return [(_EQUAL, 0, len(body), number), *body]


def _refuse_bits(argument: int, bits: int) -> list[Step]:
    return [_load(argument), (_ANY_BIT, 0, 1, bits), _fail(errno.EPERM)]


def _refuse_but(argument: int, values: Sequence[int], mask: int = 0xFFFFFFFF) -> list[Step]:
    """Refuse unless the argument, under mask, is one of values."""
    tests = [(_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [_load(argument), (_AND, 0, 0, mask), *tests, _fail(errno.EPERM)]


def _refuse_values(argument: int, values: Sequence[int]) -> list[Step]:
    checks = [((_EQUAL, 0, 1, value), _fail(errno.EPERM)) for value in values]
    return [_load(argument), *(step for check in checks for step in check)]


def _load(argument: int) -> Step:
    """Load the low half of an argument; the kernel takes no more of those that we look at."""
    return (_LOAD, 0, 0, _AT_ARGUMENTS + 8 * argument)


def _fail(code: int) -> Step:
    return (_RETURN, 0, 0, _FAIL | code)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
