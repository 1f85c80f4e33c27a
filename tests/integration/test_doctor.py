"""`python run.py --doctor` as a person runs it."""

import pytest

from tests.integration.test_first_start import env_file as env_file
from tests.integration.test_first_start import run
from userbot.worker import landlock
from userbot.worker.sandbox import Sandbox

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
VALID = {"API_ID": "123", "API_HASH": "0123456789abcdef" * 2, "BOT_TOKEN": TOKEN}


def test_a_healthy_machine_is_said_to_be_one(env_file, tmp_path):
    ended = run("--doctor", "--env-file", str(env_file), DATA_DIR=str(tmp_path), **VALID)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ok   settings" in ended.stdout
    assert "ok   ffmpeg" in ended.stdout
    assert TOKEN not in ended.stdout + ended.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_what_the_kernel_enforces_is_tried(env_file):
    ended = run("--doctor", "--env-file", str(env_file), **VALID)
    assert "ok   tried: files of the bot are out of reach" in ended.stdout


def test_wrong_settings_are_listed_and_nobody_is_asked(env_file):
    ended = run("--doctor", "--env-file", str(env_file), MAX_LINKS="many", BOT_TOKN="x")
    assert ended.returncode == 2
    assert "BAD  settings" in ended.stdout
    assert "  BOT_TOKEN " in ended.stdout
    assert "note BOT_TOKN in the environment is no setting" in ended.stdout
    assert "ffmpeg" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_machine_without_ffmpeg_is_told(env_file, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "imageio_ffmpeg.py").write_text("raise ImportError('none')")
    ended = run("--doctor", "--env-file", str(env_file), PYTHONPATH=str(tmp_path), **VALID)
    assert ended.returncode == 2, ended.stdout
    assert "BAD  no ffmpeg" in ended.stdout


@pytest.mark.parametrize(
    ("abi", "gaps"), [(0, 3), (1, 2), (2, 2), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0)]
)
def test_an_old_kernel_is_told_what_it_lacks(abi, gaps):
    without_filter = gaps + (1 if abi >= 6 else 2)  # which forbids signals as scopes do
    assert len(Sandbox((), abi, has_filter=True).gaps()) == gaps
    assert len(Sandbox((), abi, has_filter=False).gaps()) == without_filter
