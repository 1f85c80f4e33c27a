"""Which qualities are offered, and from which formats each is made."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.choices import MAX_VIDEO_CHOICES, choices_for, size_of
from userbot.domain.media import MAX_UPLOAD_BYTES, Format, MediaKind
from userbot.errors import NoVideoError, TooLargeError, UnsupportedError, UserbotError

AAC = Format("140", "m4a", "https", None, "mp4a.40.2", bitrate_kbps=129)
OPUS = Format("251", "webm", "https", None, "opus", bitrate_kbps=140)
H264 = {
    height: Format(
        f"h{height}",
        "mp4",
        "https",
        "avc1.640028",
        None,
        width=height * 16 // 9,
        height=height,
        bitrate_kbps=height * 4,
    )
    for height in (144, 240, 360, 480, 720, 1080, 1440, 2160)
}
VP9 = {
    height: dataclasses.replace(
        form, format_id=f"v{height}", ext="webm", video_codec="vp9", bitrate_kbps=height * 2
    )
    for height, form in H264.items()
}
MIXED = Format("18", "mp4", "https", "avc1.42001E", "mp4a.40.2", 640, 360, bitrate_kbps=500)


def offer(*formats, duration_s=600.0, limit_bytes=MAX_UPLOAD_BYTES):
    return choices_for(formats, duration_s, limit_bytes)


def test_h264_and_aac_win_inside_a_quality_even_at_a_lower_bitrate():
    best = offer(OPUS, AAC, H264[720], dataclasses.replace(VP9[720], bitrate_kbps=9000))[0]
    assert best.format_ids == ("h720", "140")
    assert best.height == 720


def test_another_codec_stands_in_where_h264_does_not_reach():
    choices = offer(AAC, VP9[1080], H264[720])
    assert [choice.format_ids[0] for choice in choices] == ["v1080", "h720", "140"]


def test_a_quality_that_does_not_fit_is_left_out_and_a_smaller_codec_takes_its_place():
    long = offer(AAC, H264[1080], VP9[1080], H264[720], duration_s=5000)
    assert [choice.format_ids[0] for choice in long] == ["v1080", "h720", "140"]


def test_when_nothing_fits_the_smallest_size_is_told():
    with pytest.raises(TooLargeError) as error:
        offer(dataclasses.replace(MIXED, size_bytes=3_000_000_000, is_size_exact=True))
    assert error.value.size_bytes == 3_000_000_000


def test_an_exact_size_may_fill_the_limit_and_an_estimate_may_not():
    full = dataclasses.replace(MIXED, size_bytes=MAX_UPLOAD_BYTES, is_size_exact=True)
    assert offer(full)[0].size_bytes == MAX_UPLOAD_BYTES
    with pytest.raises(TooLargeError):
        offer(dataclasses.replace(full, is_size_exact=False))


def test_at_most_six_videos_and_one_audio_are_offered_best_first():
    choices = offer(AAC, OPUS, *H264.values())
    heights = [choice.height for choice in choices]
    assert heights == [2160, 1440, 1080, 720, 480, 360, None]
    assert choices[-1].kind is MediaKind.AUDIO


def test_an_unnamed_quality_is_offered_only_by_itself():
    unnamed = dataclasses.replace(MIXED, format_id="0", width=None, height=None)
    assert [choice.height for choice in offer(unnamed, MIXED)] == [360, None]
    assert offer(unnamed)[0].kind is MediaKind.VIDEO
    assert offer(unnamed)[0].height is None


def test_a_vertical_video_is_called_by_its_shorter_side():
    vertical = dataclasses.replace(H264[1080], width=1080, height=1920)
    assert offer(AAC, vertical)[0].height == 1080


def test_audio_comes_from_the_smallest_mixed_file_where_no_sound_stands_alone():
    large = dataclasses.replace(MIXED, format_id="22", height=720, bitrate_kbps=1500)
    audio = offer(large, MIXED)[-1]
    assert audio.format_ids == ("18",)
    assert audio.size_bytes is None, "the film's size would mislead"


def test_a_video_without_sound_is_offered_alone():
    (only,) = offer(H264[480])
    assert only.format_ids == ("h480",)


def test_the_original_language_beats_a_dub():
    dub = dataclasses.replace(AAC, format_id="140-de", language_rank=-1, bitrate_kbps=300)
    original = dataclasses.replace(AAC, language_rank=10)
    assert offer(dub, original, H264[360])[0].format_ids == ("h360", "140")


def test_of_equal_sounds_the_last_wins_as_yt_dlp_sorts_the_best_last():
    described, main = (
        Format(f"hls-{name}", "mp4", "m3u8_native", None, "", bitrate_kbps=128)
        for name in ("description", "main")
    )
    assert offer(described, main, H264[360])[0].format_ids == ("h360", "hls-main")
    compressed = dataclasses.replace(AAC, format_id="140-drc", bitrate_kbps=130)
    assert offer(compressed, AAC, H264[360])[0].format_ids == ("h360", "140")


def test_a_pair_of_files_beats_a_muxed_stream_whatever_its_bitrate():
    stream = dataclasses.replace(MIXED, format_id="hls", protocol="m3u8_native", bitrate_kbps=9000)
    assert offer(AAC, H264[360], stream)[0].format_ids == ("h360", "140")


def test_a_muxed_dub_does_not_stand_for_the_original():
    dub = dataclasses.replace(MIXED, format_id="dub", language_rank=-1, bitrate_kbps=9000)
    original = dataclasses.replace(AAC, language_rank=10)
    assert offer(original, VP9[360], dub)[0].format_ids == ("v360", "140")


def test_among_equals_the_order_of_yt_dlp_decides():
    better = dataclasses.replace(H264[720], format_id="better", bitrate_kbps=1)
    assert offer(AAC, H264[720], better)[0].format_ids[0] == "better"


def test_hdr_stands_in_only_where_nothing_else_reaches():
    hdr = dataclasses.replace(VP9[2160], format_id="hdr", is_hdr=True)
    assert offer(AAC, VP9[2160], hdr)[0].format_ids[0] == "v2160"
    assert offer(AAC, VP9[1080], hdr)[0].format_ids[0] == "hdr"


def peak(bitrate_kbps, **more):
    form = dataclasses.replace(H264[720], protocol="m3u8_native", bitrate_kbps=bitrate_kbps)
    return dataclasses.replace(form, format_id="peak", **more)


def test_the_peak_of_a_stream_refuses_only_above_twice_the_limit():
    limit = 10_000_000
    doubtful = offer(peak(1500, audio_codec="mp4a"), duration_s=100, limit_bytes=limit)
    assert (doubtful[0].format_ids, doubtful[0].size_bytes) == (("peak",), None)
    with pytest.raises(TooLargeError):
        offer(peak(1700, audio_codec="mp4a"), duration_s=100, limit_bytes=limit)


def test_what_surely_fits_goes_before_what_may_fit():
    sounds = offer(AAC, VP9[720], peak(1500), duration_s=50, limit_bytes=9_300_000)
    assert sounds[0].format_ids == ("peak", "140"), "720p of VP9 is larger than the peak"
    choices = offer(AAC, VP9[720], peak(2500), duration_s=50, limit_bytes=11_000_000)
    assert choices[0].format_ids == ("v720", "140")


def test_the_bitrate_of_a_stream_includes_its_separate_sound():
    (video, _) = offer(AAC, peak(800), duration_s=100)
    assert video.size_bytes == 800 * 1000 // 8 * 100
    (video, _) = offer(AAC, H264[720], duration_s=100)
    assert video.size_bytes == (2880 + 129) * 1000 // 8 * 100


@pytest.mark.parametrize(
    ("size", "height"),
    [
        ((1920, 804), 1080),
        ((1920, 1080), 1080),
        ((1280, 536), 720),
        ((804, 1920), 1080),
        ((854, 480), 480),
        ((3840, 1600), 2160),
        ((1440, 1080), 1080),
        ((1024, 428), 428),
        ((10_000, 100), 100),
    ],
)
def test_a_wide_film_is_called_by_the_frame_it_was_cut_from(size, height):
    width, rows = size
    film = dataclasses.replace(MIXED, width=width, height=rows)
    assert offer(film)[0].height == height


def test_only_http_is_fetched():
    with pytest.raises(UnsupportedError):
        offer(dataclasses.replace(MIXED, protocol="rtmp"))
    with pytest.raises(NoVideoError):
        offer()


def test_a_size_follows_from_bitrate_and_duration_or_is_unknown():
    assert size_of(AAC, 100) == 129 * 1000 // 8 * 100
    assert size_of(AAC, None) is None
    assert size_of(dataclasses.replace(AAC, size_bytes=5), 100) == 5
    (video, audio) = offer(MIXED, duration_s=None)
    assert video.size_bytes is audio.size_bytes is None


FORMATS = st.builds(
    Format,
    format_id=st.text(max_size=5),
    ext=st.sampled_from(["mp4", "webm", "m4a", "exe"]),
    protocol=st.sampled_from(["https", "m3u8_native", "rtmp", ""]),
    video_codec=st.sampled_from([None, "", "avc1", "vp9"]),
    audio_codec=st.sampled_from([None, "", "mp4a.40.2", "opus"]),
    width=st.none() | st.integers(0, 10000),
    height=st.none() | st.integers(0, 10000),
    fps=st.none() | st.floats(0, 1000),
    bitrate_kbps=st.none() | st.floats(0, 1e9),
    size_bytes=st.none() | st.integers(0, 10**13),
    is_size_exact=st.booleans(),
    language_rank=st.integers(-10, 10),
    is_hdr=st.booleans(),
)


@tries(200)
@given(st.lists(FORMATS, max_size=12), st.none() | st.floats(0, 1e7))
def test_whatever_a_site_claims_the_offer_is_short_fits_and_names_formats(formats, duration_s):
    try:
        choices = choices_for(formats, duration_s, MAX_UPLOAD_BYTES)
    except UserbotError:
        return
    assert 1 <= len(choices) <= MAX_VIDEO_CHOICES + 1
    known = {item.format_id for item in formats}
    for choice in choices:
        assert set(choice.format_ids) <= known
        assert choice.size_bytes is None or choice.size_bytes <= MAX_UPLOAD_BYTES
