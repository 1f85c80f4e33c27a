"""Finds the programs that workers run, and puts them into a folder that is first on their PATH.

Only ffmpeg: deno is found by yt-dlp beside the interpreter, and results are probed with PyAV.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from userbot.errors import ToolError


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """The ffmpeg that workers run. `runs`: whether it does so behind the walls, where tried."""

    path: Path
    origin: str
    runs: bool = True

    def __str__(self) -> str:
        return f"{self.path} ({self.origin})"

    @property
    def complaint(self) -> str:
        """What is wrong with it, "" when nothing is."""
        return "" if self.runs else f"ffmpeg does not run behind the walls of workers: {self}"


Trial = Callable[[Ffmpeg], bool]


def _untried(_ffmpeg: Ffmpeg) -> bool:
    return True


def link_ffmpeg(tools_dir: Path, search_path: str, trial: Trial = _untried) -> Ffmpeg:
    """Make `ffmpeg` in tools_dir the system's, else imageio-ffmpeg's; return which. Safe to repeat.

    Raises ToolError when there is neither.
    """
    tools_dir.mkdir(parents=True, exist_ok=True)
    found = find_ffmpeg(tools_dir, search_path, trial)
    link = tools_dir / "ffmpeg"
    fresh = tools_dir / f".ffmpeg-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(found.path)
    fresh.replace(link)
    return found


def find_ffmpeg(tools_dir: Path, search_path: str, trial: Trial = _untried) -> Ffmpeg:
    """Return the ffmpeg to use; never our own link in tools_dir, which may be stale.

    The first that passes the trial, else the first there is. Raises ToolError when there is none.
    """
    found = list(_found(tools_dir, search_path))
    if not found:
        raise ToolError("no ffmpeg on PATH, and none from imageio-ffmpeg")
    return next(filter(trial, found), replace(found[0], runs=False))


def _found(tools_dir: Path, search_path: str) -> Iterator[Ffmpeg]:
    folders = [part for part in search_path.split(os.pathsep) if part and Path(part) != tools_dir]
    if system := shutil.which("ffmpeg", path=os.pathsep.join(folders)):
        yield Ffmpeg(Path(system).absolute(), "system")
    with suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # absent from the Docker image, which has the system's

        yield Ffmpeg(Path(imageio_ffmpeg.get_ffmpeg_exe()), "imageio-ffmpeg")


def candidates(tools_dir: Path, search_path: str) -> list[Path]:
    """Return every program that workers may come to run."""
    others = [shutil.which(name, path=search_path) for name in ("ffprobe", "deno")]
    found = [item.path for item in _found(tools_dir, search_path)]
    return [*found, *(Path(name) for name in others if name)]


def programs(ffmpeg: Ffmpeg, search_path: str) -> list[Path]:
    """Return where the programs of workers lie: each itself, and ffmpeg's own libraries."""
    found = [shutil.which(name, path=search_path) for name in ("ffprobe", "deno")]
    real = ffmpeg.path.resolve()
    libraries = real.parent.parent / "lib"
    has_own = ffmpeg.origin == "system" and any(libraries.glob("libav*"))
    own = [libraries] if has_own else []
    return [*own, real, *(Path(name).resolve() for name in found if name)]
