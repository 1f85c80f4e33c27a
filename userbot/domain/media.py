"""What is known of a video: before the download (`Extraction`), and after it (`MediaFile`)."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MAX_UPLOAD_BYTES = (
    2000 * 1024 * 1024
)  # bots; https://core.telegram.org/api/files (4000 parts of 512 KiB)

# By the ending that a finished file of ours may have; it tells the type, not what a worker says.
MIME_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".flv": "video/x-flv",
    ".ts": "video/mp2t",
    ".mpg": "video/mpeg",
    ".wmv": "video/x-ms-wmv",
    ".ogv": "video/ogg",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
}


MAX_LINKS = 8  # of a page; a way with more turns has forgotten names


class MediaKind(StrEnum):
    """How a file is shown in the chat."""

    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Format:
    """One stream set that a site offers, in the words of yt-dlp's `formats`.

    A codec is None when the site has none of that kind and "" when it did not say which
    (a direct link, for example). `size_bytes` is None when nothing allows even an estimate.
    `language_rank` is higher for the original language of the video than for a dub. `is_hdr`: in
    colours that many screens show washed out.
    """

    format_id: str
    ext: str
    protocol: str
    video_codec: str | None
    audio_codec: str | None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_kbps: float | None = None
    size_bytes: int | None = None
    is_size_exact: bool = False
    language_rank: int = 0
    is_hdr: bool = False

    @property
    def has_video(self) -> bool:
        """True when there is, or may be, a picture."""
        return self.video_codec is not None

    @property
    def has_audio(self) -> bool:
        """True when there is, or may be, sound."""
        return self.audio_codec is not None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one extraction of a page told. Every text in it is the site's, and hostile.

    `info_json` is yt-dlp's own sanitised record, which the download takes instead of asking the
    site again. `cover` is a JPEG in the call's folder, None when the site has no usable picture.
    `links` are those on the way to the page, each of which led to the next and to nothing else.
    """

    extractor: str
    media_id: str
    title: str
    page_url: str
    formats: tuple[Format, ...]
    info_json: str
    channel: str | None = None
    duration_s: float | None = None
    cover: Path | None = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG within Telegram's limits: at most 320 x 320 pixels and 200 kB."""

    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A finished file, as probed, never as the site announced it.

    `width` and `height` are display pixels (rotation and pixel aspect applied), 0 for audio.
    `is_streamable`: an MP4 whose index stands before its data.
    """

    kind: MediaKind
    path: Path
    size_bytes: int
    duration_s: float
    width: int
    height: int
    has_audio: bool
    mime_type: str
    is_streamable: bool
    title: str
    performer: str | None = None
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that Telegram has, by the ids under which this bot may send it again.

    `file_ids` are one for each message that it takes, in order; downloads make one. `size_bytes`
    is None when it is not known. The title is the site's, and hostile.
    """

    kind: MediaKind
    title: str
    file_ids: tuple[str, ...]
    size_bytes: int | None = None

    @property
    def parts(self) -> tuple["KnownFile", ...]:
        """What each message brings; of several the sizes are not known."""
        size_bytes = self.size_bytes if len(self.file_ids) == 1 else None
        return tuple(
            KnownFile(self.kind, self.title, (file_id,), size_bytes) for file_id in self.file_ids
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """How far a file is written that will be delivered as it is being written.

    The first `available_bytes` are on disk and final, but for the first `head_bytes`, which change
    until the end. `size_bytes` is None when only the end will tell. A hint, not a promise: what
    counts is the finished file.
    """

    path: Path
    available_bytes: int
    size_bytes: int | None = None
    head_bytes: int = 0
