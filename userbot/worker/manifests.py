"""How much a playlist or manifest stands for: a few hostile lines may unfold to thousands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from xml.etree.ElementTree import Element

from yt_dlp.utils import float_or_none, int_or_none, parse_duration

from userbot.errors import TooHeavyError

MAX_SEGMENTS = 100_000  # of a playlist: each takes 2.6 kB of memory; 55 hours of 2 s
MAX_VARIANTS = 1000  # of one film; real ones have less than a hundred
MAX_UNFOLDED = 4 * MAX_SEGMENTS  # of all streams of a DASH manifest, 0.4 kB each

# Ends of lines as str.splitlines knows them, which yt-dlp uses.
_LINE = re.compile(r"(?:\A|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])[ \t]*[^#\s]")
_VARIANT = re.compile(r"#EXT-X-(?:I-FRAME-)?STREAM-INF|#EXT-X-MEDIA:")


def check_playlist(text: str) -> None:
    """Raise TooHeavyError above MAX_SEGMENTS or MAX_VARIANTS."""
    if _has_more(_LINE, text, MAX_SEGMENTS):
        raise TooHeavyError
    is_list = "#EXT-X-STREAM-INF" in text and "#EXT-X-TARGETDURATION" not in text
    if _has_more(_VARIANT, text, MAX_VARIANTS) or (
        is_list and _has_more(_LINE, text, MAX_VARIANTS)
    ):
        raise TooHeavyError


def check_dash(manifest: Element) -> None:
    """Raise TooHeavyError above MAX_UNFOLDED fragments."""
    if not sum(_unfolded(manifest)) <= MAX_UNFOLDED:  # a site may write NaN
        raise TooHeavyError


def check_ism(manifest: Element) -> None:
    """Raise TooHeavyError above MAX_UNFOLDED fragments."""
    unfolded = sum(
        sum(max(1, int_or_none(piece.get("r")) or 1) for piece in stream.findall("c"))
        * len(stream.findall("QualityLevel"))
        for stream in manifest.findall("StreamIndex")
    )
    if unfolded > MAX_UNFOLDED:
        raise TooHeavyError


def _has_more(pattern: re.Pattern[str], text: str, count: int) -> bool:
    return any(islice(pattern.finditer(text), count, None))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """How a DASH stream is cut. What an element does not say is its parent's."""

    timescale: int = 1
    length: float = 0.0  # of each, by the timescale
    listed: int = 0
    listed_length: float = 0.0

    def count(self, period_s: float) -> float:
        if self.listed or self.length <= 0:
            return self.listed
        return period_s * self.timescale / self.length


def _unfolded(manifest: Element) -> Iterator[float]:
    """Yield how many fragments each stream has."""
    whole_s = parse_duration(manifest.get("mediaPresentationDuration")) or 0
    for period in _children(manifest, "Period"):
        period_s = parse_duration(period.get("duration")) or whole_s
        of_period = _cut(period, _Pieces())
        for group in _children(period, "AdaptationSet"):
            of_group = _cut(group, of_period)
            for stream in _children(group, "Representation"):
                pieces = _cut(stream, of_group)
                yield pieces.count(period_s)
                period_s = period_s or pieces.listed_length / pieces.timescale


def _cut(element: Element, parent: _Pieces) -> _Pieces:
    pieces = parent
    for source in (*_children(element, "SegmentList"), *_children(element, "SegmentTemplate")):
        pieces = replace(
            pieces,
            timescale=max(1, int_or_none(source.get("timescale")) or pieces.timescale),
            length=float_or_none(source.get("duration")) or pieces.length,
        )
        urls = sum(1 for _ in _children(source, "SegmentURL"))
        listed = [
            (1 + max(0, int_or_none(piece.get("r")) or 0), float_or_none(piece.get("d")) or 0.0)
            for line in _children(source, "SegmentTimeline")
            for piece in _children(line, "S")
        ]
        if listed or urls:
            count = max(urls, sum(times for times, _ in listed))
            length = sum(times * each for times, each in listed)
            pieces = replace(pieces, listed=count, listed_length=length)
    return pieces


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if str(child.tag).rpartition("}")[2] == name)
