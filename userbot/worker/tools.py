"""Finds the programs that workers run, and puts them into a folder that is first on their PATH.

Only ffmpeg: deno is found by yt-dlp beside the interpreter, and results are probed with PyAV.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from userbot.errors import ToolError


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """The ffmpeg that workers run."""

    path: Path
    origin: str

    def __str__(self) -> str:
        return f"{self.path} ({self.origin})"


def link_ffmpeg(tools_dir: Path, search_path: str) -> Ffmpeg:
    """Make `ffmpeg` in tools_dir the system's, else imageio-ffmpeg's; return which. Safe to repeat.

    Raises ToolError when there is neither.
    """
    found = find_ffmpeg(tools_dir, search_path)
    tools_dir.mkdir(parents=True, exist_ok=True)
    link = tools_dir / "ffmpeg"
    fresh = tools_dir / f".ffmpeg-{os.getpid()}"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(found.path)
    fresh.replace(link)
    return found


def find_ffmpeg(tools_dir: Path, search_path: str) -> Ffmpeg:
    """Return the ffmpeg to use; never our own link in tools_dir, which may be stale."""
    folders = [part for part in search_path.split(os.pathsep) if part and Path(part) != tools_dir]
    system = shutil.which("ffmpeg", path=os.pathsep.join(folders))
    if system:
        return Ffmpeg(Path(system).absolute(), "system")
    try:
        import imageio_ffmpeg  # absent from the Docker image, which has the system's

        return Ffmpeg(Path(imageio_ffmpeg.get_ffmpeg_exe()), "imageio-ffmpeg")
    except (ImportError, RuntimeError) as error:
        raise ToolError("no ffmpeg on PATH, and none from imageio-ffmpeg") from error


def programs(ffmpeg: Ffmpeg, search_path: str) -> list[Path]:
    """Return where the programs of workers lie: each itself, and ffmpeg's folder and libraries."""
    found = [shutil.which(name, path=search_path) for name in ("ffprobe", "deno")]
    real = ffmpeg.path.resolve()
    folders = [ffmpeg.path.parent, real.parent.parent / "lib"] if ffmpeg.origin == "system" else []
    return [*folders, real, *(Path(name).resolve() for name in found if name)]
