"""What the services around a job all work with, bundled.

Those that take a job through its steps (`delivery`, `inspection`, `fetching`, `sending` ...) need
the same few collaborators; each takes one Kit instead of seven arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from userbot.ports import Chat, JobStore
from userbot.services.folders import Folders
from userbot.services.known_files import KnownFiles
from userbot.services.line import Line
from userbot.services.shared import Shared


@dataclass(frozen=True, slots=True)
class Kit:
    """The shared collaborators. `now` is aware UTC."""

    store: JobStore  # the durable queue
    chat: Chat  # status messages and deliveries
    folders: Folders  # where a job's files lie
    line: Line  # who waits, and at which place
    shared: Shared  # who does the same work for whom
    files: KnownFiles  # what Telegram has already
    now: Callable[[], datetime]
