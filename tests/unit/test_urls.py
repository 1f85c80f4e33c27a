# ruff: noqa: RUF001 (letters that look like others are what is tested)
import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.hosts import is_public_address, normal_host
from userbot.domain.urls import (
    MAX_LINK_CHARS,
    AllowList,
    LinkProblem,
    check_link,
    find_links,
)
from userbot.errors import LinkRefusedError

bounded = tries(200)
NOTHING = AllowList()


def problem_of(url, allow=NOTHING):
    with pytest.raises(LinkRefusedError) as caught:
        check_link(url, allow)
    return caught.value.problem


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("", []),
        ("no link at all: //, http://, https://...", []),
        ("https://a.com/x", ["https://a.com/x"]),
        ("see https://a.com/x.", ["https://a.com/x"]),
        ("(https://a.com/x)", ["https://a.com/x"]),
        ("[film](https://a.com/x), and more", ["https://a.com/x"]),
        (
            "https://en.wikipedia.org/wiki/Film_(1965)",
            ["https://en.wikipedia.org/wiki/Film_(1965)"],
        ),
        ("(https://a.com/Film_(1965)?)", ["https://a.com/Film_(1965)"]),
        ("<https://a.com/x>", ["https://a.com/x"]),
        ('"https://a.com/x"!', ["https://a.com/x"]),
        ("**https://a.com/x**", ["https://a.com/x"]),
        ("https://youtu.be/abc_def-gh_", ["https://youtu.be/abc_def-gh_"]),
        ("https://youtu.be/abc-", ["https://youtu.be/abc-"]),
        ("HTTPS://A.com/x", ["HTTPS://A.com/x"]),
        ("看https://b23.tv/abc，很好", ["https://b23.tv/abc"]),
        ("「https://a.jp/動画」を見て", ["https://a.jp/動画"]),
        ("https://a.com/\u200bx", ["https://a.com/"]),
        ("b https://b.com a https://a.com b https://b.com", ["https://b.com", "https://a.com"]),
        ("https://a.com/1https://a.com/2", ["https://a.com/1", "https://a.com/2"]),
        ("https://a.com/go?u=https://b.com/x", ["https://a.com/go?u=https://b.com/x"]),
        ("https://web.org/2020/https://b.com", ["https://web.org/2020/https://b.com"]),
        ("ftp://a.com/x file:///etc/passwd", ["ftp://a.com/x", "file:///etc/passwd"]),
        ("look.http://a.com", ["http://a.com"]),
        ("смотриhttp://a.com", ["http://a.com"]),
        ("line\nhttps://a.com/x\nline", ["https://a.com/x"]),
    ],
)
def test_links_are_found_in_prose(text, links):
    assert find_links(text) == links


