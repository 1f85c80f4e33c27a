"""The pool's settings."""

from dataclasses import dataclass
from pathlib import Path

from userbot.domain.media import MAX_UPLOAD_BYTES


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many calls run at once, and what bounds each.

    `tools_dir` is made if need be and gets a link to ffmpeg. `stall_s` is how long a download may
    go without progress; `pulse` says what counts. `entry` and `warm` name the functions
    ("module:function") that the fork server runs per call and once before. No field is shown to
    workers but in a call. `proxy` is the way out where no gate gives calls one of their own.
    """

    tools_dir: Path
    extract_slots: int = 4
    download_slots: int = 4
    extract_deadline_s: float = 60.0
    download_deadline_s: float = 3600.0
    stall_s: float = 90.0
    limit_bytes: int = MAX_UPLOAD_BYTES
    proxy: str | None = None
    entry: str = "userbot.worker.calls:run"
    warm: str = "userbot.worker.warm:warm"
