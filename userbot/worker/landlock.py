"""Landlock: which files a process and its children may touch, and which TCP ports they may reach.

Linux makes the rules binding for good: nobody can take them off again. What they cover grows with
the version of the interface ("ABI"). https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import stat
import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# linux/landlock.h; the three calls have the same numbers on every machine
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_ASKED = 1
RULE_FILES, RULE_PORT = 1, 2

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIR = 1 << 3
REMOVE_DIR = 1 << 4
REMOVE_FILE = 1 << 5
MAKE_DIR = 1 << 7
MAKE_REG = 1 << 8
REFER = 1 << 13
TRUNCATE = 1 << 14
IOCTL_DEV = 1 << 15

READ = READ_FILE | READ_DIR
RUN = READ | EXECUTE
# No devices, sockets, pipes and links: nothing that is more than the file it looks like.
OWN = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER

_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the others are a folder's
_ALL_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_NEWEST = (1 << 16) - 1
_BIND, _CONNECT = 1, 2
_NO_ABSTRACT_SOCKETS_NO_SIGNALS = 3
ABI_PORTS, ABI_SCOPES = 4, 6


@dataclass(frozen=True, slots=True)
class Ground:
    """A folder with all that is in it, or a file, and what may be done there."""

    path: Path
    rights: int


def abi() -> int:
    """Return the version that this kernel has, 0 when it has none or a container forbids it."""
    try:
        return _call(CREATE_RULESET, None, 0, VERSION_ASKED)
    except OSError:
        return 0


def restrict(version: int, grounds: Iterable[Ground], ports: Collection[int] | None) -> None:
    """Confine this thread and its children for good; needs no_new_privs.

    version: from `abi`. A ground that is not there is left out. ports: where TCP may connect to,
    None for anywhere; nothing may listen. Raises OSError.
    """
    handled = _ALL_OF_ABI.get(version, _ALL_NEWEST)
    ruleset = _new_ruleset(version, handled, ports)
    try:
        for ground in grounds:
            _allow_files(ruleset, ground, handled)
        for port in ports or () if version >= ABI_PORTS else ():
            _add(ruleset, RULE_PORT, struct.pack("=QQ", _CONNECT, port))
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _new_ruleset(version: int, handled: int, ports: Collection[int] | None) -> int:
    attributes = struct.pack("=Q", handled)
    if version >= ABI_PORTS:
        attributes += struct.pack("=Q", _BIND if ports is None else _BIND | _CONNECT)
    if version >= ABI_SCOPES:
        attributes += struct.pack("=Q", _NO_ABSTRACT_SOCKETS_NO_SIGNALS)
    return _call(CREATE_RULESET, attributes, len(attributes), 0)


def _allow_files(ruleset: int, ground: Ground, handled: int) -> None:
    try:
        file = os.open(ground.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not on this machine; what cannot be opened needs no permission
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(file).st_mode)
        rights = ground.rights & handled & (handled if is_folder else _FILE_RIGHTS)
        _add(ruleset, RULE_FILES, struct.pack("=Qi", rights, file))
    finally:
        os.close(file)


def _add(ruleset: int, kind: int, rule: bytes) -> None:
    _call(ADD_RULE, ruleset, kind, rule, 0)


def _call(number: int, *arguments: bytes | int | None) -> int:
    longs = [item if isinstance(item, bytes) else ctypes.c_long(item or 0) for item in arguments]
    result = int(_libc().syscall(ctypes.c_long(number), *longs))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"landlock, call {number}")
    return result


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
