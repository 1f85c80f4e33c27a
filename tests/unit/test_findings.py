"""What a worker hands over is a file of its own folder, or the call has failed."""

import os
from pathlib import Path

import pytest

from tests.integration.pool_calls import extraction, media_file, video
from userbot.errors import TooLargeError, WorkerDiedError
from userbot.pool.findings import check_answer

LIMIT = 10_000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "job"
    made.mkdir()
    return made


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "session"
    path.write_text("secret")
    return path


def test_a_file_of_the_folder_is_taken(folder):
    check_answer(video(folder), folder, LIMIT)
    check_answer(extraction(), folder, LIMIT)


def refuse(answer, folder):
    with pytest.raises(WorkerDiedError):
        check_answer(answer, folder, LIMIT)


def test_a_second_name_of_another_file_is_refused(folder, outside):
    (folder / "video.mp4").hardlink_to(outside)
    refuse(media_file(folder / "video.mp4"), folder)


def test_a_link_to_another_file_is_refused(folder, outside):
    (folder / "cover.jpg").symlink_to(outside)
    refuse(extraction(cover=folder / "cover.jpg"), folder)


def test_what_is_no_file_is_refused(folder):
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    for name in ("pipe", "folder", "nothing"):
        refuse(extraction(cover=folder / name), folder)


@pytest.mark.parametrize("path", ["video.mp4", "/", "/proc/self/environ", "\0", "x" * 5000])
def test_a_path_of_another_place_is_refused(folder, path):
    refuse(extraction(cover=Path(path)), folder)


def test_more_than_agreed_is_refused(folder):
    (folder / "video.mp4").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(TooLargeError):
        check_answer(media_file(folder / "video.mp4"), folder, LIMIT)
