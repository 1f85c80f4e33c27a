"""A real video of any size, made from a small one without storing it.

Every frame gets a filler unit (H.264 NAL type 12), which decoders skip and which stays where it is
when the file is remuxed, cut or split. A `free` box would be simpler, and gone after `-c copy`.
"""

import struct
from functools import lru_cache

from tests.video_site.bodies import Chain, Filled, noise, plain

MDAT_HEADER_BYTES = 16
FILLER_NAL = b"\x0c"
TRAILING_BITS = b"\x80"
MIN_FILLER_BYTES = 16


@lru_cache(maxsize=8)
def big_video(complete: bytes, video_only: bytes, size_bytes: int) -> Chain:
    """Return `complete` as a file of exactly `size_bytes`, with moov at its start.

    `complete` is an MP4 with moov first and the video as its first track; `video_only` holds
    the same frames and nothing else in its mdat. Raises ValueError when the size is too small.

    The old file stays at the front, for its sound; the video track is pointed to a second mdat,
    where the frames follow each other as one chunk. No box changes its length, so nothing moves.
    """
    frame_sizes = _frame_sizes(complete)
    fixed_bytes = len(complete) + MDAT_HEADER_BYTES + sum(frame_sizes)
    fillers = _shares(size_bytes - fixed_bytes, len(frame_sizes))
    head = bytearray(complete)
    first_frame = len(head) + MDAT_HEADER_BYTES
    sizes = [frame + filler for frame, filler in zip(frame_sizes, fillers, strict=True)]
    _replace_table(head, b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes))
    _replace_table(head, b"stsc", struct.pack(">IIII", 1, 1, len(sizes), 1))
    _replace_table(head, b"stco", struct.pack(">II", 1, first_frame))
    head += struct.pack(">I4sQ", 1, b"mdat", size_bytes - len(complete))
    return Chain.of([plain(bytes(head)), *_frames(video_only, frame_sizes, fillers)])


def _frame_sizes(video: bytes) -> tuple[int, ...]:
    table = video.index(b"stsz") + 8
    same_size, count = struct.unpack_from(">II", video, table)
    assert same_size == 0, "frames of an encoded video differ in size"
    return struct.unpack_from(f">{count}I", video, table + 8)


def _shares(total: int, count: int) -> list[int]:
    """Split `total` into `count` nearly equal parts. Raises ValueError when they are tiny."""
    share, rest = divmod(total, count)
    if share < MIN_FILLER_BYTES:
        raise ValueError("size: too small for this video")
    return [share] * (count - 1) + [share + rest]


def _replace_table(video: bytearray, name: bytes, content: bytes) -> None:
    """Put `content` into the first box `name`; a `free` box takes what it no longer needs."""
    start = video.index(name) - 4
    (old_bytes,) = struct.unpack_from(">I", video, start)
    new = struct.pack(">I4sI", 12 + len(content), name, 0) + content
    spare = old_bytes - len(new)
    assert spare == 0 or spare >= 8, f"no room for {name!r}"
    if spare:
        new += struct.pack(">I4s", spare, b"free") + bytes(spare - 8)
    video[start : start + old_bytes] = new


def _frames(video_only: bytes, sizes: tuple[int, ...], fillers: list[int]) -> list[Filled]:
    """Return each frame with its filler; the filler's last byte opens the next piece."""
    position = video_only.index(b"mdat") + 4
    filling = memoryview(noise().replace(b"\0", b"\1"))  # nothing in it looks like a start code
    pieces, before = [], b""
    for size, filler_bytes in zip(sizes, fillers, strict=True):
        frame = video_only[position : position + size]
        position += size
        unit = struct.pack(">I", filler_bytes - 4) + FILLER_NAL
        head = before + frame + unit
        body_bytes = filler_bytes - len(unit) - len(TRAILING_BITS)
        pieces.append(Filled(memoryview(head), filling, len(head) + body_bytes))
        before = TRAILING_BITS
    return [*pieces, plain(TRAILING_BITS)]
