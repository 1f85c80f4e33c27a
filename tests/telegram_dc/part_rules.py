"""Telegram's rules for parts, one by one and together: https://core.telegram.org/api/files."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from tests.telegram_dc import tl

SLOT_BYTES = 512 * 1024
MAX_PARTS = 4000
MAX_SMALL_BYTES = 10 * 1024 * 1024


class Part(NamedTuple):
    method: str
    file_id: int
    number: int
    total: int  # -1 for a stream whose end is not known yet; 0 for saveFilePart
    data: memoryview | bytes

    @property
    def is_big(self) -> bool:
        return self.total != 0

    @property
    def is_last(self) -> bool:
        return self.total in (self.number + 1, self.number) and self.total > 0


class Kept(Protocol):
    """What is known of a file so far."""

    big: bool
    part_size: int  # of all parts but the last; 0 until one of them came
    total: int
    end: int  # index of an empty part that ended a stream

    @property
    def sizes(self) -> Mapping[int, int]: ...


def part_error(part: Part) -> str:
    """What is wrong with a part by itself, as Telegram's error; empty when nothing is."""
    size = len(part.data)
    ends_a_stream = size == 0 and part.is_last
    highest = MAX_PARTS if ends_a_stream else MAX_PARTS - 1
    outside = part.total > 0 and part.number >= part.total and not ends_a_stream
    odd_size = size == 0 or size % 1024 or SLOT_BYTES % size
    errors = {
        "FILE_PART_TOO_BIG": size > SLOT_BYTES,
        "FILE_PARTS_INVALID": part.total < -1 or part.total > MAX_PARTS,
        "FILE_PART_INVALID": outside or not 0 <= part.number <= highest,
        "FILE_PART_EMPTY": size == 0 and not ends_a_stream,
        "FILE_PART_SIZE_INVALID": part.is_big and not part.is_last and odd_size,
    }
    return next((error for error, is_wrong in errors.items() if is_wrong), "")


def consistency_error(upload: Kept, part: Part) -> str:
    """What is wrong with a part beside the others of its file."""
    if part.is_big is not upload.big:
        return "FILE_PARTS_INVALID"
    if part.total > 0 and upload.total > 0 and part.total != upload.total:
        return "FILE_PARTS_INVALID"
    size = len(part.data)
    if not part.is_big:
        others = sum(kept for index, kept in upload.sizes.items() if index != part.number)
        return "FILE_PART_TOO_BIG" if others + size > MAX_SMALL_BYTES else ""
    if upload.part_size and (size > upload.part_size if part.is_last else size != upload.part_size):
        return "FILE_PART_SIZE_CHANGED"
    return ""


def missing(upload: Kept, input_file: Any) -> str:
    """What keeps an upload from being sent, as Telegram's error; empty when it is complete."""
    parts = input_file.parts
    if isinstance(input_file, tl.types.InputFileBig) is not upload.big:
        return "FILE_PARTS_INVALID"
    if not 1 <= parts <= MAX_PARTS:
        return "FILE_PARTS_INVALID"
    full = range(parts - 1 if upload.end == parts - 1 else parts)
    for index in full:
        if index not in upload.sizes:
            return f"FILE_PART_{index}_MISSING"
    if len(upload.sizes) > len(full) or (upload.big and upload.total != parts):
        return "FILE_PARTS_INVALID"
    return _size_error([upload.sizes[index] for index in full])


def _size_error(sizes: list[int]) -> str:
    *before, last = sizes
    if not before:
        return ""
    if len(set(before)) > 1 or last > before[0]:
        return "FILE_PART_SIZE_CHANGED"
    if before[0] % 1024 or SLOT_BYTES % before[0]:
        return "FILE_PART_SIZE_INVALID"
    return ""
