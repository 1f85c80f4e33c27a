"""Folders as a hostile worker leaves them."""

import os
import shutil

import pytest

from userbot import trees
from userbot.domain.jobs import JobId
from userbot.services.folders import Folders


def nest(root, levels):
    """Make folders in folders, deeper than any path is long."""
    root.mkdir()
    at = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a" * 50, dir_fd=at)
        inner = os.open("a" * 50, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.mkdir("shut", mode=0o300, dir_fd=at)
    os.close(os.open("shut/file", os.O_CREAT, dir_fd=at))
    os.close(at)


async def test_no_folder_keeps_the_bot_from_starting(tmp_path):
    root = tmp_path / "jobs"
    root.mkdir()
    nest(root / "deep", 2000)
    (root / "shut").mkdir()
    (root / "shut" / "inner").mkdir(mode=0o300)
    (root / "shut" / "inner" / "file").touch()
    (root / "shut").chmod(0)
    (root / "file").touch()
    (root / "link").symlink_to(tmp_path)
    (root / "kept").mkdir()
    await Folders(root).sweep([JobId("kept")])
    assert [path.name for path in root.iterdir()] == ["kept"]
    await Folders(root).remove(JobId("never there"))


async def test_jobs_have_folders_also_after_somebody_has_removed_all_of_them(tmp_path):
    root = tmp_path / "data" / "jobs"
    folders = Folders(root)
    await folders.sweep([])
    before = root.stat().st_mode
    shutil.rmtree(root.parent)
    path = await folders.make(JobId("new"))
    assert path.parent == root
    assert (root.stat().st_mode, path.stat().st_mode & 0o777) == (before, 0o700)
    (path / "file").touch()
    assert await folders.make(JobId("new")) == path
    assert (path / "file").exists()


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    trees.remove(tmp_path / "gone")
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "file"]


def test_a_folder_that_no_call_leaves_so_is_not_counted_but_refused(tmp_path):
    nest(tmp_path / "deep", trees.MAX_DEPTH + 5)
    with pytest.raises(trees.TangledError):
        list(trees.entries(tmp_path / "deep"))
    trees.remove(tmp_path / "deep")
    assert list(trees.entries(tmp_path / "deep")) == []
