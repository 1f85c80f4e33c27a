"""SITE_PROXY_FILE: which proxy leads to which site, and what is no such line."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SettingsError
from config.log import secrets_of
from config.settings import load
from tests.fuzzing import tries
from userbot.domain.site_proxies import MAX_CHARS, SiteProxies
from userbot.egress.gate import EgressSettings

COMPLETE = {"API_ID": "12345", "API_HASH": "0" * 32, "BOT_TOKEN": "1:abcdefghij"}
NEAR, FAR = "http://near.example:3128", "socks5://user:pass-word@far.example:1080"
TEXT = f"""
# host      proxy
Example.COM   {FAR}
live.example.com\tdirect

.münchen.example {NEAR}
[2606:4700::1111] {NEAR}
"""


def test_the_longest_host_that_fits_wins():
    proxies = SiteProxies.parse(TEXT)
    for host, proxy in {
        "example.com": FAR,
        "cdn.eu.example.com": FAR,
        "live.example.com": None,
        "a.live.example.com": None,
        "notexample.com": None,
        "com": None,
        "www.xn--mnchen-3ya.example": NEAR,
        "2606:4700::1111": NEAR,
        "8.8.8.8": None,
    }.items():
        assert proxies.proxy_of(host) == proxy, host
    assert proxies.proxies == {NEAR, FAR}
    assert SiteProxies.parse(proxies.text) == proxies


def test_the_proxy_for_all_sites_is_for_those_that_are_not_named():
    named = SiteProxies.parse(f"example.com {FAR}\na.example direct\n")
    routes = SiteProxies.parse(EgressSettings(upstream=NEAR, site_proxies=named).upstreams)
    assert routes.proxy_of("example.com") == FAR
    assert routes.proxy_of("a.example") is None
    assert routes.proxy_of("other.example") == NEAR
    others = SiteProxies.parse("* direct\n")
    assert EgressSettings(upstream=NEAR, site_proxies=others).upstreams == "* direct\n"
    assert EgressSettings().upstreams == ""


@pytest.mark.parametrize(
    "line",
    [
        "example.com",
        "example.com ftp://user:pass-word@p:1",
        "example.com https://user:pass-word@p:1",
        "example.com http://user:pass-word@p",
        f"{FAR} example.com",
        f"example.com {FAR} more",
        f"bad_host_.. {FAR}",
        f"http://example.com/ {FAR}",
        f"fe80::1%eth0 {FAR}",
    ],
)
def test_a_bad_line_is_told_by_its_number_and_never_shown(line, tmp_path):
    path = tmp_path / "proxies"
    path.write_text(f"# first\nok.example {NEAR}\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "none", {**COMPLETE, "SITE_PROXY_FILE": str(path)})
    said = str(caught.value)
    assert "SITE_PROXY_FILE" in said
    assert "line 3" in said
    assert "pass-word" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"a.example {NEAR}\nA.example direct\n".encode(), "line 2 names a host"),
        (b"\xff\xfe\x00", "no text"),
        (b"#" * (MAX_CHARS + 1), "longer than"),
        (None, "No such file"),
    ],
)
def test_a_bad_file_is_told_at_the_start(content, said, tmp_path):
    path = tmp_path / "proxies"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        load(tmp_path / "none", {**COMPLETE, "SITE_PROXY_FILE": str(path)})


def test_its_passwords_are_in_no_settings_that_are_shown_and_no_log(tmp_path, caplog):
    path = tmp_path / "proxies"
    path.write_text(TEXT)
    found = load(tmp_path / "none", {**COMPLETE, "SITE_PROXY_FILE": str(path)})
    assert found.net.site_proxies == SiteProxies.parse(TEXT)
    assert "pass-word" not in repr(found)
    assert "pass-word" not in repr(EgressSettings(site_proxies=found.net.site_proxies))
    assert {FAR, "pass-word"} <= set(secrets_of(found))
    logging.getLogger(__name__).warning("%s", found.net)
    assert "pass-word" not in caplog.text


@tries(200)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        found = SiteProxies.parse(text)
    except ValueError:
        return
    assert SiteProxies.parse(found.text) == found
