"""What a worker process can be asked: the only values that cross into it.

Specifications carry no secret but the proxy's word for this one call, which is worthless outside
it. They are plain dataclasses: the pool writes them as JSON, the worker reads them as these types.
"""

from dataclasses import dataclass
from pathlib import Path

from userbot.domain.choices import Choice

PRIVATE_REFUSED = "Leads to a private address"  # the reason in a 403 of the proxy


@dataclass(frozen=True, slots=True)
class ExtractCall:
    """Ask a site what it has; answers with `domain.media.Extraction`.

    `folder` exists and belongs to the call. `proxy` is `http://name:word@127.0.0.1:port`, the only
    place that the call may connect to; None for a direct connection.
    """

    url: str
    folder: Path
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadCall:
    """Fetch one choice and make it ready to send; answers with `domain.media.MediaFile`.

    Files in `folder` are written and left there. Raises TooLargeError past `limit_bytes`.
    """

    info_json: str
    choice: Choice
    folder: Path
    limit_bytes: int
    proxy: str | None = None


Call = ExtractCall | DownloadCall
