"""The entry of a worker: runs one call and returns its answer.

What nobody expected flies on; the process border makes it a WorkerBugError.
"""

from collections.abc import Callable

from userbot.domain.calls import Call, ExtractCall
from userbot.domain.jobs import Event
from userbot.domain.media import Extraction, MediaFile
from userbot.worker.download import download
from userbot.worker.extract import extract


def run(call: Call, emit: Callable[[Event], None]) -> Extraction | MediaFile:
    """Do what call asks for; emit may be called from other threads, one at a time.

    Raises RequestError, SourceError, InfrastructureError for what sites, files and disks may do.
    """
    if isinstance(call, ExtractCall):
        return extract(call)
    return download(call, emit)
