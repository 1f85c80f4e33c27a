"""Uploaded parts and the files made of them, on disk; Telegram's rules for both.

https://core.telegram.org/api/files. Every breach is answered with Telegram's error and recorded as
a violation. Part N waits at N * 512 KiB of a sparse file, so that parts of any size may come in any
order; with parts of 512 KiB that file is the finished one.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.telegram_dc import wire
from tests.telegram_dc.errors import RpcError, bad
from tests.telegram_dc.images import jpeg_size
from tests.telegram_dc.part_rules import (
    SLOT_BYTES,
    Part,
    consistency_error,
    missing,
    part_error,
)

MAX_THUMB_BYTES = 200 * 1000
MAX_THUMB_SIDE = 320
_CHUNK_BYTES = 256 * 1024


class Assembled(NamedTuple):
    path: Path
    size: int
    sha256: str
    name: str


@dataclass
class Upload:
    path: Path
    big: bool
    sizes: dict[int, int] = field(default_factory=dict)
    part_size: int = 0  # of all parts but the last; 0 until one of them came
    total: int = -1
    end: int = -1  # index of an empty part that ended a stream
    descriptor: int = -1
    assembled: Assembled | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def size(self) -> int:
        return sum(self.sizes.values())

    def write(self, index: int, data: memoryview | bytes) -> None:
        os.pwrite(self.descriptor, data, index * SLOT_BYTES)


@dataclass
class Files:
    directory: Path
    violation: Callable[[str, str, str], None]
    uploads: dict[tuple[bytes, int], Upload] = field(default_factory=dict)
    parts: int = 0
    largest_bytes: int | None = None  # of a file in a message; None: what MAX_PARTS allow

    def __post_init__(self) -> None:
        for name in ("parts", "files"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)

    def accept(self, key_id: bytes, part: Part) -> Upload:
        """Checks a part; the caller then has it written and calls `written`.

        Raises RpcError with Telegram's error for a breach of the rules.
        """
        self._check(part, part_error(part))
        upload = self._upload(key_id, part)
        self._check(part, consistency_error(upload, part))
        if part.total > 0:
            upload.total = part.total
        if part.is_big and not part.is_last:
            upload.part_size = len(part.data)
        return upload

    def written(self, upload: Upload, part: Part) -> None:
        self.parts += 1
        if part.data:
            upload.sizes[part.number] = len(part.data)
        else:
            upload.end = part.number

    def find(self, key_id: bytes, input_file: Any) -> Upload:
        """The upload that an InputFile or InputFileBig names, complete.

        Raises FILE_PART_X_MISSING and its relatives.
        """
        upload = self.uploads.get((key_id, input_file.id))
        if upload is None:
            raise self._breach("FILE_PART_0_MISSING", "no part of the file is known")
        if upload.assembled is not None:
            return upload
        if error := missing(upload, input_file) or self._too_large(upload):
            raise self._breach(error, f"parts={input_file.parts}, kept={len(upload.sizes)}")
        return upload

    def _too_large(self, upload: Upload) -> str:
        is_too_large = self.largest_bytes is not None and upload.size > self.largest_bytes
        return "FILE_PARTS_INVALID" if is_too_large else ""

    def assemble(self, upload: Upload, name: str) -> Assembled:
        """The finished file. Blocks; called in a thread; a second call costs nothing."""
        with upload.lock:
            if upload.assembled is None:
                upload.assembled = _assemble(upload, self.directory / "files", name)
            return upload.assembled

    def check_md5(self, upload: Upload, input_file: Any) -> None:
        """Blocks. Raises MD5_CHECKSUM_INVALID when a checksum was given and is wrong."""
        given = getattr(input_file, "md5_checksum", "")
        assembled = upload.assembled
        assert assembled is not None
        if given and given != hashlib.md5(assembled.path.read_bytes()).hexdigest():
            raise self._breach("MD5_CHECKSUM_INVALID", given)

    def thumb(self, assembled: Assembled) -> wire.Thumb | None:
        """None, and a violation, for what Telegram would silently ignore. Blocks."""
        data = assembled.path.read_bytes() if assembled.size <= MAX_THUMB_BYTES else b""
        size = jpeg_size(data)
        if size is None or len(data) > MAX_THUMB_BYTES or max(size) > MAX_THUMB_SIDE:
            self.violation("thumb_invalid", "", f"{assembled.size} bytes, {size}")
            return None
        return wire.Thumb(assembled.path, *size, assembled.size)

    def expire_parts(self) -> None:
        """Telegram forgets unused parts after minutes to hours."""
        for upload in self.uploads.values():
            if upload.assembled is None:
                os.close(upload.descriptor)
                upload.path.unlink()
        self.uploads.clear()

    def _check(self, part: Part, error: str) -> None:
        if error:
            detail = f"part {part.number} of {part.total}, {len(part.data)} bytes"
            self.violation(error.lower(), part.method, detail)
            raise bad(error)

    def _breach(self, error: str, detail: str) -> RpcError:
        self.violation(error.lower(), "", detail)
        return bad(error)

    def _upload(self, key_id: bytes, part: Part) -> Upload:
        upload = self.uploads.get((key_id, part.file_id))
        if upload is None or (upload.assembled is not None):
            name = f"{key_id.hex()}-{part.file_id & (1 << 64) - 1:016x}"
            upload = Upload(self.directory / "parts" / name, part.is_big)
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
            upload.descriptor = os.open(upload.path, flags, 0o600)
            self.uploads[key_id, part.file_id] = upload
        return upload


def _assemble(upload: Upload, directory: Path, name: str) -> Assembled:
    sizes = [upload.sizes[index] for index in sorted(upload.sizes)]
    path = directory / upload.path.name
    if sizes[0] != SLOT_BYTES and len(sizes) > 1:
        _close_ranks(upload.descriptor, sizes)
    os.ftruncate(upload.descriptor, sum(sizes))
    digest = _sha256(upload.descriptor)
    os.close(upload.descriptor)
    upload.path.rename(path)
    return Assembled(path, sum(sizes), digest, name)


def _sha256(descriptor: int) -> str:
    digest, offset = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    while count := os.preadv(descriptor, [buffer], offset):
        digest.update(buffer[:count])
        offset += count
    return digest.hexdigest()


def _close_ranks(descriptor: int, sizes: list[int]) -> None:
    """Moves small parts from their slots to where they belong, in place."""
    offset = 0
    for index, size in enumerate(sizes):
        os.pwrite(descriptor, os.pread(descriptor, size, index * SLOT_BYTES), offset)
        offset += size
