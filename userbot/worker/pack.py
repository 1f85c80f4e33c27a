"""Makes one video of the downloaded streams that plays inline everywhere, in at most one pass.

- An MP4 that streams already, with H.264 (or HEVC, AV1, VP9, MPEG-4) and AAC or MP3, stays as it
  is, byte for byte; but for HEVC whose tag Apple does not play.
- Pictures of these codecs are copied into an MP4 with its index in front. VP9 in MP4 is for
  Telegram's own players; as WebM it would be a plain file, and encoding it would cost minutes.
- Sound that iPhones do not know in MP4 (Opus, Vorbis, FLAC ...) becomes AAC, which is cheap.
- Other pictures (VP8, Theora, WMV, MPEG-2 ...) are encoded anew while that is cheap; else they stay
  in a container that holds them, and the file does not play inline. So is H.264 of 10 bits or of
  4:4:4, which phones do not decode; else it is copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from userbot.domain.jobs import Stage
from userbot.errors import BrokenMediaError, ToolError
from userbot.worker.ffmpeg import MAX_THREADS, run_ffmpeg
from userbot.worker.meter import Meter
from userbot.worker.mp4 import is_gapless, is_streamable, major_brand
from userbot.worker.probe import Picture, Probe, Sound

RESULT_STEM = "media"
MAX_ENCODED_PIXELS = 5_000_000_000  # three minutes of 720p at 30 fps: about a minute on two cores
AAC_BITRATE = "160k"
MIN_GROWING_BYTES = 16 * 1024 * 1024  # below, the upload takes a moment anyway
MAX_RATE = 120.0  # frames a second that are believed

_BOXES = 64 * 1024  # what stands around the reserved room: ftyp before it, the data's head after

COPIED_SOUND = frozenset({"aac", "mp3"})
_COPIED_PICTURES = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
_COMMON_PIXELS = frozenset({"yuv420p", "yuvj420p", ""})  # what every phone decodes of H.264
_WEB_PICTURES = frozenset({"vp8", "vp9", "av1"})
_FASTSTART = ("-movflags", "+faststart", "-f", "mp4")
_BARE = ("-sn", "-dn", "-map_chapters", "-1")  # chapters would add a track
_ENCODE_PICTURE = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"),
    *("-threads", str(MAX_THREADS)),
    *("-vf", "scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1"),
)
_ENDINGS = {
    "mpegts": "ts",
    "mpeg": "mpg",
    "mpegvideo": "mpg",
    "asf": "wmv",
    "ogg": "ogv",
    "avi": "avi",
    "flv": "flv",
}
QUICKTIME = "qt  "


def pack_video(sources: Sequence[Probe], folder: Path, meter: Meter) -> Path:
    """Return the finished file in folder. `sources`: one file with everything, or film and sound.

    Raises BrokenMediaError when there is no picture, and what run_ffmpeg raises.
    """
    streams = _streams(sources)
    if len(streams.sources) == 1 and is_ready(streams.film):
        return streams.film.path.replace(folder / f"{RESULT_STEM}.mp4")
    if _is_copied(streams.film) or _is_cheap(streams.film):
        return _into_mp4(streams, folder, meter)
    if len(streams.sources) == 1:
        ending = _ending(streams.film)
        return streams.film.path.replace(folder / f"{RESULT_STEM}.{ending}")
    return _into_matroska(streams, folder, meter)


@dataclass(frozen=True, slots=True)
class _Streams:
    """What goes into the file: the film's picture, and the sound of the same or of another file."""

    film: Probe
    picture: Picture
    sound: Sound | None
    sound_source: Probe | None

    @property
    def sources(self) -> list[Probe]:
        if self.sound_source is None or self.sound_source is self.film:
            return [self.film]
        return [self.film, self.sound_source]

    @property
    def maps(self) -> list[str]:
        maps = ["-map", f"0:{self.picture.index}"]
        if self.sound is not None:
            maps += ["-map", f"{len(self.sources) - 1}:{self.sound.index}"]
        return maps


def _streams(sources: Sequence[Probe]) -> _Streams:
    film = next((source for source in sources if source.picture), None)
    if film is None or film.picture is None:
        raise BrokenMediaError("no picture")
    sounding = next((source for source in reversed(sources) if source.sound), None)
    return _Streams(film, film.picture, sounding.sound if sounding else None, sounding)


def is_ready(source: Probe) -> bool:
    """Return whether a file is delivered as it is. It may still be growing."""
    is_fine = source.is_mp4 and is_streamable(source.path) and major_brand(source.path) != QUICKTIME
    has_sound_for_all = source.sound is None or source.sound.codec in COPIED_SOUND
    has_good_tag = source.picture is None or source.picture.tag != "hev1"
    return is_fine and has_sound_for_all and has_good_tag and _is_copied(source)


