"""The top-level boxes of an MP4 file, read by hand: they tell whether it plays while it loads."""

from collections.abc import Iterator
from pathlib import Path

MAX_BOXES = 64  # a fragmented file has thousands; the first ones tell

_CONTENT = frozenset({"moov", "mdat", "moof"})
_LONG_HEADER = 16
_MIN_BOX = 8


def box_names(path: Path) -> list[str]:
    """Return the names of the first top-level boxes, in order; [] for a file that is no MP4."""
    names = [name for name, _ in _boxes(path)]
    return names if names[:1] == ["ftyp"] or "moov" in names else []


def is_cut_short(path: Path) -> bool:
    """Return whether path is an MP4 with a box that ends behind the end of the file.

    Rubbish behind the last box is common, and harmless.
    """
    if not box_names(path):
        return False
    size_bytes = path.stat().st_size
    return any(name in _CONTENT and end > size_bytes for name, end in _boxes(path))


def is_streamable(path: Path) -> bool:
    """Return whether path is an MP4 in one piece with its index (moov) before its data (mdat)."""
    names = box_names(path)
    if "moov" not in names or "mdat" not in names or "moof" in names:
        return False
    return names.index("moov") < names.index("mdat")


def is_gapless(path: Path) -> bool:
    """Return whether path is nothing but boxes, each beginning where the one before it ends."""
    ends = [end for _, end in _boxes(path)]
    return bool(ends) and ends[-1] == path.stat().st_size


def index_end(path: Path) -> int | None:
    """Return where the index (moov) ends, which may be behind the end of a growing file.

    None while it is not known, and for a file that has its data first.
    """
    for name, end in _boxes(path):
        if name == "moov":
            return end
        if name in _CONTENT:
            return None
    return None


def major_brand(path: Path) -> str:
    """Return the brand of an MP4, such as "isom" or "qt  "; "" when there is none."""
    with path.open("rb") as file:
        header = file.read(12)
    return header[8:12].decode("latin-1") if header[4:8] == b"ftyp" else ""


def _boxes(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and the end of each box.

    ISO/IEC 14496-12, 4.2: 32 bit size, 4 characters of name; size 1 means that a 64 bit size
    follows, 0 that the box reaches to the end.
    """
    size_bytes = path.stat().st_size
    position = 0
    with path.open("rb") as file:
        for _ in range(MAX_BOXES):
            if position >= size_bytes:
                return
            file.seek(position)
            header = file.read(_LONG_HEADER)
            length = int.from_bytes(header[:4], "big")
            if length == 1:
                length = int.from_bytes(header[8:], "big")
            if length == 0:
                length = size_bytes - position
            if len(header) < _MIN_BOX or length < _MIN_BOX:
                return
            position += length
            yield header[4:8].decode("latin-1"), position
