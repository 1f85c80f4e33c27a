"""How much playlists and manifests may stand for, by lines that cost a site next to nothing."""

from xml.etree import ElementTree

import pytest

from userbot.errors import TooHeavyError
from userbot.worker.manifests import (
    MAX_SEGMENTS,
    MAX_UNFOLDED,
    MAX_VARIANTS,
    check_dash,
    check_ism,
    check_playlist,
)

FLOOD = MAX_SEGMENTS + 1


def media(lines: str) -> str:
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "playlist",
    [
        media("#EXTINF:2,\na.ts\n" * FLOOD),
        media("a\n" * FLOOD),
        media("\u2028a" * FLOOD),
        media("\ra" * FLOOD),
        media("\n \t a" * FLOOD),
        "\ufeff" + media("#EXTINF:2,\na\n" * FLOOD),
        "a\n" * FLOOD,
    ],
)
def test_every_line_that_yt_dlp_takes_for_a_segment_counts(playlist):
    with pytest.raises(TooHeavyError):
        check_playlist(playlist)


def test_a_long_film_is_no_flood():
    check_playlist(media("#EXTINF:2,\na.ts\n\n#EXT-X-DISCONTINUITY\n" * MAX_SEGMENTS))
    check_playlist(" \n" * 2_000_000 + "#" * 2_000_000)


@pytest.mark.parametrize(
    "lines",
    [
        "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n" * (MAX_VARIANTS + 1),
        "#EXT-X-STREAM-INF:BANDWIDTH=1\n" + "a\n" * (MAX_VARIANTS + 1),
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="a"\n' * (MAX_VARIANTS + 1),
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=a\n" * (MAX_VARIANTS + 1),
    ],
)
def test_a_flood_of_variants_is_no_film(lines):
    with pytest.raises(TooHeavyError):
        check_playlist(f"#EXTM3U\n{lines}")
    check_playlist(f"#EXTM3U\n{lines[:2000]}")


def manifest(inner: str, group: str = "", streams: int = 1, length: str = "PT1H"):
    stream = f'<Representation id="v" mimeType="video/mp4">{inner}</Representation>'
    return ElementTree.fromstring(
        f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="{length}">'
        f"<Period><AdaptationSet>{group}{stream * streams}</AdaptationSet></Period></MPD>"
    )


def timeline(*pieces: str) -> str:
    return f"<SegmentTemplate media='$Time$'><SegmentTimeline>{''.join(pieces)}</SegmentTimeline></SegmentTemplate>"  # noqa: E501


@pytest.mark.parametrize(
    "found",
    [
        manifest(timeline('<S d="1" r="2000000000"/>')),
        manifest("", timeline(f'<S d="1" r="{MAX_UNFOLDED // 10}"/>'), streams=11),
        manifest("<SegmentTemplate media='$Number$' timescale='1000' duration='1'/>"),
        manifest("<SegmentTemplate media='$Number$' duration='1'/>", length="P999DT0S"),
        manifest("<SegmentTemplate duration='1'/>", "<SegmentTemplate timescale='1000'/>"),
        manifest("<SegmentTemplate media='$Number$' duration='nan'/>"),
        manifest("<SegmentTemplate media='$Number$' duration='1e-300'/>"),
    ],
)
def test_what_dash_stands_for_is_counted_before_it_is_unfolded(found):
    with pytest.raises(TooHeavyError):
        check_dash(found)


def test_a_long_film_in_dash_is_no_flood():
    check_dash(manifest("", timeline('<S d="2" r="40000"/>', '<S d="1"/>'), streams=8))
    numbered = "<SegmentTemplate media='$Number$' timescale='90000' duration='180000'/>"
    check_dash(manifest(numbered, streams=8, length="PT24H"))
    check_dash(manifest("<SegmentTemplate duration='0' timescale='0'/>"))
    check_dash(manifest("<SegmentTemplate duration='x' timescale='x'/>"))


def test_what_smooth_streaming_stands_for_is_counted():
    stream = '<StreamIndex><c d="1" r="2000000000"/><QualityLevel/></StreamIndex>'
    with pytest.raises(TooHeavyError):
        check_ism(ElementTree.fromstring(f"<SmoothStreamingMedia>{stream}</SmoothStreamingMedia>"))
    few = stream.replace("2000000000", "1000")
    check_ism(ElementTree.fromstring(f"<SmoothStreamingMedia>{few}</SmoothStreamingMedia>"))
