"""How yt-dlp is curbed where it has no option: its parsers, and ffmpeg as its downloader."""

import re
import sys
from xml.etree import ElementTree

import pytest
from yt_dlp.downloader.external import FFmpegFD
from yt_dlp.downloader.hls import HlsFD

from userbot.errors import TooHeavyError
from userbot.worker.manifests import MAX_SEGMENTS
from userbot.worker.options import VendorLog, open_downloader

PLAYLIST = "a\n" * (MAX_SEGMENTS + 1)
HEADERS = {
    "User-Agent": "A browser",
    "Referer": "https://site.example/",
    "Authorization": "Bearer top-secret",
    "X-Api-Key": "top-secret",
    "Cookie": "session=top-secret",
}
ARGUMENTS = f"""#!{sys.executable}
import os, sys
from pathlib import Path
Path("told").write_text("\\0".join([*sys.argv, os.environ.get("http_proxy", "")]))
Path(sys.argv[-1].removeprefix("file:")).write_bytes(b"x")
"""


@pytest.fixture
def downloader(tmp_path):
    with open_downloader(tmp_path, "http://job:word@127.0.0.1:9", VendorLog()) as found:
        yield found


def test_its_parsers_are_asked_before_they_unfold_anything(downloader):
    generic = downloader.get_info_extractor("Generic")
    with pytest.raises(TooHeavyError):
        generic._parse_m3u8_formats_and_subtitles(PLAYLIST, "http://x/")
    with pytest.raises(TooHeavyError):
        HlsFD.can_download(PLAYLIST, {})
    bomb = (
        '<MPD><Period><AdaptationSet><Representation mimeType="video/mp4"><SegmentTemplate '
        'media="$Time$"><SegmentTimeline><S d="1" r="2000000000"/></SegmentTimeline>'
        "</SegmentTemplate></Representation></AdaptationSet></Period></MPD>"
    )
    with pytest.raises(TooHeavyError):
        generic._parse_mpd_formats(ElementTree.fromstring(bomb))
    bomb = '<S><StreamIndex><c d="1" r="2000000000"/><QualityLevel/></StreamIndex></S>'
    with pytest.raises(TooHeavyError):
        generic._parse_ism_formats_and_subtitles(ElementTree.fromstring(bomb), "http://x/")


def test_no_cookie_and_no_key_is_on_the_command_line_of_ffmpeg(downloader, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(ARGUMENTS)
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.chdir(tmp_path)
    url = "https://site.example/film.m3u8"
    generic = downloader.get_info_extractor("Generic")
    generic._set_cookie("site.example", "session", "top-secret")
    assert downloader.cookiejar.get_cookies_for_url(url)
    info = {"url": url, "http_headers": HEADERS, "protocol": "m3u8", "ext": "mp4", "id": "1"}
    assert FFmpegFD(downloader, downloader.params).real_download(str(tmp_path / "film"), info)
    *told, proxy = (tmp_path / "told").read_bytes().decode().split("\0")
    assert "top-secret" not in " ".join(told)
    assert told[told.index("-headers") + 1] == (
        "User-Agent: A browser\r\nReferer: https://site.example/\r\n"
    )
    allowed = told[told.index("-protocol_whitelist") + 1]
    assert told.index("-protocol_whitelist") < told.index("-i")
    assert not re.search(r"\bfile\b|concat|subfile|data|pipe", allowed)
    assert proxy == "http://job:word@127.0.0.1:9"
