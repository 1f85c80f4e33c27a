"""Checks what a worker, which may be hostile, hands over: its own files, as large as it says."""

import stat
from pathlib import Path

from userbot.domain.media import Extraction, MediaFile
from userbot.errors import TooLargeError, WorkerDiedError
from userbot.wire import Answer


def check_answer(answer: Answer, folder: Path, limit_bytes: int) -> None:
    """Raise WorkerDiedError unless all paths are files in folder, TooLargeError above limit_bytes.

    To be called when no process of the call is left that could swap a file afterwards.
    """
    if isinstance(answer, Extraction):
        if answer.cover:
            _check_file(answer.cover, folder)
        return
    _check_media(answer, folder, limit_bytes)


def _check_media(answer: MediaFile, folder: Path, limit_bytes: int) -> None:
    if _check_file(answer.path, folder) != answer.size_bytes:
        raise WorkerDiedError("a file of another size than told")
    if answer.size_bytes > limit_bytes:
        raise TooLargeError(answer.size_bytes, limit_bytes)
    if answer.thumbnail:
        _check_file(answer.thumbnail.path, folder)


def _check_file(path: Path, folder: Path) -> int:
    """Return the size. A second name of a file elsewhere (a hard link) is no file of the folder."""
    try:
        real = path.resolve(strict=True)
        found = real.lstat()
    except (OSError, ValueError, RuntimeError) as error:
        raise WorkerDiedError("a file that is not there") from error
    is_inside = path.is_absolute() and real.is_relative_to(folder.resolve())
    if not is_inside or not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise WorkerDiedError("a path outside the folder of the call")
    return found.st_size
