"""The site's own picture of a video, as a small JPEG. Optional: None when anything is off."""

import io
import warnings
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL

from userbot.worker.info import Info
from userbot.worker.remote import read_some

MAX_COVER_BYTES = 5 * 1024 * 1024
MAX_COVER_PIXELS = 40_000_000  # a bomb of 12000 x 9000 would take 324 MB decoded
MAX_COVER_SIDE = 640
JPEG_QUALITY = 85

_FORMATS = ("JPEG", "PNG", "WEBP")


def fetch_cover(ydl: YoutubeDL, info: Info, path: Path, *, max_side: int) -> Path | None:
    """Write the best picture that info names to path, no side longer than max_side; return path."""
    url = _best_url(info)
    body = read_some(ydl, url, MAX_COVER_BYTES + 1) if url else None
    if not body or len(body) > MAX_COVER_BYTES:
        return None
    return path if write_jpeg(body, path, max_side=max_side) else None


def write_jpeg(body: bytes, path: Path, *, max_side: int) -> bool:
    """Write the picture in body to path; return whether it is one."""
    from PIL import Image, UnidentifiedImageError

    unusable = (
        UnidentifiedImageError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,  # what the PNG reader raises
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(body), formats=_FORMATS) as picture:
                _shrink(picture, max_side).save(path, "JPEG", quality=JPEG_QUALITY)
    except unusable:
        path.unlink(missing_ok=True)
        return False
    return True


def _shrink(picture: Any, max_side: int) -> Any:
    width, height = picture.size  # from the header: nothing is decoded yet
    if width * height > MAX_COVER_PIXELS:
        raise ValueError("too many pixels")
    picture.draft("RGB", (max_side, max_side))
    picture.thumbnail((max_side, max_side))
    return _flat(picture)


def _flat(picture: Any) -> Any:
    """Return the picture, on white where it is transparent."""
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    layered = picture.convert("RGBA")
    ground = Image.new("RGB", layered.size, "white")
    ground.paste(layered, mask=layered.getchannel("A"))
    return ground


def _best_url(info: Info) -> str | None:
    """yt-dlp sorts the best last; a browser's address is all that is taken."""
    names = [item.get("url") for item in info.get("thumbnails") or ()] or [info.get("thumbnail")]
    urls = [
        url for url in names if isinstance(url, str) and url.startswith(("http://", "https://"))
    ]
    return urls[-1] if urls else None
