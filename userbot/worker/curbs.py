"""What yt-dlp has no option for: how much a playlist may unfold to, and what ffmpeg is told.

Its parsers are asked here, before they make a list of what a few lines stand for; they know the
text as it was decoded, whatever its encoding was. `put_on` replaces five of their methods.
"""

import subprocess
from os import environ
from typing import Any
from xml.etree.ElementTree import Element

from yt_dlp.downloader.external import FFmpegFD
from yt_dlp.downloader.hls import HlsFD
from yt_dlp.extractor.common import InfoExtractor

from userbot.worker.manifests import check_dash, check_ism, check_playlist

# What ffmpeg may say of us: its command line is for everybody's eyes, and cookies and keys are not.
_OPEN_HEADERS = frozenset({"accept", "accept-language", "origin", "referer", "user-agent"})
_NETWORK = "http,https,httpproxy,tcp,tls,crypto"  # never file: a playlist may name any

_can_download = HlsFD.can_download.__func__
_parse_hls = InfoExtractor._parse_m3u8_formats_and_subtitles
_parse_dash = InfoExtractor._parse_mpd_periods
_parse_ism = InfoExtractor._parse_ism_formats_and_subtitles


def put_on() -> None:
    """Curb yt-dlp in this process. Safe to repeat."""
    HlsFD.can_download = classmethod(_can_download_bounded)
    InfoExtractor._parse_m3u8_formats_and_subtitles = _parse_hls_bounded
    InfoExtractor._parse_mpd_periods = _parse_dash_bounded
    InfoExtractor._parse_ism_formats_and_subtitles = _parse_ism_bounded
    FFmpegFD._call_downloader = _run_ffmpeg


def ffmpeg_command(url: str, headers: dict[str, str], output: str) -> list[str]:
    """Return how ffmpeg is told to fetch a stream; without what opens doors."""
    told = {name: value for name, value in headers.items() if name.lower() in _OPEN_HEADERS}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *("-protocol_whitelist", _NETWORK),
        *(("-headers", lines) if lines else ()),
        *("-i", url, "-c", "copy", "-f", "mp4", f"file:{output}"),
    ]


def _can_download_bounded(cls: Any, manifest: str, *args: Any, **options: Any) -> Any:
    check_playlist(manifest)
    return _can_download(cls, manifest, *args, **options)


def _parse_hls_bounded(self: Any, m3u8_doc: str, *args: Any, **options: Any) -> Any:
    check_playlist(m3u8_doc)
    return _parse_hls(self, m3u8_doc, *args, **options)


def _parse_dash_bounded(self: Any, mpd_doc: Element, *args: Any, **options: Any) -> Any:
    check_dash(mpd_doc)
    return _parse_dash(self, mpd_doc, *args, **options)


def _parse_ism_bounded(self: Any, ism_doc: Element, *args: Any, **options: Any) -> Any:
    check_ism(ism_doc)
    return _parse_ism(self, ism_doc, *args, **options)


def _run_ffmpeg(self: Any, tmpfilename: str, info: dict[str, Any]) -> int:
    """Fetch what yt-dlp cannot by itself, such as SAMPLE-AES; return ffmpeg's exit code."""
    proxy = self.params.get("proxy")
    command = ffmpeg_command(info["url"], info.get("http_headers") or {}, tmpfilename)
    env = {**environ, **({"http_proxy": proxy} if proxy else {})}
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, check=False).returncode
