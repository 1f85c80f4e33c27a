"""Playlists of streams: passes parameters on to the segments, and makes the live one."""

import re
from collections.abc import Mapping
from html import escape

from tests.video_site.pages import link
from tests.video_site.recipes import SEGMENT_S

LIVE_WINDOW = 4  # segments in the playlist of a live stream

DRM_PLAYLIST = (
    "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://harbour",KEYFORMAT="com.apple.streamingkeydelivery",'
    'KEYFORMATVERSIONS="1"\n'
    "#EXTINF:2.0,\n/media/hls-muxed/000.ts\n#EXT-X-ENDLIST\n"
)


ENDLESS_SEGMENT = (
    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    "#EXTINF:2.0,\n/endless.ts\n#EXT-X-ENDLIST\n"
)
REPEATED_SEGMENTS = 2000


def repeating(segment: str, query: Mapping[str, str]) -> str:
    """Return the playlist of a film that is the same two seconds for an hour."""
    return film([segment] * REPEATED_SEGMENTS, query)


def film(segments: list[str], query: Mapping[str, str]) -> str:
    """Return the playlist of a whole film of `segments`."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{SEGMENT_S}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    for segment in segments:
        lines += [f"#EXTINF:{SEGMENT_S}.0,", link(segment, query)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def hls(playlist: str, query: Mapping[str, str]) -> str:
    """Return an HLS playlist with the travelling parameters on everything it names."""
    return "\n".join(_hls_line(line, query) for line in playlist.split("\n"))


def _hls_line(line: str, query: Mapping[str, str]) -> str:
    if line and not line.startswith("#"):
        return link(line, query)
    return re.sub(r'URI="([^":]+)"', lambda found: f'URI="{link(found[1], query)}"', line)


def dash(manifest: str, query: Mapping[str, str]) -> str:
    """Return a DASH manifest with the travelling parameters on all its segments."""
    return re.sub(
        r'(initialization|media)="([^"]+)"',
        lambda found: f'{found[1]}="{escape(link(found[2], query))}"',
        manifest,
    )


def live_dash(manifest: str, query: Mapping[str, str]) -> str:
    """Return a DASH manifest as that of a stream that goes on."""
    going_on = 'type="dynamic" availabilityStartTime="2026-05-17T06:12:00Z"'
    return dash(manifest, query).replace('type="static"', going_on)


def live(elapsed_s: float, segments: list[str], query: Mapping[str, str]) -> str:
    """Return the playlist of a stream that began `elapsed_s` ago and repeats `segments`."""
    first = int(elapsed_s / SEGMENT_S)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{SEGMENT_S}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first // len(segments)}",
    ]
    for number in range(first, first + LIVE_WINDOW):
        if number % len(segments) == 0 and number > first:
            lines.append("#EXT-X-DISCONTINUITY")
        lines += [f"#EXTINF:{SEGMENT_S}.0,", link(segments[number % len(segments)], query)]
    return "\n".join(lines) + "\n"
