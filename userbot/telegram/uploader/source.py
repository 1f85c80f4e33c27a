"""What is uploaded: a file that is finished, or one that is still being written."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from userbot.errors import DeliveryError, UserbotError
from userbot.telegram.uploader.settings import PART_BYTES

_CHUNK_BYTES = 1024 * 1024
DIGEST_BYTES = 8  # against accidents: who writes a file can only spoil his own
Identity = tuple[int, int]  # size, and time of the last change in ns


class Source:
    """A file, as far as it is written. To be told about by its writer, on the event loop.

    Bytes are written from the front to the back, except for `head_bytes` at the front that
    change until the end (an MP4's index): those are uploaded last. What was uploaded before
    `finish` is compared with the finished file; a difference is DeliveryError FILE_CHANGED.
    """

    def __init__(self, path: Path, size_bytes: int | None = None, head_bytes: int = 0) -> None:
        """Watch a file that exists and grows; size_bytes None: only the end will tell."""
        self.path = path
        self.size_bytes = size_bytes
        self.head_bytes = head_bytes
        self.available_bytes = 0
        self.is_whole = False
        self.error: UserbotError | None = None
        self._on_change: Callable[[], None] | None = None

    @classmethod
    def finished(cls, path: Path, size_bytes: int) -> "Source":
        """Return a file that will not change any more."""
        source = cls(path, size_bytes)
        source.available_bytes = size_bytes
        source.is_whole = True
        return source

    def grew(self, available_bytes: int) -> None:
        """Tell that this many bytes from the start are on disk and final, but for the head."""
        self.available_bytes = max(self.available_bytes, available_bytes)
        self._changed()

    def finish(self, size_bytes: int, path: Path | None = None) -> None:
        """Tell that the file is whole and closed; path: where it lies now, if it was renamed."""
        self.path = path or self.path
        if self.size_bytes not in (None, size_bytes):
            self.abandon(DeliveryError("FILE_CHANGED"))
            return
        self.size_bytes = self.available_bytes = size_bytes
        self.is_whole = True
        self._changed()

    def abandon(self, error: UserbotError) -> None:
        """Tell that the file will never be whole; its upload raises error."""
        self.error = self.error or error
        self._changed()

    def watch(self, on_change: Callable[[], None]) -> None:
        """Have on_change called at every change; one upload watches one source."""
        self._on_change = on_change

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()


def digest_of(part: memoryview) -> bytes:
    """Return what a part is compared by, short enough to be noted for thousands of them."""
    return hashlib.sha256(part).digest()[:DIGEST_BYTES]


class OpenFile:
    """A descriptor that is closed when nobody reads any more. Its methods block, but for two."""

    def __init__(self, path: Path) -> None:
        # A worker may still be at work here: a pipe or link of its own holds up and leads nobody.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        self._holders = 1
        found = os.fstat(self._descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            os.close(self._descriptor)
            raise PermissionError("no file of its own")
        self.opened_as = self.identity()

    def __enter__(self) -> "OpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def hold(self) -> None:
        """Keep it open for a reader in a thread; does not block."""
        self._holders += 1

    def release(self) -> None:
        """End a hold, or the first one; does not block."""
        self._holders -= 1
        if not self._holders:
            os.close(self._descriptor)

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill buffer. Raises DeliveryError FILE_CHANGED where the file ends before."""
        filled = 0
        while filled < len(buffer):
            count = os.preadv(self._descriptor, [buffer[filled:]], offset + filled)
            if not count:
                raise DeliveryError("FILE_CHANGED")
            filled += count

    def is_at(self, path: Path) -> bool:
        """Say whether path is this file, and not another that took its name."""
        return os.path.samestat(os.fstat(self._descriptor), path.stat(follow_symlinks=False))

    def identity(self) -> Identity:
        """Return size and time of the last change."""
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns

    def md5(self, size_bytes: int) -> str:
        """Return the checksum that saveFilePart wants."""
        digest = hashlib.md5(usedforsecurity=False)
        for offset in range(0, size_bytes, _CHUNK_BYTES):
            chunk = memoryview(bytearray(min(_CHUNK_BYTES, size_bytes - offset)))
            self.read_into(chunk, offset)
            digest.update(chunk)
        return digest.hexdigest()

    def compare(self, digests: Mapping[int, bytes]) -> None:
        """Raise DeliveryError FILE_CHANGED unless whole parts are what they were."""
        part = memoryview(bytearray(PART_BYTES))
        for index, digest in digests.items():
            self.read_into(part, index * PART_BYTES)
            if digest_of(part) != digest:
                raise DeliveryError("FILE_CHANGED")
