"""What every service works with, bundled: they all need the same few things."""

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
    """The stored jobs, the chats, the folders, who waits, what is known already, and the time."""

    store: JobStore
    chat: Chat
    folders: Folders
    line: Line
    shared: Shared
    files: KnownFiles
    now: Callable[[], datetime]
