"""Which links are one page, and which files are one file."""

from dataclasses import replace

import pytest

from userbot.domain.choices import Choice
from userbot.domain.history import media_of
from userbot.domain.link_forms import canonical_link
from userbot.domain.media import MAX_LINKS, Extraction, MediaKind
from userbot.domain.media_keys import (
    file_key,
    is_page_key,
    page_key,
    page_keys,
)

CHOICE = Choice(MediaKind.VIDEO, ("137", "140"), 1080, size_bytes=5)
PAGE = Extraction(
    "Youtube", "abcdefghijk", "A", "https://www.youtube.com/watch?v=abcdefghijk", (), ""
)
NAMELESS = Extraction("Generic", "video", "A", "https://one.example/video.mp4", (), "")


@pytest.mark.parametrize(
    ("link", "name"),
    [
        *(
            (link, "youtube:abcdefghijk")
            for link in (
                "https://youtu.be/abcdefghijk",
                "https://youtu.be/abcdefghijk?t=42&si=x",
                "https://youtube.com/watch?v=abcdefghijk",
                "https://m.youtube.com/watch?list=PL1&v=abcdefghijk",
                "http://www.youtube.com/shorts/abcdefghijk/",
                "https://music.youtube.com/watch?v=abcdefghijk",
                "https://www.youtube.com/live/abcdefghijk?feature=share",
                "https://www.youtube-nocookie.com/embed/abcdefghijk",
            )
        ),
        ("https://www.tiktok.com/@some.one/video/71?lang=en", "tiktok:71"),
        ("https://m.tiktok.com/v/71.html", "tiktok:71"),
        ("https://www.tiktok.com/embed/v2/71", "tiktok:71"),
        ("https://www.instagram.com/reel/C_-x/?igsh=1", "instagram:C_-x"),
        ("https://instagram.com/some.one/p/C_-x", "instagram:C_-x"),
        ("https://www.instagram.com/reels/C_-x/", "instagram:C_-x"),
        ("https://twitter.com/a/status/12", "twitter:12"),
        ("https://x.com/i/web/status/12?s=20", "twitter:12"),
        ("https://mobile.x.com/b/status/12/", "twitter:12"),
        ("https://vimeo.com/12", "vimeo:12"),
        ("https://player.vimeo.com/video/12?autoplay=1", "vimeo:12"),
        ("https://vimeo.com/channels/staffpicks/12", "vimeo:12"),
        ("https://vimeo.com/12/0a1b2c", "vimeo:12/0a1b2c"),
        ("https://player.vimeo.com/video/12?h=0a1b2c", "vimeo:12/0a1b2c"),
        ("https://dai.ly/x8abc", "dailymotion:x8abc"),
        ("https://www.dailymotion.com/video/x8abc_a-title", "dailymotion:x8abc"),
        ("https://www.dailymotion.com/embed/video/x8abc", "dailymotion:x8abc"),
        ("https://old.reddit.com/r/videos/comments/1abc/a_title/", "reddit:1abc"),
        ("https://redd.it/1abc", "reddit:1abc"),
        ("https://m.facebook.com/watch/?v=12", "facebook:12"),
        ("https://www.facebook.com/some.one/videos/a-title/12/", "facebook:12"),
        ("https://www.facebook.com/reel/12", "facebook:12"),
    ],
)
def test_forms_of_one_video_are_one_page(link, name):
    assert canonical_link(link) == name


@pytest.mark.parametrize(
    "link",
    [
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/embed/videoseries?list=PL1",
        "https://www.youtube.com/embed/live_stream?channel=UC1",
        "https://youtu.be/abc",
        "https://youtu.be.example/abcdefghijk",
        "https://www.youtube.com/watch?v=../../etc/p",
        "https://x.com/somebody/status/1/video/2",
        "https://www.instagram.com/p/C_-x/?img_index=2",
        "https://www.instagram.com/reels/audio/12/",
        "https://www.reddit.com/r/videos/comments/1abc/a_title/k2def/",
        "https://example.org/watch?v=abcdefghijk",
    ],
)
def test_what_is_no_known_form_is_a_page_of_its_own(link):
    assert canonical_link(link).startswith("//")


def test_what_leads_nowhere_else_makes_no_difference():
    page = page_key("https://site.example/a/video?b=2&a=1#part")
    for link in (
        "http://site.example/a/video?b=2&a=1#part",
        "https://www.site.example/a/video/?a=1&b=2#part",
        "https://m.site.example:443/a/video?a=1&utm_source=x&b=2#part",
        "http://mobile.site.example:80/a/video?b=2&&a=1#part",
        "https://SITE.example/a/video?a=1&fbclid=x&b=2#part",
    ):
        assert page_key(link) == page


@pytest.mark.parametrize(
    "link",
    [
        "https://site.example/a/video?b=2&a=1",
        "https://site.example/a/video?b=2&a=1#other",
        "https://site.example/A/video?b=2&a=1#part",
        "https://site.example/a/video?b=2#part",
        "https://site.example:8443/a/video?b=2&a=1#part",
        "https://www.example/a/video?b=2&a=1#part",
        "https://site.example/a/video?a=2&a=1&b=2#part",
        "//site.example/a/video?a=1&b=2#part",
    ],
)
def test_what_may_lead_elsewhere_is_another_page(link):
    assert page_key(link) != page_key("https://site.example/a/video?b=2&a=1#part")


def test_a_name_that_is_only_a_prefix_stays():
    assert page_key("https://m.example/1") != page_key("https://www.example/1")
    assert page_key("https://[2000::1]:8080/1/") == page_key("http://[2000::1]:8080/1")
    assert canonical_link("https://[/") == "text:https://[/"


LINKS = ("https://short.example/x", "https://evil.example/y", "https://site.example/video/1")


def test_each_link_on_the_way_is_a_name_of_the_page():
    page = replace(PAGE, page_url="https://www.site.example/watch/1", links=LINKS)
    own, *others = page_keys(LINKS[0], page)
    assert own == page_key("https://site.example/watch/1")
    assert set(others) == set(map(page_key, LINKS))
    many = tuple(f"https://site.example/{number}" for number in range(99))
    assert len(page_keys(LINKS[0], replace(page, links=many))) == MAX_LINKS + 2


def test_a_page_is_named_by_the_id_that_its_site_gives_it():
    share = "https://www.youtube.com/clip/Ugk"
    page = replace(PAGE, page_url="https://www.youtube.com/other", links=(share,))
    assert page_keys(share, page)[0] == page_key(PAGE.page_url)
    of_x = replace(page, extractor="Twitter", media_id="12", links=("https://x.com/1",))
    assert page_key("https://x.com/a/status/12") not in page_keys("https://x.com/1", of_x)


def test_a_page_speaks_for_its_own_site_alone():
    evil = "https://evil.example/1"
    assert page_keys(evil, PAGE) == (page_key(evil),)
    assert page_keys(evil, replace(PAGE, links=(evil,))) == (page_key(evil),)
    assert page_keys(
        evil,
        replace(PAGE, page_url="youtube:abcdefghijk", links=("https://" + "x" * 9999, "a title")),
    ) == (page_key(evil),)


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


def test_two_sites_with_a_file_of_one_name_have_two_files():
    other = replace(NAMELESS, page_url="https://two.example/video.mp4")
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, other, CHOICE)


def test_a_nameless_file_that_was_replaced_is_another():
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, NAMELESS, replace(CHOICE, size_bytes=6))
    assert file_key(1, NAMELESS, CHOICE) != file_key(1, replace(NAMELESS, title="B"), CHOICE)
