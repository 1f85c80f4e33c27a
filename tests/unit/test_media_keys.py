"""Which links are one page, which files are one file, and how long a page is good."""

from dataclasses import replace

import pytest

from userbot.domain.choices import Choice
from userbot.domain.history import media_of
from userbot.domain.media import Extraction, MediaKind
from userbot.domain.media_keys import (
    MAX_PAGE_S,
    USUAL_PAGE_S,
    canonical_link,
    file_key,
    is_page_key,
    is_same_site,
    lifetime_s,
    page_key,
)

NOW_S = 1_900_000_000.0
CHOICE = Choice(MediaKind.VIDEO, ("137", "140"), 1080, size_bytes=5)
PAGE = Extraction(
    "Youtube", "abcdefghijk", "A", "https://www.youtube.com/watch?v=abcdefghijk", (), ""
)
NAMELESS = Extraction("Generic", "video", "A", "https://one.example/video.mp4", (), "")


@pytest.mark.parametrize(
    "link",
    [
        "https://youtu.be/abcdefghijk",
        "https://youtu.be/abcdefghijk?t=42",
        "https://youtube.com/watch?v=abcdefghijk",
        "https://m.youtube.com/watch?list=PL1&v=abcdefghijk",
        "http://www.youtube.com/shorts/abcdefghijk",
        "https://www.youtube-nocookie.com/embed/abcdefghijk",
    ],
)
def test_forms_of_one_video_are_one_page(link):
    assert page_key(link) == page_key("https://www.youtube.com/watch?v=abcdefghijk")


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/playlist?list=PL1",
        "https://youtu.be/abc",
        "https://youtu.be.example/abcdefghijk",
        "https://www.youtube.com/watch?v=../../etc/p",
        "https://x.com/somebody/status/1/video/2",
        "https://example.org/watch?v=abcdefghijk",
    ],
)
def test_what_is_no_known_form_stays_as_it_is(link):
    assert canonical_link(link) == link


def test_posts_on_x_are_one_page_under_both_names():
    assert page_key("https://twitter.com/a/status/12") == page_key("https://x.com/b/status/12")


def test_a_key_holds_nothing_of_a_link():
    assert is_page_key(page_key("https://example.org/\n*{$ne: 1}\ud800"))
    assert not is_page_key("page:../../x")


def test_a_file_is_one_of_a_bot_a_video_and_a_variant():
    key = file_key(1, PAGE, CHOICE)
    assert key == file_key(1, replace(PAGE, title="B", page_url="https://other.example/"), CHOICE)
    assert key == file_key(1, PAGE, replace(CHOICE, is_fresh=True, size_bytes=6))
    assert key != file_key(2, PAGE, CHOICE)
    assert key != file_key(1, PAGE, replace(CHOICE, format_ids=("18",)))
    assert key != file_key(1, PAGE, replace(CHOICE, kind=MediaKind.AUDIO))
    assert key != file_key(1, replace(PAGE, media_id="other"), CHOICE)


def test_an_extractor_of_any_host_speaks_for_one_host_alone():
    tube = replace(PAGE, extractor="PeerTube", page_url="https://one.example/w/1")
    evil = replace(tube, page_url="https://evil.example/w/1")
    assert file_key(1, tube, CHOICE) != file_key(1, evil, CHOICE)
    assert media_of(tube, CHOICE, 1) != media_of(evil, CHOICE, 1)
    again = replace(tube, page_url="https://www.one.example/w/1?start=2")
    assert media_of(tube, CHOICE, 1) == media_of(again, CHOICE, 1)
    assert media_of(PAGE, CHOICE, 1).media_id == PAGE.media_id


def test_of_a_long_record_the_first_addresses_count():
    ends = '"url": "https://a.example/?expire=1900000660", ' + '"url": "https://b.example/", ' * 300
    assert lifetime_s(ends + '"url": "?expire=1900000360"', NOW_S) == 600


def test_two_sites_with_a_file_of_one_name_have_two_files():
    other = replace(NAMELESS, page_url="https://two.example/video.mp4")
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, other, CHOICE)


def test_a_nameless_file_that_was_replaced_is_another():
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, NAMELESS, replace(CHOICE, size_bytes=6))
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, replace(NAMELESS, title="B"), CHOICE)


def test_a_page_speaks_for_its_own_host_alone():
    assert is_same_site("https://a.example/1", "https://a.example/2")
    assert not is_same_site("https://evil.example/1", "https://www.youtube.com/watch?v=abcdefghijk")


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("{}", USUAL_PAGE_S),
        ('{"url": "https://a.example/?expire=1900003660&x=1"}', 3600),
        ('{"url": "https://a.example/expire/1900003660/x"}', 3600),
        ('{"url": "https://a.example/?hdnts=st=1~exp=1900001060~acl"}', 1000),
        ('{"url": "?e=1900000360", "b": "?expires=1900007260"}', 300),
        ('{"url": "https://a.example/?Expires=1999999999"}', USUAL_PAGE_S),
        ('{"url": "https://a.example/?expire=1900086460"}', MAX_PAGE_S),
        ('{"url": "https://a.example/?expire=1899999999"}', 0),
        ('{"url": "https://a.example/?e=1234567890&size=1900000360"}', USUAL_PAGE_S),
    ],
)
def test_a_page_is_good_as_long_as_its_addresses_say(text, expected_s):
    assert lifetime_s(text, NOW_S) == expected_s
