"""The tracks of an MP4 file as its index (moov) names them, read by hand while the file arrives.

Loading PyAV for that would cost every running download 8 MB.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_INDEX_BYTES = 32 * 1024 * 1024

# ISO/IEC 14496-12: what stands in a sample entry before the boxes in it
_ENTRY_FIELDS = {b"vide": 78, b"soun": 28}
_FULL_BOX = 4  # version and flags
_HEADER, _LONG_HEADER = 8, 16
# ISO/IEC 14496-1: the descriptors of an esds box, down to the type of the stream; without options
_STREAM_TYPE = re.compile(
    rb"\0{4}\x03[\x80-\xff]{0,3}[\0-\x7f]..\0\x04[\x80-\xff]{0,3}[\0-\x7f](.)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Track:
    """A film or a sound. `codec` is the sample entry's name, such as "avc1".

    `profile` is H.264's profile number or the object type of MPEG-4 audio; None: not told.
    """

    is_film: bool
    codec: str
    profile: int | None


def tracks_of(path: Path, index_end: int) -> list[Track]:
    """Return the films and sounds of a file whose index ends at index_end; [] when unreadable."""
    if index_end > MAX_INDEX_BYTES:
        return []
    with path.open("rb") as file:
        boxes = _boxes(memoryview(file.read(index_end)))
    index = next((body for name, body in boxes if name == b"moov"), memoryview(b""))
    found = [_track(body) for name, body in _boxes(index) if name == b"trak"]
    return [track for track in found if track is not None]


def _track(trak: memoryview) -> Track | None:
    media = _inside(trak, b"mdia")
    kind = bytes(_inside(media, b"hdlr")[8:12])
    if kind not in _ENTRY_FIELDS:
        return None
    table = _inside(_inside(_inside(media, b"minf"), b"stbl"), b"stsd")
    codec, entry = next(_boxes(table[_FULL_BOX + 4 :]), (b"", memoryview(b"")))
    details = dict(_boxes(entry[_ENTRY_FIELDS[kind] :]))
    return Track(kind == b"vide", codec.decode("latin-1"), _profile(details))


def _profile(details: dict[bytes, memoryview]) -> int | None:
    if b"avcC" in details:
        return details[b"avcC"][1] if len(details[b"avcC"]) > 1 else None
    found = _STREAM_TYPE.match(details.get(b"esds", b""))
    return found[1][0] if found else None


def _inside(box: memoryview, name: bytes) -> memoryview:
    return next((body for found, body in _boxes(box) if found == name), memoryview(b""))


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and the content of each box that is whole."""
    position = 0
    while position + _HEADER <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        header = _HEADER
        if length == 1:
            length = int.from_bytes(data[position + _HEADER : position + _LONG_HEADER], "big")
            header = _LONG_HEADER
        if length < header or position + length > len(data):
            return
        yield bytes(data[position + 4 : position + 8]), data[position + header : position + length]
        position += length