@pytest.mark.parametrize(
    "garbage",
    [
        "a" * 4000,
        "http://" * 600,
        "://" * 1400,
        "http://a" + ")" * 4000,
        "http://" + "(" * 2000 + ")" * 2000,
        "http://a" + ".,;" * 1400,
        "a+.-" * 1000 + "://",
        "\U0001f600" * 4000,
        "https://" + "\u202e" * 4000,
        "http://a.com/" + "xhttps:/" * 500,
    ],
)
def test_garbage_takes_no_time(garbage):
    started = time.perf_counter()
    for link in find_links(garbage):
        try:
            check_link(link, NOTHING)
        except LinkRefusedError as error:
            assert error.problem in list(LinkProblem)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://example.com", "https://example.com/"),
        ("  https://example.com/x\u200b ", "https://example.com/x"),
        ("HTTP://EXAMPLE.com./X", "http://example.com/X"),
        ("example.com/x?y=1", "https://example.com/x?y=1"),
        ("example.com:8443/x", "https://example.com:8443/x"),
        ("//example.com/x", "https://example.com/x"),
        ("localhost.example.com", "https://localhost.example.com/"),
        ("https://example.com:443/", "https://example.com/"),
        ("http://example.com:80", "http://example.com/"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:/x", "http://example.com/x"),
        ("http://example.com:\uff18\uff10\uff18\uff10/", "http://example.com:8080/"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/ä"),
        ("https://ｅｘａｍｐｌｅ。com/", "https://example.com/"),
        ("https://exa\u00admple.com/", "https://example.com/"),
        ("https://my_site.example.com/", "https://my_site.example.com/"),
        ("http://8.8.8.8/x", "http://8.8.8.8/x"),
        ("8.8.8.8/x", "https://8.8.8.8/x"),
        ("http://0x08080808/", "http://8.8.8.8/"),
        ("http://134744072/", "http://8.8.8.8/"),
        ("http://8.526344/", "http://8.8.8.8/"),
        ("http://[2606:4700:0:0::1111]:8080/x", "http://[2606:4700::1111]:8080/x"),
        ("https://e.com/?a=1&utm_source=x&b=2&fbclid=q", "https://e.com/?a=1&b=2"),
        ("https://e.com/?UTM_source=x", "https://e.com/"),
        (
            "https://e.com/?ttclid=1&v=2&twclid=3&wbraid=4&gbraid=5&gad_source=6",
            "https://e.com/?v=2",
        ),
        ("https://e.com/?_ga=1&_gl=2&_hsenc=3&mc_cid=4&srsltid=5&p=6#a", "https://e.com/?p=6#a"),
        ("https://e.com/?ref_src=twsrc%5Etfw&mibextid=a&ref=b", "https://e.com/?ref=b"),
        (
            "https://www.tiktok.com/@a/video/1?is_from_webapp=1&sender_device=pc&web_id=2&_t=3&_r=1",
            "https://www.tiktok.com/@a/video/1",
        ),
        (
            "https://x.com/a/status/1/video/2?s=46&cxt=a&ref_url=https%3A%2F%2Fe.com",
            "https://x.com/a/status/1/video/2",
        ),
        (
            "https://www.facebook.com/watch/?v=1&rdid=a&share_url=b&__cft__%5B0%5D=c&__tn__=d",
            "https://www.facebook.com/watch/?v=1",
        ),
        (
            "https://www.bilibili.com/video/BV1/?p=2&spm_id_from=1&vd_source=2&t=30",
            "https://www.bilibili.com/video/BV1/?p=2&t=30",
        ),
        (
            "https://m.youtube.com/watch?v=a&ab_channel=b&list=c&index=2&source_ve_path=d",
            "https://m.youtube.com/watch?v=a&list=c&index=2",
        ),
        (
            "https://soundcloud.com/a/b?in=c&secret_token=d&si=e",
            "https://soundcloud.com/a/b?in=c&secret_token=d",
        ),
        ("https://e.com/?", "https://e.com/"),
        ("https://e.com?a&&b=", "https://e.com/?a&&b="),
        ("https://youtu.be/abc?si=xyz&t=30", "https://youtu.be/abc?t=30"),
        ("https://www.youtube.com/watch?v=a&pp=b", "https://www.youtube.com/watch?v=a"),
        ("https://e.com/?si=1", "https://e.com/?si=1"),
        ("https://notyoutube.com/?si=1", "https://notyoutube.com/?si=1"),
        *(
            (url, url)  # what elsewhere tracks may name the page
            for url in (
                "https://e.com/?s=1&t=2&ref=3&source=4&from=5&feature=6&pp=7&trk=8&refer=9",
                "https://e.com/?share_id=1&web_id=2&ref_url=3&vd_source=4&h=5&id=6&clid=7",
                "https://vimeo.com/1?h=abc",
                "https://www.instagram.com/p/a/?img_index=2",
                "https://www.facebook.com/permalink.php?story_fbid=1&id=2",
                "https://www.tiktok.com/search?q=a&t=1",
                "https://www.reddit.com/r/a/comments/1/b/?context=3",
            )
        ),
        ("https://x.com/a/status/1?s=20&t=q", "https://x.com/a/status/1"),
        ("https://e.com/#!/video/1", "https://e.com/#!/video/1"),
        ("https://e.com/v#view=2", "https://e.com/v#view=2"),
        ("https://e.com/v#t=30", "https://e.com/v"),
        ("https://e.com/v#", "https://e.com/v"),
        ("https://e.com/v#:~:text=x", "https://e.com/v"),
        ('https://e.com/v#__youtubedl_smuggle=%7B"a":1%7D', "https://e.com/v"),
        ("https://e.com/v#a#__youtubedl_smuggle=x", "https://e.com/v"),
    ],
)
def test_a_link_has_one_normal_form(url, normal):
    assert check_link(url, NOTHING) == normal
    assert check_link(normal, NOTHING) == normal


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "not_a_link"),
        ("hello", "not_a_link"),
        ("hello world.com", "not_a_link"),
        ("3.14", "not_a_link"),
        ("1.2.3.4.5", "not_a_link"),
        ("me@example.com", "not_a_link"),
        ("http:example.com", "not_a_link"),
        ("http:/example.com", "not_a_link"),
        ("https://e.com/a b", "not_a_link"),
        ("https://e.com/\r\nHost: x", "not_a_link"),
        ("https://e.com/\x00", "not_a_link"),
        ("https://e.com/\u202e", "not_a_link"),
        ("https://e.com/\ud800", "not_a_link"),
        ("ftp://example.com/x", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("mailto:me@example.com", "scheme"),
        ("magnet:?xt=urn", "scheme"),
        ("tg://resolve?domain=x", "scheme"),
        ("ytsearch:cats", "scheme"),
        ("https://user:pass@example.com/", "credentials"),
        ("https://example.com@evil.com/", "credentials"),
        ("https://example.com\\@evil.com/", "credentials"),
        ("https://example.com＠evil.com/", "credentials"),
        ("https://example.com／@evil.com/", "credentials"),
        ("https://", "bad_host"),
        ("https:///x", "bad_host"),
        ("https://.com/", "bad_host"),
        ("https://a..com/", "bad_host"),
        ("https://example.com../", "bad_host"),
        ("https://exa%6dple.com/", "bad_host"),
        ("https://example.com\\x/", "bad_host"),
        ("https://exa!mple.com/", "bad_host"),
        ("https://example.com:0/", "bad_host"),
        ("https://example.com:65536/", "bad_host"),
        ("https://example.com:123456/", "bad_host"),
        ("https://example.com:8o/", "bad_host"),
        ("https://example.com:80:80/", "bad_host"),
        ("https://1.2.3.4.5/", "bad_host"),
        ("https://256.1.1.1/", "bad_host"),
        ("https://8.8.8.08/", "bad_host"),
        ("https://1_0.8.8.8/", "bad_host"),
        ("https://4294967296/", "bad_host"),
        ("https://foo.0x1/", "bad_host"),
        ("https://[::1/", "bad_host"),
        ("https://[1.2.3.4]/", "bad_host"),
        ("https://[v1.x]/", "bad_host"),
        ("https://[::1]x/", "bad_host"),
        ("https://::1/", "bad_host"),
        ("https://" + "a" * 64 + ".com/", "bad_host"),
        ("https://" + "a." * 130 + "com/", "bad_host"),
        ("https://" + "ü." * 100 + "com/", "bad_host"),
        ("https://e.com/" + "x" * MAX_LINK_CHARS, "too_long"),
        ("e.com/" + "x" * (MAX_LINK_CHARS - 10), "too_long"),
    ],
)
def test_what_is_no_link_for_us_is_refused(url, problem):
    assert problem_of(url) == problem


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "ｌｏｃａｌｈｏｓｔ",
        "loc\u00adalhost",
        "printer.local",
        "metadata.google.internal",
        "localhost.localdomain",
        "nas.lan",
        "router",
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "0x7f.0.0.0x1",
        "017700000001",
        "0177.0.0.01",
        "00000177.1",
        "0",
        "0x",
        "0.0.0.0",
        "10.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "１２７.０.０.１",
        "127。0。0。1",
        "127｡0｡0｡1",
        "①②⑦.⓪.⓪.①",
        "𝟭𝟮𝟳.𝟬.𝟬.𝟭",
        "127.0\u200b.0.1",
        "[::]",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:8.8.8.8]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[2606:4700::1111%eth0]",
        "[fc00::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[１::１]",
        "[：：１]",
    ],
)
def test_no_spelling_of_a_private_place_is_opened(host):
    assert problem_of(f"http://{host}/") == "private"
    assert problem_of(f"https://{host}:8443/x") == "private"


