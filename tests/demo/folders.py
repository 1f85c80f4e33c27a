"""Where the demo writes: a run's folder that goes, the delivered files and the media that stay."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.demo.screen import Line, Screen

RUN_PREFIX = "userbot-demo-run-"
FILES_PREFIX = "userbot-demo-files-"
MEDIA_NAME = "userbot-video-site"
LOCK_NAME = "lock"


@contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for this run alone; those of demos that were killed are removed now."""
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=RUN_PREFIX))
    with (folder / LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def delivered(screen: Screen) -> Iterator[Path]:
    """A folder for what the bot sends: made for the first file, named at the end, not removed."""
    folder = Path(tempfile.gettempdir()) / f"{FILES_PREFIX}{secrets.token_hex(4)}"
    try:
        yield folder
    finally:
        if folder.exists():
            screen.say(Line(f"The delivered files stay in {folder}"))


def media_cache(spare: Path) -> Path:
    """Return where the site's media is kept for the next start; `spare` where nothing can be."""
    mine = f"{MEDIA_NAME}-{os.getuid()}"
    for folder in (_user_cache() / MEDIA_NAME, Path(tempfile.gettempdir()) / mine):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return spare


def _user_cache() -> Path:
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else Path(os.path.expanduser("~/.cache"))  # noqa: PTH111 - Path.home() raises where there is none


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{RUN_PREFIX}*"):
        try:
            with (folder / LOCK_NAME).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, or somebody else's
