"""Which qualities are worth offering for Telegram, and which of the site's formats make each.

H.264 with AAC in an MP4 plays inline on every phone, so it wins inside a quality; other codecs
stand in only where a quality has nothing else. What surely does not fit the limit is not offered.
Formats come in yt-dlp's order, best last, which decides wherever nothing here does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from userbot.domain.media import Format, MediaKind
from userbot.errors import NoVideoError, TooLargeError, UnsupportedError

MAX_VIDEO_CHOICES = 6  # more do not fit on a phone
ESTIMATE_MARGIN = 0.97  # sites round bitrates down; an estimate may use this share of the limit
PEAK_FACTOR = 2  # HLS tells the bitrate of its worst moment; a film may have half of that
PROTOCOLS = frozenset({"http", "https", "m3u8", "m3u8_native", "http_dash_segments"})

_NAMED_HEIGHTS = (144, 240, 360, 480, 720, 1080, 1440, 2160, 4320)
_NAME_TOLERANCE = 0.06


@dataclass(frozen=True, slots=True)
class Choice:
    """One button of the menu: what to fetch, and what to call it.

    `format_ids` are yt-dlp's, video first. `height` is what people say, as in "720p": the shorter
    side, and of a film wider than 16:9 that of the frame it was cut from; None when the site does
    not tell, and for audio. `size_bytes` is None when not even a good estimate exists. `is_fresh`:
    picked with the wish that nothing is used that is there from before.
    """

    kind: MediaKind
    format_ids: tuple[str, ...]
    height: int | None = None
    fps: int | None = None
    size_bytes: int | None = None
    is_size_exact: bool = False
    is_fresh: bool = False


def choices_for(
    formats: Sequence[Format], duration_s: float | None, limit_bytes: int
) -> tuple[Choice, ...]:
    """Return what to offer, best video first, audio last; never empty.

    Raises NoVideoError when nothing can be fetched, UnsupportedError when only unreachable
    protocols are there, TooLargeError with the smallest size when everything is over limit_bytes.
    """
    usable = [item for item in formats if item.protocol in PROTOCOLS]
    if not usable:
        raise UnsupportedError("no format over http") if formats else NoVideoError("no formats")
    candidates = [*_videos(usable, duration_s), *_audios(usable, duration_s)]
    peaks = frozenset(item.format_id for item in usable if _is_peak(item))
    fitting = _fitting(candidates, peaks, limit_bytes)
    if not fitting:
        sizes = [choice.size_bytes for choice in candidates if choice.size_bytes is not None]
        raise TooLargeError(min(sizes, default=None), limit_bytes)
    videos = _best_per_height(choice for choice in fitting if choice.kind is MediaKind.VIDEO)
    audio = [choice for choice in fitting if choice.kind is MediaKind.AUDIO][:1]
    if _best_sound(usable) is None:  # the size is that of the film it will be cut out of
        audio = [replace(choice, size_bytes=None, is_size_exact=False) for choice in audio]
    return (*videos[:MAX_VIDEO_CHOICES], *audio)


def size_of(item: Format, duration_s: float | None) -> int | None:
    """Return the bytes of a format: as told by the site, else bitrate x duration, else None."""
    if item.size_bytes is not None:
        return item.size_bytes
    if item.bitrate_kbps and duration_s:
        return int(item.bitrate_kbps * 1000 / 8 * duration_s)
    return None


def _videos(formats: Sequence[Format], duration_s: float | None) -> list[Choice]:
    """Every way to get a picture, each with the best sound, the best way of a height first."""
    sound = _best_sound(formats)
    pairs: list[tuple[Format, ...]] = [
        (item,) if item.has_audio or sound is None else (item, sound)
        for item in formats
        if item.has_video
    ]
    pairs.reverse()  # yt-dlp sorts the best last; sorting below keeps this order among equals
    pairs.sort(key=_inline_rank, reverse=True)
    return [_choice(MediaKind.VIDEO, pair, duration_s) for pair in pairs]


def _audios(formats: Sequence[Format], duration_s: float | None) -> list[Choice]:
    """Return the best sound by itself, else the smallest file that has some."""
    sound = _best_sound(formats)
    if sound is not None:
        return [_choice(MediaKind.AUDIO, (sound,), duration_s)]
    mixed = [item for item in formats if item.has_audio]
    if not mixed:
        return []
    smallest = min(mixed, key=lambda item: size_of(item, duration_s) or item.height or 0)
    return [_choice(MediaKind.AUDIO, (smallest,), duration_s)]


def _best_sound(formats: Sequence[Format]) -> Format | None:
    sounds = [item for item in formats if item.has_audio and not item.has_video]
    sounds.reverse()  # of equals, max takes the first: descriptions and dubs stand before the best
    return max(sounds, key=lambda item: (item.language_rank, _is_aac(item)), default=None)


def _choice(kind: MediaKind, parts: tuple[Format, ...], duration_s: float | None) -> Choice:
    counted = parts[:1] if _is_peak(parts[0]) else parts  # an HLS bitrate includes the sound
    sizes = [size_of(part, duration_s) for part in counted]
    known = [size for size in sizes if size is not None]
    first = parts[0]
    is_video = kind is MediaKind.VIDEO
    return Choice(
        kind=kind,
        format_ids=tuple(part.format_id for part in parts),
        height=_named_height(first) if is_video else None,
        fps=round(first.fps) if is_video and first.fps else None,
        size_bytes=sum(known) if len(known) == len(sizes) else None,
        is_size_exact=all(part.size_bytes is not None and part.is_size_exact for part in parts),
    )


def _best_per_height(choices: Iterable[Choice]) -> list[Choice]:
    best: dict[int | None, Choice] = {}
    for choice in choices:
        best.setdefault(choice.height, choice)
    if len(best) > 1:
        best.pop(None, None)  # an unnamed quality beside named ones is a duplicate of one of them
    return sorted(best.values(), key=lambda choice: choice.height or 0, reverse=True)


def _fitting(candidates: Sequence[Choice], peaks: frozenset[str], limit_bytes: int) -> list[Choice]:
    """Return what fits, then what may fit although its peak does not, as of unknown size."""
    fitting = [choice for choice in candidates if _fits(choice, limit_bytes)]
    doubtful = [
        replace(choice, size_bytes=None)
        for choice in candidates
        if choice.format_ids[0] in peaks
        and not _fits(choice, limit_bytes)
        and _fits(choice, limit_bytes * PEAK_FACTOR)
    ]
    return fitting + doubtful


def _fits(choice: Choice, limit_bytes: int) -> bool:
    if choice.size_bytes is None:
        return True  # watched while it downloads
    margin = 1.0 if choice.is_size_exact else ESTIMATE_MARGIN
    return choice.size_bytes <= limit_bytes * margin


def _inline_rank(parts: tuple[Format, ...]) -> tuple[int, bool, bool, bool, bool]:
    """Sorts the original language first, then what plays inline on every phone."""
    first, last = parts[0], parts[-1]
    return (
        last.language_rank,
        _is_h264(first),
        not first.is_hdr,
        _is_aac(last),
        not _is_hls(first),
    )


def _is_h264(item: Format) -> bool:
    return (item.video_codec or "").startswith(("avc", "h264"))


def _is_hls(item: Format) -> bool:
    return item.protocol.startswith("m3u8")


def _is_peak(item: Format) -> bool:
    return _is_hls(item) and not item.is_size_exact


def _is_aac(item: Format) -> bool:
    return (item.audio_codec or "").startswith(("mp4a", "aac"))


def _named_height(item: Format) -> int | None:
    """Return 1080 for 1920 x 804 too: the bars of a wide film are cut off, not its detail."""
    if not item.width or not item.height:
        return item.height
    short, long = sorted((item.width, item.height))
    if long * 9 <= short * 16:
        return short
    whole = max(short, round(long * 9 / 16))
    nearest = min(_NAMED_HEIGHTS, key=lambda height: abs(height - whole))
    return nearest if abs(nearest - whole) <= _NAME_TOLERANCE * nearest else short
