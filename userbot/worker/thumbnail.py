"""The small JPEG that Telegram shows before a video plays: a frame of the film, not too dark."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from userbot.domain.media import Thumbnail
from userbot.worker.probe import DEMUXER_OPTIONS, display_size, moving_picture

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# https://core.telegram.org/bots/api#sendvideo: JPEG, at most 320 x 320 and 200 kB
MAX_SIDE = 320
MAX_BYTES = 200_000
NAME = "thumbnail.jpg"

_MOMENTS = (0.1, 0.3, 0.5)  # of the duration; the first that is not dark
_DARK = 24  # mean luma of 255
_QUALITIES = (87, 70, 50, 30)
_MAX_PACKETS = 300
_MICROSECONDS = 1_000_000


def thumbnail_of_film(path: Path, duration_s: float, folder: Path) -> Thumbnail | None:
    """Write and return a picture from the film at path; None when nothing can be decoded."""
    import av

    try:
        with av.open(path, options=DEMUXER_OPTIONS) as container:
            picture = _best_picture(container, duration_s)
    except (av.FFmpegError, ValueError, MemoryError):
        return None
    return _write(picture, folder / NAME) if picture is not None else None


def thumbnail_of_cover(cover: Path) -> Thumbnail:
    """Return a cover that is a JPEG of the right size already."""
    from PIL import Image

    with Image.open(cover, formats=("JPEG",)) as picture:
        return Thumbnail(cover, picture.width, picture.height)


def _best_picture(container: "InputContainer", duration_s: float) -> Any:
    """Return the first picture that is not dark, else the brightest; a PIL image."""
    stream = moving_picture(container)
    if stream is None:
        return None
    stream.codec_context.skip_frame = "NONKEY"
    pictures = []
    for frame in _moments(container, stream, duration_s):
        picture = _small(frame, stream)
        luma = _luma(picture)
        if luma >= _DARK:
            return picture
        pictures.append((luma, picture))
    return max(pictures, key=lambda item: item[0], default=(0, None))[1]


def _moments(
    container: "InputContainer", stream: "VideoStream", duration_s: float
) -> Iterator["VideoFrame"]:
    for moment in _MOMENTS:
        frame = _frame_at(container, stream, duration_s * moment)
        if frame is not None:
            yield frame


def _frame_at(
    container: "InputContainer", stream: "VideoStream", at_s: float
) -> "VideoFrame | None":
    """Return the key frame before at_s; a bad packet is passed over."""
    import av

    start = container.start_time or 0
    container.seek(start + int(at_s * _MICROSECONDS))
    for number, packet in enumerate(container.demux(stream)):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        if frames:
            return frames[0]
        if number > _MAX_PACKETS:
            break
    return None


def _small(frame: "VideoFrame", stream: "VideoStream") -> Any:
    width, height = display_size(frame, stream)
    share = min(1.0, MAX_SIDE / max(width, height))
    width, height = max(1, round(width * share)), max(1, round(height * share))
    if frame.rotation % 180:
        width, height = height, width  # turned below, after it was made small
    image: Any = frame.reformat(width=width, height=height, format="rgb24")
    small = image.to_image()
    return small.rotate(frame.rotation, expand=True) if frame.rotation else small


def _luma(picture: Any) -> float:
    from PIL import ImageStat

    return float(ImageStat.Stat(picture.convert("L")).mean[0])


def _write(picture: Any, path: Path) -> Thumbnail:
    body = io.BytesIO()
    for quality in _QUALITIES:
        body = io.BytesIO()
        picture.save(body, "JPEG", quality=quality)
        if body.tell() <= MAX_BYTES:
            break
    path.write_bytes(body.getvalue())
    return Thumbnail(path, picture.width, picture.height)
