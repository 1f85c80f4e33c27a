"""Tells the bot of a download that it can upload while it still arrives.

That is a single file that is ready for Telegram as the site has it: its index stands in front and
says that nothing has to be repacked.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from userbot.domain.calls import DownloadCall
from userbot.domain.jobs import Event
from userbot.domain.media import Growth, MediaKind
from userbot.worker.mp4 import index_end, is_streamable, major_brand
from userbot.worker.mp4_tracks import Track, tracks_of
from userbot.worker.pack import MIN_GROWING_BYTES, QUICKTIME

FIRST_LOOK_BYTES = 256 * 1024
LAST_LOOK_BYTES = 32 * 1024 * 1024  # an index that has not ended by then is not in front
PERIOD_S = 0.1

_COMMON_PROFILES = frozenset({66, 77, 88, 100})  # H.264 with 8 bits and 4:2:0
_COPIED_FILMS = frozenset({"hvc1", "av01", "vp09"})
_COPIED_SOUNDS = frozenset({0x40, 0x67, 0x69, 0x6B})  # AAC, AAC, MP3, MP3; https://mp4ra.org


class DownloadGrowth:
    """Watches a download of one file; silent unless it will be delivered untouched."""

    def __init__(self, call: DownloadCall, emit: Callable[[Event], None]) -> None:
        choice = call.choice
        self._emit = emit
        self._is_wanted = choice.kind is MediaKind.VIDEO and len(choice.format_ids) == 1
        self._is_ready = False
        self._look_at_bytes = FIRST_LOOK_BYTES
        self._told_at = 0.0
        self._told_bytes = 0

    def on_download(self, event: dict[str, Any]) -> None:
        """Take one event of yt-dlp's progress hooks."""
        total = event.get("total_bytes") or 0
        name = event.get("tmpfilename")
        if not self._is_wanted or event.get("status") != "downloading" or not name:
            return
        if total < MIN_GROWING_BYTES or event.get("fragment_count"):
            self._is_wanted = False
            return
        path = Path(name)
        if self._is_ready or self._looks_ready(path):
            self._tell(path, total)

    def _looks_ready(self, path: Path) -> bool:
        written = path.stat().st_size
        if written < self._look_at_bytes:
            return False
        if (end := index_end(path)) is not None and end <= written:
            self._is_ready = self._is_wanted = will_stay(path, end)
        elif written > LAST_LOOK_BYTES:
            self._is_wanted = False
        self._look_at_bytes = written * 2
        return self._is_ready

    def _tell(self, path: Path, total: int) -> None:
        written = path.stat().st_size  # what yt-dlp counts may still be in its buffer
        if written < self._told_bytes:  # the server made us start again
            self._is_wanted = False
            return
        now = time.monotonic()
        if now - self._told_at >= PERIOD_S:
            self._told_at, self._told_bytes = now, written
            self._emit(Growth(path, min(written, total), total))


def will_stay(path: Path, end: int) -> bool:
    """Return whether `pack` will surely leave the file as it is; in doubt it is only told later."""
    if not is_streamable(path) or major_brand(path) == QUICKTIME:
        return False
    tracks = tracks_of(path, end)
    is_one_film = sum(track.is_film for track in tracks) == 1
    return is_one_film and all(map(_plays_everywhere, tracks))


def _plays_everywhere(track: Track) -> bool:
    if track.codec == "avc1":
        return track.profile in _COMMON_PROFILES
    if track.is_film:
        return track.codec in _COPIED_FILMS
    return track.codec == "mp4a" and track.profile in _COPIED_SOUNDS