FILM = "https%3A%2F%2Fe.com%2Fv%3Fa%3D1%26utm_source%3Dx"


@pytest.mark.parametrize(
    "detour",
    [
        f"https://www.google.com/url?sa=t&url={FILM}&usg=x",
        f"https://google.co.uk/url?q={FILM}",
        f"https://www.youtube.com/redirect?event=x&q={FILM}",
        f"https://l.facebook.com/l.php?u={FILM}&h=x",
        f"https://l.instagram.com/?u={FILM}",
        f"https://vk.com/away.php?to={FILM}",
        f"https://out.reddit.com/t3_x?url={FILM}",
        f"https://t.umblr.com/redirect?z={FILM}",
        f"https://steamcommunity.com/linkfilter/?u={FILM}",
        f"https://duckduckgo.com/l/?uddg={FILM}",
        "https://duckduckgo.com/l/?uddg=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252F"
        "e.com%252Fv%253Fa%253D1",
    ],
)
def test_a_detour_becomes_what_it_leads_to(detour):
    assert check_link(detour, NOTHING) == "https://e.com/v?a=1"


def test_a_copy_that_is_for_previews_becomes_the_site_itself():
    assert (
        check_link("https://vxtwitter.com/a/status/1?s=20", NOTHING) == "https://x.com/a/status/1"
    )
    assert check_link("www.rxddit.com/r/a", NOTHING) == "https://www.reddit.com/r/a"
    assert check_link("https://api.fxtwitter.com/a", NOTHING) == "https://api.fxtwitter.com/a"


