"""A disk that is soon full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(where: Path, size_bytes: int) -> Iterator[Path]:
    """Give a new folder a file system of its own. Skips where mounting is not allowed: not root."""
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(where)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no right to mount; tests beside this one need none")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)