def _is_copied(film: Probe) -> bool:
    """Return whether the picture stays; one that few phones play does if encoding is too dear."""
    picture = film.picture
    if picture is None or picture.codec not in _COPIED_PICTURES:
        return False
    is_common = picture.codec != "h264" or picture.pixel_format in _COMMON_PIXELS
    return is_common or not _is_cheap(film)


def _is_cheap(film: Probe) -> bool:
    picture = film.picture
    if picture is None:
        return False
    pixels = picture.width * picture.height * picture.rate * film.duration_s
    return 0 < pixels <= MAX_ENCODED_PIXELS


def _into_mp4(streams: _Streams, folder: Path, meter: Meter) -> Path:
    copies_sound = streams.sound is None or streams.sound.codec in COPIED_SOUND
    copies_all = copies_sound and _is_copied(streams.film)
    is_merge = len(streams.sources) > 1
    meter.begin((Stage.MERGE if is_merge else Stage.FINISH) if copies_all else Stage.CONVERT)
    sound = () if streams.sound is None else sound_arguments(streams.sound)
    arguments = [*streams.maps, *_BARE, *_picture_arguments(streams), *sound]
    output = folder / f"{RESULT_STEM}.mp4"
    if is_merge and copies_all and _merge_growing(streams, arguments, output, meter):
        return output
    return _run(streams, [*arguments, *_FASTSTART], output, meter)


def _merge_growing(streams: _Streams, arguments: list[str], output: Path, meter: Meter) -> bool:
    """Merge in one pass with room reserved for the index, so that the rest is final at once.

    False when that is not worth it, or the room was too small: then the plain way is left, under
    another name, so that nothing that was told of as final is ever written anew.
    """
    total_bytes = sum(source.path.stat().st_size for source in streams.sources)
    room_bytes = _index_room(streams)
    if total_bytes < MIN_GROWING_BYTES or room_bytes > total_bytes // 8:
        return False
    options = ("-moov_size", str(room_bytes), "-f", "mp4")
    inputs = [source.path for source in streams.sources]
    growing = output.with_suffix(f".growing{output.suffix}")
    try:
        run_ffmpeg(inputs, [*arguments, *options], growing, meter, head_bytes=room_bytes + _BOXES)
    except ToolError:
        growing.unlink(missing_ok=True)
        return False
    # ffmpeg 5 succeeds although the index was too large and has run over the data
    if not is_streamable(growing) or not is_gapless(growing):
        growing.unlink()
        return False
    growing.replace(output)
    return True


def _index_room(streams: _Streams) -> int:
    """Bytes for the index: measured 573 a second of 25 fps with 48 kHz AAC; and twice that."""
    per_second = 500 + 32 * min(streams.picture.rate, MAX_RATE)
    return int(streams.film.duration_s * per_second) + 64 * 1024


def _into_matroska(streams: _Streams, folder: Path, meter: Meter) -> Path:
    meter.begin(Stage.MERGE)
    arguments = [*streams.maps, *_BARE, "-c", "copy", "-f", "matroska"]
    return _run(streams, arguments, folder / f"{RESULT_STEM}.mkv", meter)


def _run(streams: _Streams, arguments: list[str], output: Path, meter: Meter) -> Path:
    run_ffmpeg([source.path for source in streams.sources], arguments, output, meter)
    return output


def _picture_arguments(streams: _Streams) -> tuple[str, ...]:
    if not _is_copied(streams.film):
        return _ENCODE_PICTURE
    tag = ("-tag:v", "hvc1") if streams.picture.codec == "hevc" else ()  # Apple plays no other
    return ("-c:v", "copy", *tag)


def sound_arguments(sound: Sound) -> tuple[str, ...]:
    """Return ffmpeg's options: copy what plays everywhere, make AAC of anything else."""
    if sound.codec in COPIED_SOUND:
        return ("-c:a", "copy")
    return ("-c:a", "aac", "-b:a", AAC_BITRATE, "-ac", "2")


def _ending(source: Probe) -> str:
    """Return a name's ending for a container that is left alone."""
    names = source.container.split(",")
    if "matroska" in names or "webm" in names:
        is_web = source.picture is not None and source.picture.codec in _WEB_PICTURES
        return "webm" if is_web else "mkv"
    if source.is_mp4:
        return "mov" if major_brand(source.path) == QUICKTIME else "mp4"
    return _ENDINGS.get(names[0], "mkv")  # players look at the content anyway
