"""Makes the media once and keeps it: cache key, lock, temporary folder, rename.

A folder that has its final name is complete. Two processes that start together make it once:
the second waits for the first one's lock and finds the work done.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.video_site import recipes

RECIPE_TIMEOUT_S = 120
PARALLEL_RECIPES = 2


class RecipeError(Exception):
    """ffmpeg could not make a file; says which and why."""


def make_media(cache_dir: Path, steps: Sequence[recipes.Step] = recipes.STEPS) -> Path:
    """Return the folder with all media, made now unless it is there already.

    Takes about ten seconds the first time. Raises `RecipeError` when ffmpeg fails, or
    `RuntimeError` (from imageio_ffmpeg) when there is none.
    """
    ffmpeg = _ffmpeg()
    cache_dir.mkdir(parents=True, exist_ok=True)
    finished = cache_dir / f"media-{_key(ffmpeg)}"
    with _lock(cache_dir / "lock"):
        if not finished.is_dir():
            _sweep(cache_dir)
            _make(ffmpeg, cache_dir, finished, steps)
    return finished


def _ffmpeg() -> str:
    """Path of ffmpeg: the system's, else the one imageio_ffmpeg ships."""
    found = shutil.which("ffmpeg")
    if found is None:
        import imageio_ffmpeg  # only looked for where the system has none

        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found


def _key(ffmpeg: str) -> str:
    version = subprocess.run(
        [ffmpeg, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=20
    ).stdout.partition(b"\n")[0]
    recipe_text = Path(recipes.__file__).read_bytes()
    return hashlib.sha256(recipe_text + version).hexdigest()[:16]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released with the file
        yield


def _sweep(cache_dir: Path) -> None:
    """Remove what a killed process left half made; the caller holds the lock."""
    for leftover in cache_dir.glob("making-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _make(ffmpeg: str, cache_dir: Path, finished: Path, steps: Sequence[recipes.Step]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="making-", dir=cache_dir))
    try:
        with ThreadPoolExecutor(PARALLEL_RECIPES) as threads:
            for step in steps:
                if callable(step):
                    step(folder)
                else:
                    list(threads.map(lambda recipe: _run(ffmpeg, folder, recipe), step))
        folder.rename(finished)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(ffmpeg: str, folder: Path, recipe: recipes.Recipe) -> None:
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *recipe.arguments]
    done = subprocess.run(
        command,
        cwd=folder / recipe.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=RECIPE_TIMEOUT_S,
    )
    if done.returncode != 0:
        reason = done.stderr.decode(errors="replace")[-2000:]
        raise RecipeError(f"{' '.join(command)}\n{reason}")
