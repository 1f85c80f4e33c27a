"""What arrived: the file kept for the person, and whether it is whole and plays."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.telegram_dc import Media

DURATION_SLACK_S = 1.5  # Telegram takes whole seconds for sound
DECODED_FRAMES = 25
BOX_HEADER_BYTES = 16
PLAYABLE = frozenset({"video", "audio"})


@dataclass(frozen=True, slots=True)
class Playback:
    """What a player finds in a file. `width` is 0 without a picture."""

    duration_s: float
    width: int
    height: int
    codecs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivered file. `faults` are sentences; without one the file is intact.

    `is_original` tells whether the bytes are those of the site's own file.
    """

    path: Path
    size_bytes: int
    sha256: str
    playback: Playback | None
    is_original: bool
    faults: tuple[str, ...]


def receive(media: Media, folder: Path, original: Path | None) -> Receipt:
    """Keep what Telegram stored of a file in folder, and look at it. Blocks."""
    path = _keep(media, folder)
    sha256 = _sha256(path)
    playback, faults = None, [*_stored_wrongly(media, path, sha256)]
    if media.kind in PLAYABLE:  # others are documents, such as the answer to /mydata
        playback, problem = _played(path)
        faults += [problem] if problem else []
        faults += _told_wrongly(media, playback) if playback else []
        faults += _starts_late(media, path)
    is_original = original is not None and _sha256(original) == sha256
    return Receipt(path, path.stat().st_size, sha256, playback, is_original, tuple(faults))


def _keep(media: Media, folder: Path) -> Path:
    """Link or copy the stored file to a free name in folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    name = Path((media.file_name or "").replace("\0", "")).name or media.kind
    for path in _names(folder / name):
        if not path.exists():
            break
    try:
        os.link(media.path, path)
    except OSError:  # another file system, or one without links
        shutil.copyfile(media.path, path)
    return path


def _names(path: Path) -> Iterator[Path]:
    yield path
    for number in range(2, 10_000):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _played(path: Path) -> tuple[Playback | None, str]:
    """Return what a player sees, or why it sees nothing."""
    import av  # half a second that only a delivery is worth

    try:
        with av.open(str(path)) as container:
            streams = [*container.streams.video[:1], *container.streams.audio[:1]]
            duration_s = (container.duration or 0) / av.time_base
            for position_s in (0.0, duration_s * 0.9):
                for stream in streams:
                    container.seek(int(position_s * av.time_base))
                    _decode(container, stream)
            picture = container.streams.video[0] if container.streams.video else None
            width, height = (picture.width, picture.height) if picture else (0, 0)
            codecs = tuple(stream.codec_context.codec.canonical_name for stream in streams)
    except (av.FFmpegError, ValueError) as error:
        return None, f"it does not play: {error}"
    return Playback(duration_s, width, height, codecs), "" if streams else "nothing is in it"


def _decode(container, stream) -> None:
    """Decode some frames from where the container stands. Raises ValueError when there is none."""
    frames = container.decode(stream)
    first = next(frames, None)
    if first is None:
        raise ValueError(f"no frame of {stream.codec_context.name}")
    for _, _ in zip(range(DECODED_FRAMES), frames, strict=False):
        pass


def _stored_wrongly(media: Media, path: Path, sha256: str) -> Iterator[str]:
    size_bytes = path.stat().st_size
    if size_bytes != media.size:
        yield f"{media.size} bytes were announced, {size_bytes} are there"
    if sha256 != media.sha256:
        yield "its bytes are not those that Telegram received"


def _told_wrongly(media: Media, playback: Playback) -> Iterator[str]:
    if playback.duration_s <= 0:
        yield "it has no duration"
    if abs((media.duration or 0) - playback.duration_s) > DURATION_SLACK_S:
        yield f"Telegram was told {media.duration} s, it plays {playback.duration_s:.1f} s"
    if media.kind == "video" and not playback.width:
        yield "it was sent as a video, and has no picture"


def _starts_late(media: Media, path: Path) -> Iterator[str]:
    if media.kind == "video" and media.mime_type == "video/mp4" and not is_faststart(path):
        yield "its index is not at the beginning, so it cannot play while it loads"


def is_faststart(path: Path) -> bool:
    """Tell whether an MP4 file has its index before its data."""
    with path.open("rb") as file:
        while len(header := file.read(BOX_HEADER_BYTES)) >= 8:
            size_bytes, name = int.from_bytes(header[:4]), header[4:8]
            if name in (b"moov", b"mdat"):
                return name == b"moov"
            if size_bytes == 1:  # the real size follows
                size_bytes = int.from_bytes(header[8:16])
            if size_bytes < 8:
                return False
            file.seek(size_bytes - len(header), os.SEEK_CUR)
    return False