@pytest.mark.parametrize(
    "page",
    [
        f"https://e.com/url?q={FILM}",
        "https://www.google.com/url?q=cats",
        "https://www.google.com/search?q=https%3A%2F%2Fe.com%2F",
        "https://www.youtube.com/watch?q=https%3A%2F%2Fe.com%2F",
        "https://www.youtube.com/redirect?q=ftp%3A%2F%2Fe.com%2F",
    ],
)
def test_other_pages_stay(page):
    assert check_link(page, NOTHING).partition("?")[0] == page.partition("?")[0]


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("http%3A%2F%2F127.0.0.1%2F", "private"),
        ("http%3A%2F%2F0x7f.1%2F", "private"),
        ("http%3A%2F%2Fu%3Ap%40e.com%2F", "credentials"),
        ("http%3A%2F%2Fa..b%2F", "bad_host"),
    ],
)
def test_a_detour_hides_nothing(target, problem):
    assert problem_of(f"https://www.google.com/url?q={target}") == problem


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("stra\u00dfe.de", "xn--strae-oqa.de"),  # IDNA 2003 says strasse.de: another host
        ("\u03b1\u03c2.gr", "xn--mxa8a.gr"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_site.b\u00fccher.example", "my_site.xn--bcher-kva.example"),
        ("\u4f8b\u3048.jp", "xn--r8jz45g.jp"),
        ("e\u3002com", "e.com"),
        ("e\uff61com", "e.com"),
    ],
)
def test_a_host_is_read_as_browsers_and_curl_read_it(host, normal):
    assert normal_host(host) == normal


@pytest.mark.parametrize("host", ["a\u2024b\u00b7.com", "-\u00fc.com", "\u0301a.com", "\u2764.ws"])
def test_a_host_that_idna_refuses_is_no_host(host):
    assert problem_of(f"https://{host}/") == "bad_host"


