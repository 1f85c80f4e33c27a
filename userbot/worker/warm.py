"""What the fork server does once so that no call has to: half a second of imports, and more."""

import contextlib

import yt_dlp
import yt_dlp.downloader
import yt_dlp.extractor
import yt_dlp.networking
import yt_dlp.postprocessor
from yt_dlp.networking.exceptions import TransportError

import userbot.worker.calls  # noqa: F401  comes with every fork


def warm() -> None:
    """Load every extractor, and compile the patterns by which they know their links."""
    with yt_dlp.YoutubeDL({"quiet": True, "no_warnings": True, "proxy": ""}) as downloader:
        for extractor in list(downloader._ies.values()):
            extractor.suitable("http://nothing.invalid/")
        for key in list(downloader._ies):
            downloader.get_info_extractor(key)  # puts the real class in place of the lazy one
        _open_nothing(downloader)


def _open_nothing(downloader: yt_dlp.YoutubeDL) -> None:
    """Have the network handlers and their certificates loaded, at an address that nobody has."""
    with contextlib.suppress(TransportError):
        downloader.urlopen("http://127.0.0.1:0/")
