"""Checks what a worker, which may be hostile, hands over: its own files, as large as it says.

This is the one place where an answer comes in; what `check_answer` returns is fit to use. So is
what a call says of a file that still grows, where `Growing` takes it.
"""

import stat
from pathlib import Path

from userbot.domain.answers import fit_extraction, fit_media
from userbot.domain.calls import Call, ExtractCall
from userbot.domain.media import Growth, MediaFile
from userbot.errors import TooLargeError, WorkerDiedError
from userbot.wire import Answer

# Telegram takes no more: https://core.telegram.org/bots/api#sendphoto, #sendvideo
MAX_COVER_BYTES = 10 * 1024 * 1024
MAX_THUMBNAIL_BYTES = 200_000


def check_answer(answer: Answer, call: Call, limit_bytes: int) -> Answer:
    """Return what of the answer to call goes on: see `domain.answers`.

    Raises WorkerDiedError unless all paths are files in its folder, TooLargeError above
    limit_bytes. To be called when no process of the call is left that could swap a file afterwards.
    """
    if isinstance(answer, MediaFile):
        _check_media(answer, call.folder, limit_bytes)
        return fit_media(answer)
    if answer.cover and _check_file(answer.cover, call.folder) > MAX_COVER_BYTES:
        raise WorkerDiedError("a cover of too many bytes")
    return fit_extraction(answer, call.url if isinstance(call, ExtractCall) else "")


class Growing:
    """The one file of a call that may be sent on while it is written; what it is tells the end."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._path: Path | None = None

    def takes(self, growth: Growth) -> bool:
        """Return whether growth is about that file, which is the first, and within the limit."""
        most_bytes = max(growth.available_bytes, growth.size_bytes or 0, growth.head_bytes)
        if growth.path.parent != self._folder or most_bytes > self._limit_bytes:
            return False
        self._path = self._path or growth.path
        return growth.path == self._path


def _check_media(answer: MediaFile, folder: Path, limit_bytes: int) -> None:
    if _check_file(answer.path, folder) != answer.size_bytes:
        raise WorkerDiedError("a file of another size than told")
    if answer.size_bytes > limit_bytes:
        raise TooLargeError(answer.size_bytes, limit_bytes)
    small = answer.thumbnail
    if small and _check_file(small.path, folder) > MAX_THUMBNAIL_BYTES:
        raise WorkerDiedError("a thumbnail of too many bytes")


def _check_file(path: Path, folder: Path) -> int:
    """Return the size. A second name of a file elsewhere (a hard link) is no file of the folder."""
    if path.parent != folder:
        raise WorkerDiedError("a path outside the folder of the call")
    try:
        found = path.lstat()
    except (OSError, ValueError) as error:
        raise WorkerDiedError("a file that is not there") from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise WorkerDiedError("no file of the folder of the call")
    return found.st_size