def test_what_the_owner_allows_is_opened_in_its_normal_spelling():
    allow = AllowList.parse(["127.0.0.1:8080", "10.0.0.0/8", "[::1]:81", "media.lan", "nas:90"])
    assert check_link("http://0x7f.1:8080/v", allow) == "http://127.0.0.1:8080/v"
    assert check_link("http://10.2.3.4:99/v", allow) == "http://10.2.3.4:99/v"
    assert check_link("http://[0::1]:81/", allow) == "http://[::1]:81/"
    assert check_link("http://MEDIA.lan./v", allow) == "http://media.lan/v"
    assert check_link("http://nas:90/v", allow) == "http://nas:90/v"
    for refused in (
        "http://127.0.0.1:8081/",
        "http://127.0.0.2:8080/",
        "http://11.media.lan/",
        "http://nas/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]:8080/",
    ):
        assert problem_of(refused, allow) == "private"


def test_an_allow_list_answers_for_any_host_and_port():
    allow = AllowList.parse(["127.0.0.1", "::1", "fd00::/8", " localhost:8080 ", "1.2.3.4/31"])
    assert allow.permits("127.0.0.1", 1)
    assert allow.permits("0177.1", 1)
    assert allow.permits("::1", 1)
    assert allow.permits("fd12::1", 1)
    assert allow.permits("1.2.3.5", 1)
    assert allow.permits("LocalHost", 8080)
    assert not allow.permits("localhost", 80)
    assert not allow.permits("example.com", 80)
    assert not allow.permits("not a host", 80)
    assert not allow.permits("::1%lo", 80)


@pytest.mark.parametrize(
    "entry",
    ["", "10.0.0.0/33", "*.lan", "http://nas", "nas:0", "nas:x", "nas:65536", "[::1", "a b", "u@h"],
)
def test_an_entry_that_cannot_be_read_is_named(entry):
    with pytest.raises(ValueError) as caught:
        AllowList.parse(["good.example", entry])
    assert caught.value.args == (entry,)


def spellings(address):
    """Every way inet_aton reads an address, with one base for each of its numbers."""
    value = int(address)
    octets = address.packed
    yield str(value)
    yield hex(value)
    yield f"0{value:o}"
    yield f"{octets[0]}.{value & 0xFFFFFF}"
    yield f"{octets[0]:#x}.{octets[1]}.{value & 0xFFFF:#x}"
    yield ".".join(f"0{octet:o}" for octet in octets)
    yield ".".join(f"{octet:#06x}" for octet in octets)


@bounded
@given(st.ip_addresses(v=4))
def test_every_spelling_means_the_same_address(address):
    for spelling in spellings(address):
        assert normal_host(spelling) == str(address)


@bounded
@given(st.ip_addresses())
def test_exactly_the_public_addresses_are_opened(address):
    place = f"[{address}]" if address.version == 6 else str(address)
    if is_public_address(address):
        assert check_link(f"http://{place}/", NOTHING) == f"http://{place}/"
    else:
        assert problem_of(f"http://{place}/") == "private"


@bounded
@given(st.ip_addresses(v=4))
def test_no_address_hides_inside_another(address):
    for network in ("::", "::ffff:0:0", "64:ff9b::", "::ffff:0:0:0"):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(network)) + int(address))
        assert not is_public_address(outer)


hostish = st.text(
    st.sampled_from("htps:/?#[]@!$&'()*+,;=.%\\-_~ 019azAZxX\u3002\uff0e\u200bäß１\n"), max_size=40
)


@bounded
@given(hostish | st.text(max_size=40) | st.builds("http://{}".format, hostish))
def test_a_link_is_refused_or_normal(text):
    try:
        link = check_link(text, NOTHING)
    except LinkRefusedError as error:
        assert error.problem in list(LinkProblem)
    else:
        assert link.startswith(("http://", "https://"))
        assert check_link(link, NOTHING) == link


@bounded
@given(
    st.text(max_size=60), st.sampled_from(["https://a.com/x", "ftp://b.org", "http://c.de/?q=1"])
)
def test_a_link_between_spaces_is_always_found(text, link):
    links = find_links(f"{text} {link} {text}")
    assert link in links
    assert len(links) == len(set(links))
