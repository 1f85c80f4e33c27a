"""Folders that strangers filled: looked through within bounds, and removed whatever is in them.

A worker may nest folders deeper than any path is long, and shut them to their owner. Nothing here
recurses, and nothing needs a path that is longer than two names below the root.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from uuid import uuid4

MAX_DEPTH = 20
MAX_ENTRIES = 5000


class TangledError(OSError):
    """More folders in folders, or more files, than any call of ours makes."""


def entries(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield root and all that is in it; what vanishes meanwhile is passed over.

    Raises TangledError, and OSError for a folder that cannot be looked into.
    """
    waiting, seen = [(root, 0)], 0
    while waiting:
        path, depth = waiting.pop()
        with suppress(FileNotFoundError):
            found = path.lstat()
            yield path, found
            seen += 1
            if stat.S_ISDIR(found.st_mode):
                waiting += [(inner, depth + 1) for inner in _some_in(path)]
        if depth > MAX_DEPTH or seen + len(waiting) > MAX_ENTRIES:
            raise TangledError(f"{root} is not as a call of ours leaves it")


def _some_in(folder: Path) -> list[Path]:
    with os.scandir(folder) as found:
        return [Path(entry.path) for entry in islice(found, MAX_ENTRIES + 1)]


def remove(root: Path) -> None:
    """Remove root with everything in it, if it is there. Raises OSError when something stays."""
    if root.is_symlink() or not root.is_dir():
        root.unlink(missing_ok=True)
        return
    root.chmod(stat.S_IRWXU)
    while paths := list(root.iterdir()):
        errors = [error for path in paths if (error := _remove_one(root, path))]
        if len(errors) == len(paths):
            raise errors[0]
    root.rmdir()


def _remove_one(root: Path, path: Path) -> OSError | None:
    """Remove one entry of root; folders in it are moved up into root. Returns why it stays."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return None
        path.chmod(stat.S_IRWXU)
        for inner in path.iterdir():
            _take_out(root, inner)
        path.rmdir()
    except OSError as error:
        return error
    return None


def _take_out(root: Path, path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        path.chmod(stat.S_IRWXU)  # who cannot write into it cannot move it either
        path.rename(root / uuid4().hex)
