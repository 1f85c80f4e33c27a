"""What the fork server does once so that no call has to: half a second of imports, and more."""

import yt_dlp
import yt_dlp.downloader
import yt_dlp.extractor
import yt_dlp.networking
import yt_dlp.postprocessor

import userbot.worker.calls  # noqa: F401  comes with every fork


def warm() -> None:
    """Load every extractor, and compile the patterns by which they know their links."""
    with yt_dlp.YoutubeDL({"quiet": True, "no_warnings": True}) as downloader:
        for extractor in list(downloader._ies.values()):
            extractor.suitable("http://nothing.invalid/")
        for key in list(downloader._ies):
            downloader.get_info_extractor(key)  # puts the real class in place of the lazy one
