"""A download from start to end: fetch, pack, look at the result, make its thumbnail, tidy up."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from userbot.domain.calls import DownloadCall
from userbot.domain.jobs import Stage
from userbot.domain.media import MIME_TYPES, MediaFile, MediaKind, Thumbnail
from userbot.errors import BrokenMediaError, TooLargeError
from userbot.worker import thumbnail
from userbot.worker.audio import pack_audio
from userbot.worker.cover import fetch_cover
from userbot.worker.failures import site_errors
from userbot.worker.fetch import Fetcher, read_record, selection_of
from userbot.worker.growth import DownloadGrowth
from userbot.worker.info import Info, performer_of, title_of
from userbot.worker.meter import Emit, Meter
from userbot.worker.mp4 import is_streamable
from userbot.worker.options import STREAM_PREFIX, VendorLog, open_downloader
from userbot.worker.pack import pack_video
from userbot.worker.probe import Probe, probe
from userbot.worker.timebox import within

COVER_S = 3.0


def download(call: DownloadCall, emit: Emit) -> MediaFile:
    """Return the finished file; beside it and its thumbnail nothing is left in the folder.

    Raises TooLargeError, SourceError, DiskFullError, ToolError.
    """
    log = VendorLog()
    meter = Meter(call.choice, call.limit_bytes, emit, time.monotonic)
    info = read_record(call.info_json)
    growth = DownloadGrowth(call, emit)
    hooks = [meter.on_download, growth.on_download]
    options = {"format": selection_of(call), "progress_hooks": hooks}
    with (
        site_errors(log, call.limit_bytes),
        open_downloader(call.folder, call.proxy, log, **options) as ydl,
    ):
        paths = Fetcher(ydl, call, log).fetch(info)
        result = _checked(_pack(call, info, paths, meter), call.limit_bytes)
        meter.begin(Stage.FINISH)
        _tidy(call.folder)
        cover_path = call.folder / thumbnail.NAME
        look_up = partial(fetch_cover, ydl, info, cover_path, max_side=thumbnail.MAX_SIDE)
        return _media_file(result, info, _thumbnail(result, call.folder, look_up))


def _pack(call: DownloadCall, info: Info, paths: list[Path], meter: Meter) -> Path:
    """Return the file to send. A video without any picture is sent as the sound that it is."""
    sources = [probe(path) for path in paths]
    if call.choice.kind is MediaKind.VIDEO and any(source.picture for source in sources):
        return pack_video(sources, call.folder, meter)
    sounding = next((source for source in sources if source.sound), sources[0])
    return pack_audio(
        sounding, call.folder, meter, title=title_of(info), performer=performer_of(info)
    )


def _checked(path: Path, limit_bytes: int) -> Probe:
    """Probe what was made: it must fit, and something in it must play."""
    size_bytes = path.stat().st_size
    if size_bytes > limit_bytes:
        raise TooLargeError(size_bytes, limit_bytes)
    result = probe(path)
    main = result.picture or result.sound
    if main is None or not main.is_decodable:
        raise BrokenMediaError("nothing in the file can be decoded")
    return result


def _thumbnail(result: Probe, folder: Path, look_up: Callable[[], Path | None]) -> Thumbnail | None:
    """Return a frame of the film; for sound, or where none decodes, the site's cover."""
    if result.picture is not None:
        frame = thumbnail.thumbnail_of_film(result.path, result.duration_s, folder)
        if frame is not None:
            return frame
    (cover,) = within(COVER_S, [look_up])
    return thumbnail.thumbnail_of_cover(cover) if cover is not None else None


def _media_file(result: Probe, info: Info, small: Thumbnail | None) -> MediaFile:
    picture = result.picture
    return MediaFile(
        kind=MediaKind.AUDIO if picture is None else MediaKind.VIDEO,
        path=result.path,
        size_bytes=result.path.stat().st_size,
        duration_s=result.duration_s,
        width=picture.width if picture else 0,
        height=picture.height if picture else 0,
        has_audio=result.sound is not None,
        mime_type=MIME_TYPES[result.path.suffix],
        is_streamable=is_streamable(result.path),
        title=title_of(info),
        performer=performer_of(info),
        thumbnail=small,
    )


def _tidy(folder: Path) -> None:
    """Remove what the download left: streams, parts, yt-dlp's notes."""
    for path in folder.glob(f"{STREAM_PREFIX}*"):
        path.unlink(missing_ok=True)
