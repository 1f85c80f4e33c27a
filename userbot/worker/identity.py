"""Who a worker is: where the bot is root, for each call a user whom nothing else belongs to.

So a worker owns the files of its job and no others, and no process that is not of its call. Root's
powers end with it. The right to read stays where others can read neither this installation nor the
folder for data, and only where Landlock says what it is good for.
"""

import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from userbot import trees
from userbot.worker import landlock, powers
from userbot.worker.sandbox import ROOT

# Given to nobody by any system that we know (https://systemd.io/UIDS-GIDS); the second range for
# containers, most of which have 65536 users; there, now and then, two calls at once share one.
RANGES = (range(0x70000000, 0x70000000 + 2**22), range(60578, 61184))
# The last three are for the bot, which reads, removes and ends what belongs to those users.
NEEDED = (
    *(powers.CHOWN, powers.SETGID, powers.SETUID),
    *(powers.DAC_OVERRIDE, powers.FOWNER, powers.KILL),
)
MAX_PROCESSES = 512  # threads too: ffmpeg and deno have some for each core
_UNREADABLE = 255  # no errno

_KEEPS_READING = (
    "as root: each call has a user of its own, who keeps root's right to read within the rules of "
    "files, as others cannot read this installation or the folder for data"
)
_STAYS_ROOT = "as root: workers stay root without its powers ({}); run the bot as a user of its own"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the workers of this fork server become.

    `uids` is empty where they stay the bot's user. `reads_all`: whatever root may read, if the bot
    is root. `gap` is a sentence about what could be better, "" for nothing.
    """

    uids: range = range(0)
    reads_all: bool = True
    gap: str = ""

    def enter(self, folder: Path, number: int) -> None:
        """Make this process, which has one thread and works in folder, a worker for good.

        number: no two calls that run at once have the same. Raises OSError.
        """
        kept = [powers.DAC_READ_SEARCH] if self.reads_all else []
        if not self.uids:
            powers.keep(kept)
            return
        uid = self.uids[number % len(self.uids)]
        _hand_over(folder, uid)
        powers.outlast_root()
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        powers.keep(kept)
        powers.hand_on(kept)
        powers.own_proc_self()

    def leave(self, folder: Path) -> None:
        """Take folder back, when nobody of the call is left: its user may come to be another's."""
        if self.uids:
            with suppress(FileNotFoundError):
                os.chown(folder, 0, 0, follow_symlinks=False)


def here(tools_dir: Path, programs: Iterable[Path]) -> Identity:
    """Return who workers can be, by trying it. programs: what they run."""
    if os.geteuid() != 0:
        return Identity()
    try:
        found = _own_users(tools_dir, list(programs))
    except OSError as error:
        return Identity(gap=_STAYS_ROOT.format(f"no other user can be made: {error.strerror}"))
    return found or Identity(gap=_STAYS_ROOT.format("others cannot read this installation"))


def _own_users(tools_dir: Path, programs: list[Path]) -> Identity | None:
    if lacking := set(NEEDED) - powers.held():
        raise OSError(errno.EPERM, f"root's powers {sorted(lacking)} are missing")
    uids = _free_range()
    if _works(Identity(uids, reads_all=False), tools_dir, programs):
        return Identity(uids, reads_all=False)
    reading = Identity(uids, gap=_KEEPS_READING)
    may_read = landlock.abi() > 0 and powers.DAC_READ_SEARCH in powers.held()
    return reading if may_read and _works(reading, tools_dir, programs) else None


def _free_range() -> range:
    """Return users that exist here: a container may have few."""
    for wanted in RANGES:
        if all(_is_mapped(wanted, Path(f"/proc/self/{kind}_map")) for kind in ("uid", "gid")):
            return wanted
    raise OSError(errno.EINVAL, "this container has too few users")


def _is_mapped(wanted: range, table: Path) -> bool:
    for line in table.read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= wanted.start and wanted.stop <= first + count:
            return True
    return False


def _works(identity: Identity, tools_dir: Path, programs: list[Path]) -> bool:
    """Try to be one, in a child. Raises OSError where the system does not let us."""
    home = next((path for path in (tools_dir, tools_dir.parent) if path.is_dir()), None)
    if home is None and not identity.reads_all:
        return False  # it will be made for the bot alone
    with tempfile.TemporaryDirectory(dir=home) as folder:
        pid = os.fork()
        if pid == 0:
            _try(identity, Path(folder), programs)
        _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, _UNREADABLE):
        raise OSError(code, os.strerror(code))
    return code == 0


def _try(identity: Identity, folder: Path, programs: list[Path]) -> None:
    """Become a worker, look around, and end this process."""
    code = errno.EIO
    try:
        identity.enter(folder, os.getpid())
        code = 0 if _can_work(folder, programs) else _UNREADABLE
    except OSError as error:
        code = error.errno or errno.EIO
    finally:
        os._exit(code)


def _can_work(folder: Path, programs: list[Path]) -> bool:
    return (
        _may(os.R_OK | os.W_OK | os.X_OK, [folder])
        and _may(os.R_OK | os.X_OK, programs)
        and _may(os.R_OK, _modules())
    )


def _may(mode: int, paths: Iterable[Path]) -> bool:
    """Tell whether all that is possible; without `effective_ids`, powers would not count."""
    return all(os.access(path, mode, effective_ids=True) for path in paths)


def _modules() -> Iterator[Path]:
    """Yield where modules lie, and what is right there: modes differ where umask was another."""
    for place in (ROOT / "userbot", *map(Path, filter(None, sys.path))):
        yield from [place] if place.is_file() else []
        with suppress(FileNotFoundError, NotADirectoryError):
            yield from map(Path, os.scandir(place))


def _hand_over(folder: Path, uid: int) -> None:
    """Give folder to a user, with what earlier calls of the job left and nobody else knows."""
    for path, found in trees.entries(folder):
        is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if (is_plain or stat.S_ISDIR(found.st_mode)) and found.st_uid != uid:
            os.chown(path, uid, uid, follow_symlinks=False)
