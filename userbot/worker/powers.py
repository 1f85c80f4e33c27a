"""Root's powers ("capabilities") of this process: which it holds, and giving them up for good."""

import ctypes
import os
import struct
from collections.abc import Iterable

# linux/capability.h
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, KILL, SETGID, SETUID = 0, 1, 2, 3, 5, 6, 7
# version 3: two words of flags each for "effective", "permitted", "inheritable"
_HEADER = struct.pack("=Ii", 0x20080522, 0)
_WORDS = struct.Struct("=6I")

# linux/prctl.h
_SET_DUMPABLE, _SET_KEEPCAPS, _AMBIENT, _AMBIENT_RAISE = 4, 8, 47, 2


def held() -> frozenset[int]:
    """Return the powers of the first 32 that this process may use."""
    effective = _sets()[0]
    return frozenset(number for number in range(32) if effective >> number & 1)


def keep(wanted: Iterable[int]) -> None:
    """Give up all powers but the wanted ones, of those that there are."""
    permitted = _sets()[1]
    kept = permitted & sum(1 << number for number in wanted)
    if _libc().capset(_HEADER, _WORDS.pack(kept, kept, kept, 0, 0, 0)) != 0:
        raise _error("capset")


def outlast_root() -> None:
    """Let the next change of user take no power away: `keep` does."""
    _prctl(_SET_KEEPCAPS, 1)


def hand_on(kept: Iterable[int]) -> None:
    """Let programs that are started have these powers too, which this process holds."""
    for number in kept:
        _prctl(_AMBIENT, _AMBIENT_RAISE, number)


def own_proc_self() -> None:
    """Have /proc/self belong to this user: after a change of user it is root's."""
    _prctl(_SET_DUMPABLE, 1)


def _sets() -> tuple[int, ...]:
    found = ctypes.create_string_buffer(_WORDS.size)
    if _libc().capget(_HEADER, found) != 0:
        raise _error("capget")
    return _WORDS.unpack(found.raw)


def _prctl(option: int, *values: int) -> None:
    longs = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *longs) != 0:
        raise _error(f"prctl {option}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _error(call: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), call)
