"""Caches as others may have written them: what comes back is checked, and good no longer."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from userbot import codec
from userbot.domain.media import Extraction, Format, KnownFile, MediaKind
from userbot.domain.media_keys import page_key
from userbot.memory.cache import MemoryCache
from userbot.services.known_pages import KnownPages

LINK, OWN = "https://a.example/short", "https://a.example/long"
FORM = Format("1", "mp4", "https", "avc1", "mp4a", 1920, 1080, 25.0, 2000.5, 10, language_rank=-1)
KNOWN = KnownFile(MediaKind.VIDEO, "A title \U0001f600", ("BAACAg",), 5)


def page(cover=None, info_json='{"id": "1"}', url=OWN):
    return Extraction(
        "Site",
        "1",
        "A \ud83d title".encode("utf-8", "replace").decode(),
        url,
        (FORM,),
        info_json,
        "Ch",
        12.5,
        cover,
    )


@pytest.fixture
def cache():
    return MemoryCache(lambda: 0.0)


@pytest.fixture
def pages(cache):
    return KnownPages(cache, lambda: datetime.fromtimestamp(1_900_000_000, UTC))


async def test_a_page_comes_back_with_its_cover_under_both_its_links(pages, tmp_path):
    cover = tmp_path / "theirs.jpg"
    cover.write_bytes(b"\xff\xd8 a picture")
    await pages.learn(LINK, page(cover))
    (tmp_path / "ours").mkdir()
    for link in (LINK, OWN):
        found = await pages.find(link, tmp_path / "ours")
        assert found == page(tmp_path / "ours/cover.jpg")
        assert found.cover.read_bytes() == cover.read_bytes()


async def test_a_page_is_not_kept_under_a_link_of_another_host(pages, tmp_path):
    await pages.learn(LINK, page(url="https://www.youtube.com/watch?v=abcdefghijk"))
    assert await pages.find("https://youtu.be/abcdefghijk", tmp_path) is None
    assert await pages.find(LINK, tmp_path) is not None


async def test_a_short_link_and_all_that_it_leads_to_are_one_page(pages, tmp_path):
    links = ("https://short.example/x", "https://www.youtube.com/shorts/abcdefghijk")
    found = replace(page(url=links[1]), links=links)
    await pages.learn(links[0], found)
    for link in (*links, "http://youtu.be/abcdefghijk?si=1"):
        assert await pages.find(link, tmp_path) == found
    await pages.forget(links[0])
    assert await pages.find(links[1], tmp_path) is None


async def test_a_page_whose_addresses_have_ended_is_not_kept(pages, tmp_path):
    await pages.learn(LINK, page(info_json='{"url": "https://x/?expire=1900000001"}'))
    assert await pages.find(LINK, tmp_path) is None


async def test_a_forgotten_page_is_unknown_under_both_links(pages, tmp_path):
    await pages.learn(LINK, page())
    await pages.forget(LINK)
    assert await pages.find(LINK, tmp_path) is None
    assert await pages.find(OWN, tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "\n{}",
        "!!!\n" + codec.page_text(page(), b"").partition("\n")[2],
        codec.page_text(page(), b"").replace('"Site"', "7"),
        codec.page_text(page(), b"").replace('"cover":null', '"cover":"/etc/passwd"'),
        codec.page_text(page(), b"").replace("12.5", "1e300"),
        '\n{"type": "RemovedError", "args": ["x"]}',
        "\n\ud800",
        page_key(LINK),
    ],
)
async def test_what_is_no_page_is_as_good_as_nothing(pages, cache, tmp_path, text):
    await cache.put(page_key(LINK), text, 60)
    assert await pages.find(LINK, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_known_file_comes_back_as_it_was():
    assert codec.file_of(codec.file_text(KNOWN)) == KNOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        codec.file_text(KNOWN).replace('["BAACAg"]', "[]"),
        codec.file_text(KNOWN).replace("BAACAg", "x" * 501),
        codec.file_text(KNOWN).replace(":5}", ":-5}"),
        codec.file_text(KNOWN).replace(":5}", ':5,"more":1}'),
        codec.file_text(KNOWN).replace("video", "exe"),
        "\ud800",
    ],
)
def test_what_is_no_known_file_is_as_good_as_nothing(text):
    assert codec.file_of(text) is None


def test_no_path_of_this_machine_is_kept():
    assert "/x/y" not in codec.page_text(page(Path("/x/y.jpg")), b"")
