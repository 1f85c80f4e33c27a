"""Downloads the chosen streams with yt-dlp, one file each, under names of our own."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL

from userbot.domain.calls import PRIVATE_REFUSED, DownloadCall
from userbot.domain.choices import PROTOCOLS
from userbot.errors import (
    ForbiddenError,
    LoginNeededError,
    NoVideoError,
    RemovedError,
    SiteDownError,
    UnsupportedError,
)
from userbot.worker.extract import find_video
from userbot.worker.failures import site_errors
from userbot.worker.info import (
    Info,
    formats_of,
    lacks_cookies,
    lacks_fragments,
    page_url_of,
    plain,
)
from userbot.worker.options import STREAM_FIELD, VendorLog

OnDownload = Callable[[dict[str, Any]], None]

EXPIRED = (ForbiddenError, RemovedError, LoginNeededError)  # what sites say to an old address
_GONE = "Requested format is not available"  # what yt-dlp says when our choice is not there


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Downloads for one call. `ydl` has the options of `selection_of(call)`."""

    ydl: YoutubeDL
    call: DownloadCall
    log: VendorLog

    def fetch(self, info: Info) -> list[Path]:
        """Return the files of the chosen formats, in their order.

        Addresses that have expired are asked for again, once; those that need cookies at once.
        Raises TooLargeError, SourceError, DiskFullError.
        """
        if self._is_lean(info):
            return self._take(self._again(info))
        try:
            return self._take(info)
        except EXPIRED as error:
            if page_url_of(info) is None or PRIVATE_REFUSED in error.detail:
                raise
        return self._take(self._again(info))

    def _take(self, info: Info) -> list[Path]:
        with site_errors(self.log, self.call.limit_bytes):
            done = self.ydl.process_ie_result(info, download=True)
        names = [item.get("filepath") for item in done.get("requested_downloads") or ()]
        paths = [Path(name) for name in names if name and Path(name).is_file()]
        if len(paths) != len(self.call.choice.format_ids):
            raise SiteDownError("nothing was downloaded")
        return paths

    def _again(self, info: Info) -> Info:
        """Read the page once more; a partial download goes on with the new addresses."""
        url = page_url_of(info)
        if url is None:
            raise UnsupportedError("no page to read again")
        try:
            with site_errors(self.log):
                return plain(find_video(self.ydl, url))
        except NoVideoError as error:
            if _GONE in error.detail:  # there is a video, and it was offered a minute ago
                raise SiteDownError(error.detail) from error
            raise

    def _is_lean(self, info: Info) -> bool:
        ids = self.call.choice.format_ids
        chosen = [item for item in formats_of(info) if item.get("format_id") in ids]
        if any(map(lacks_fragments, chosen)):
            return True
        return page_url_of(info) is not None and any(map(lacks_cookies, chosen))


def read_record(info_json: str) -> Info:
    """Return the record that an extraction left."""
    record: Info = json.loads(info_json)
    return record


def selection_of(call: DownloadCall) -> Callable[[dict[str, Any]], Iterable[Info]]:
    """Return yt-dlp's `format` option: exactly the chosen formats, each as a file of its own.

    A function, because the ids are the site's and would be an expression as a text. No extension of
    the site's gets into a name either; `pack` looks at the content.
    """

    def select(context: dict[str, Any]) -> Iterable[Info]:
        offered = {item["format_id"]: item for item in context["formats"]}
        chosen = [offered.get(format_id) for format_id in call.choice.format_ids]
        if all(item and item.get("protocol") in PROTOCOLS for item in chosen):
            for number, item in enumerate(chosen, 1):
                yield {**(item or {}), STREAM_FIELD: number, "ext": "mp4"}

    return select
