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
    with mounted_if_allowed(where, size_bytes) as is_mounted:
        if not is_mounted:
            pytest.skip("no right to mount; tests beside this one need none")
        yield where


@contextmanager
def mounted_if_allowed(where: Path, size_bytes: int) -> Iterator[bool]:
    """As `mounted`, but False where that is not allowed: a folder like any other."""
    where.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(where)]
    is_mounted = (
        bool(shutil.which("mount")) and not subprocess.run(mount, capture_output=True).returncode
    )
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(where)], check=True)
