"""The walls around a call: what of this machine its processes may see, change and talk to.

Writing: the call's folder. Reading: what programs need, this program's own modules among it; never
the folder that holds settings, sessions and data. Network: TCP, to the given ports. What the kernel
can enforce is enforced, or the call ends; what it cannot is said once, by `gaps`.
"""

import os
import platform
import ssl
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from userbot.errors import WorkerDiedError
from userbot.worker import landlock, seccomp
from userbot.worker.landlock import OWN, READ, READ_FILE, RUN, WRITE_FILE, Ground

ROOT = Path(__file__).resolve().parents[2]

_PROGRAMS = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"),
    *(f"/usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libexec", "share")),
    *(f"/usr/local/{name}" for name in ("bin", "lib", "lib64", "share")),
)
_PARTS_OF_PYTHON = ("bin", "lib", "lib64", "share", "ssl", "pyvenv.cfg")
_CONFIGURATION = (  # never all of /etc/ssl and /etc/pki: private keys lie there
    *("/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/ca-trust"),
    *("/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf"),
    *("/etc/ca-certificates", "/etc/crypto-policies", "/etc/gnutls", "/etc/mime.types"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/services", "/etc/protocols", "/etc/localtime", "/etc/ld.so.cache", "/etc/alternatives"),
)
_MACHINE = (
    *("/dev/urandom", "/dev/random", "/dev/zero", "/sys/devices/system/cpu"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory"),
)
_BOTTOMLESS = ("/dev/null", "/dev/full")  # they keep nothing of what is written
# Of the worker, not of its ffmpeg. Not all of it: "net" and "task" tell of everybody's connections.
_PROC_SELF = tuple(
    Path("/proc/self", name)
    for name in (
        *("fd", "fdinfo", "status", "stat", "statm", "maps", "limits", "environ"),
        "autogroup",
    )
)

_BELOW_ABI = {
    1: "files: every file of the bot's user can be read and written",
    3: "files: existing files outside can be emptied, not read",
    landlock.ABI_PORTS: "network: every TCP port can be reached past the proxy (Linux 6.7 on)",
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Built once by the fork server, entered by every worker."""

    grounds: tuple[Ground, ...]
    abi: int
    has_filter: bool

    @classmethod
    def here(cls, tools_dir: Path, tools: Iterable[Path]) -> "Sandbox":
        """Return the walls for this installation. tools: programs that may lie anywhere."""
        grounds = _distinct(_grounds(tools_dir, tools))
        return cls(grounds, landlock.abi(), seccomp.is_there())

    def enter(self, folder: Path, ports: Collection[int] | None, *, may_resolve: bool) -> None:
        """Wall in this process, which has one thread and no_new_privs, for good.

        ports: where TCP may connect to, None for anywhere. Raises WorkerDiedError when the kernel
        does not do what it can.
        """
        try:
            if self.abi:
                own = (Ground(folder, OWN), *(Ground(path, READ) for path in _PROC_SELF))
                landlock.restrict(self.abi, (*self.grounds, *own), ports)
            if self.has_filter:
                seccomp.restrict(may_resolve=may_resolve)
        except OSError as error:
            raise WorkerDiedError(f"no sandbox: {error}") from error

    def gaps(self) -> list[str]:
        """Return what this kernel does not enforce, a sentence each."""
        found = [text for abi, text in _BELOW_ABI.items() if self.abi < abi]
        if self.abi < landlock.ABI_SCOPES and not self.has_filter:
            found.append("processes of the bot's user can be signalled (Linux 6.12 on)")
        if not self.has_filter:
            found.append(f"system calls are not filtered ({platform.machine()})")
        return found


def _grounds(tools_dir: Path, tools: Iterable[Path]) -> Iterator[Ground]:
    for path in _readable_programs(tools_dir, tools):
        yield from (Ground(part, RUN) for part in _around(path.resolve(), ROOT))
    yield Ground(ROOT / "userbot", READ)
    yield from (Ground(Path(name), READ) for name in (*_CONFIGURATION, *_MACHINE))
    yield from (Ground(path, READ) for path in _certificates())
    yield from (Ground(Path(name), READ_FILE | WRITE_FILE) for name in _BOTTOMLESS)


def _distinct(grounds: Iterable[Ground]) -> tuple[Ground, ...]:
    """Return those that exist, without those that lie in another one: each costs every call."""
    there = {Ground(item.path.resolve(), item.rights) for item in grounds if _exists(item.path)}
    return tuple(item for item in there if not any(_covers(other, item) for other in there))


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # also for what nobody may look at: Path.exists raises there
        return False
    return True


def _covers(ground: Ground, other: Ground) -> bool:
    is_inside = ground.path in other.path.parents
    return is_inside and ground.rights | other.rights == ground.rights


def _readable_programs(tools_dir: Path, tools: Iterable[Path]) -> Iterator[Path]:
    yield from map(Path, _PROGRAMS)
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix}:
        yield from (Path(prefix, part) for part in _PARTS_OF_PYTHON)
    yield Path(sys.executable)
    yield tools_dir
    yield from tools
    for name in sys.path:  # other places of packages, as long as they are no more than that
        if name and not ROOT.is_relative_to(Path(name).resolve()):
            yield Path(name)


def _certificates() -> list[Path]:
    paths = ssl.get_default_verify_paths()
    names = (paths.cafile, paths.capath, paths.openssl_cafile, paths.openssl_capath)
    return [Path(name) for name in names if name]


def _around(path: Path, kept_out: Path) -> Iterator[Path]:
    """Yield path, or what is in it but for the way to kept_out."""
    if not kept_out.is_relative_to(path):
        yield path
    elif path != kept_out:
        parts = [Path(part.path) for part in os.scandir(path) if not part.is_symlink()]
        for part in parts:
            yield from _around(part, kept_out)
