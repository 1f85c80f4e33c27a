"""`python -m tests.integration.page_reader URL`: a worker reads one page, asking as Chrome would.

Prints what came of it, and how much memory this process had at most.
"""

import sys
import tempfile
from pathlib import Path

from yt_dlp.networking import Request
from yt_dlp.networking.impersonate import ImpersonateTarget
from yt_dlp.utils import ExtractorError

from userbot.worker.options import VendorLog, open_downloader


def main() -> None:
    extensions = {"impersonate": ImpersonateTarget("chrome")}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_downloader(Path(folder), None, VendorLog()) as downloader,
    ):
        response = downloader.urlopen(Request(sys.argv[1], extensions=extensions))
        try:
            said = f"{len(response.read())} bytes"
        except ExtractorError as error:
            said = type(error).__name__
    sys.stdout.write(f"{said} {_peak_kib() * 1024}\n")


def _peak_kib() -> int:
    """Return the most memory of this program; getrusage counts that of whoever started it, too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
