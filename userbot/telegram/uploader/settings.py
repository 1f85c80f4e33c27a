"""What the uploader is allowed, and the numbers that Telegram prescribes."""

from dataclasses import dataclass

# https://core.telegram.org/api/files#uploading-files
PART_BYTES = 512 * 1024
MAX_PARTS = 4000  # upload_max_fileparts_default: 2000 MiB
SMALL_FILE_BYTES = 10 * 1024 * 1024  # from here on saveBigFilePart, without MD5


@dataclass(frozen=True, slots=True)
class UploaderSettings:
    """Ceilings and starting points; between them the uploader finds its own way.

    `start_connections` are opened for the first large file, if it is large enough;
    `max_window` bounds the parts in flight on one connection; connections that carry nothing
    are closed after `keep_warm_s`; when no part gets through within `slow_after_s` although bytes
    do, half of the connections are given up: on a slow line they are in each other's way.
    """

    max_connections: int = 16
    start_connections: int = 8
    max_window: int = 16
    threads: int = 2
    keep_warm_s: float = 600.0
    slow_after_s: float = 8.0
