"""What a file really is, by PyAV; what a site or an extractor says about it does not count."""

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from userbot.errors import BrokenMediaError
from userbot.worker.mp4 import is_cut_short

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

# A download may be a playlist that names other files of this machine: only containers are opened.
CONTAINERS = (
    "mov,matroska,mpegts,mpeg,mpegvideo,flv,avi,asf,ogg,h264,hevc,"
    "mp3,aac,wav,flac,ac3,eac3,amr,aiff,caf"
)
DEMUXER_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}

_MICROSECONDS = 1_000_000
_MAX_PACKETS_TO_DECODE = 500
_MAX_SAR = 4  # beyond that it is a broken header


@dataclass(frozen=True, slots=True)
class Picture:
    """The video stream. `width` and `height` are as seen: pixel aspect and rotation applied.

    `tag` is the container's name for the codec, such as "hvc1". `pixel_format` is libav's, such as
    "yuv420p"; "" when nothing tells.
    """

    index: int
    codec: str
    width: int
    height: int
    rate: float
    is_decodable: bool
    tag: str = ""
    pixel_format: str = ""


@dataclass(frozen=True, slots=True)
class Sound:
    """The audio stream."""

    index: int
    codec: str
    is_decodable: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """One file. `container` is libav's name for it, such as "mov,mp4,m4a,3gp,3g2,mj2"."""

    path: Path
    container: str
    duration_s: float
    picture: Picture | None
    sound: Sound | None

    @property
    def is_mp4(self) -> bool:
        """True for the MP4 family."""
        return "mp4" in self.container.split(",")


def probe(path: Path) -> Probe:
    """Return what path holds. Raises BrokenMediaError unless it is a whole film or sound."""
    if is_cut_short(path):
        raise BrokenMediaError("the file is cut short")
    return peek(path)


def peek(path: Path) -> Probe:
    """Return what a file that may still grow holds. Raises BrokenMediaError."""
    import av

    try:
        with av.open(path, options=DEMUXER_OPTIONS) as container:
            return _probe(path, container)
    except (av.FFmpegError, ValueError, UnicodeDecodeError) as error:
        raise BrokenMediaError(str(error)[:500]) from error


def moving_picture(container: "InputContainer") -> "VideoStream | None":
    """Return the film, not the cover of a song."""
    from av.stream import Disposition

    films = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic and _has_decoder(stream)
    ]
    return films[0] if films else None


def display_size(frame: "VideoFrame", stream: "VideoStream") -> tuple[int, int]:
    """Return width and height as they are to be seen."""
    sar = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, _MAX_SAR) <= sar <= _MAX_SAR:
        sar = Fraction(1)
    width, height = round(frame.width * sar), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)


def _probe(path: Path, container: "InputContainer") -> Probe:
    film = moving_picture(container)
    sounds = [stream for stream in container.streams.audio if _has_decoder(stream)]
    picture = _picture(container, film) if film else None
    sound = _sound(container, sounds[0]) if sounds else None
    if picture is None and sound is None:
        raise BrokenMediaError("neither picture nor sound")
    return Probe(path, container.format.name, _duration_s(container), picture, sound)


def _picture(container: "InputContainer", stream: "VideoStream") -> Picture:
    frame = _first_frame(container, stream)
    width, height = display_size(frame, stream) if frame else (stream.width, stream.height)
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    codec = stream.codec_context
    return Picture(
        stream.index,
        codec.codec.canonical_name,
        width,
        height,
        rate,
        frame is not None,
        codec.codec_tag,
        (frame.format.name if frame else codec.pix_fmt) or "",
    )


def _sound(container: "InputContainer", stream: "Stream") -> Sound:
    name = stream.codec_context.codec.canonical_name
    return Sound(stream.index, name, _first_frame(container, stream) is not None)


def _has_decoder(stream: "Stream") -> bool:
    return getattr(stream, "codec_context", None) is not None


def _first_frame(container: "InputContainer", stream: "Stream") -> Any:
    """Return the first frame that decodes; None when none of the first packets has one."""
    import av

    with suppress(av.FFmpegError):  # raw streams cannot; they are at the start anyway
        container.seek(0)
    for number, packet in enumerate(container.demux(stream)):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            frames = []
        if frames:
            return frames[0]
        if number > _MAX_PACKETS_TO_DECODE:
            break
    return None


def _duration_s(container: "InputContainer") -> float:
    """As the container says, else its longest stream, else the time of its last packet."""
    if container.duration and container.duration > 0:
        return container.duration / _MICROSECONDS
    told = [
        float(item.duration * item.time_base)
        for item in container.streams
        if item.duration and item.time_base
    ]
    return max(told, default=0.0) or _last_packet_s(container)


def _last_packet_s(container: "InputContainer") -> float:
    import av

    with suppress(av.FFmpegError):
        container.seek(0)
    ends = (
        float((packet.pts + (packet.duration or 0)) * packet.time_base)
        for packet in container.demux()
        if packet.pts is not None and packet.time_base is not None
    )
    return max(ends, default=0.0)
