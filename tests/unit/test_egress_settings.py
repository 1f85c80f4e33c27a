"""What the owner sets, and what neither the proxy nor the workers may know of the environment."""

import site

import pytest

from config.errors import SettingsError
from config.settings import load
from userbot.egress.process import clean_environment as environment_of_proxy
from userbot.egress.words import Add, Added, Fault, Ready, Remove, Removed, Spent, Start
from userbot.egress.words import decode as decode_word
from userbot.egress.words import encode as encode_word
from userbot.pool.server import clean_environment as environment_of_workers

COMPLETE = {"API_ID": "12345", "API_HASH": "0" * 32, "BOT_TOKEN": "1:abcdefghij"}
DETOURS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")


def test_no_proxy_of_the_environment_reaches_workers_or_the_way_out(tmp_path):
    inherited = dict.fromkeys((*DETOURS, *map(str.upper, DETOURS), "BOT_TOKEN"), "*")
    for clean in (environment_of_proxy(inherited), environment_of_workers(inherited, tmp_path)):
        assert not clean.keys() & inherited.keys()


@pytest.mark.parametrize("is_there", [True, False])
def test_packages_of_one_user_are_found_with_another_home(tmp_path, monkeypatch, is_there):
    monkeypatch.setattr(site, "ENABLE_USER_SITE", is_there)
    monkeypatch.setattr(site, "USER_BASE", "/home/somebody/.local")
    workers = environment_of_workers({"PATH": "/bin"}, tmp_path)
    for clean in (environment_of_proxy({}), workers):
        assert clean.get("PYTHONUSERBASE") == ("/home/somebody/.local" if is_there else None)
    assert workers["PATH"].endswith("/.local/bin" if is_there else ":/bin")


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example:3128",
        "http://user:pa$$@10.0.0.1:8080/",
        "socks4://proxy.example:1080",
        "socks5://user:password@[2606::1]:1080",
        *("socks5h://proxy.example:1080", "socks4a://p:1", "httph://user:password@p:1"),
    ],
)
def test_the_proxy_to_sites_may_be_http_or_socks(tmp_path, url):
    site_proxy = load(tmp_path / "none", {**COMPLETE, "SITE_PROXY": url}).net.site_proxy
    assert site_proxy is not None
    assert site_proxy.get_secret_value() == url
    assert url not in repr(site_proxy)


@pytest.mark.parametrize(
    "url", ["proxy:3128", "https://user:password@p:1", "http://p", "socks5://:1"]
)
def test_any_other_proxy_is_refused_without_showing_it(tmp_path, url):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "none", {**COMPLETE, "SITE_PROXY": url})
    assert "SITE_PROXY" in str(caught.value)
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    "word",
    [
        Start(("127.0.0.1:80", "::1"), None),
        Start((), "socks5://user:password@host:1080"),
        Ready(4711),
        Fault("KeyError"),
        Add("name", "word", 2**40),
        Added("name"),
        Remove("name"),
        Removed("name", 1, 2, is_link_refused=False, is_spent=True),
        Spent("name"),
    ],
)
def test_a_word_is_heard_as_it_was_said(word):
    assert decode_word(encode_word(word)) == word


@pytest.mark.parametrize("packet", [b"", b"{}", b'["Open", {}]', b'["Added", {"port": 1}]'])
def test_what_is_no_word_is_an_error(packet):
    with pytest.raises((ValueError, TypeError)):
        decode_word(packet)
