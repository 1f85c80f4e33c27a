"""`run.py --demo` as somebody starts it who has no Telegram account."""

import hashlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.demo.folders import MEDIA_NAME
from tests.demo.numbers import Numbers
from tests.demo.qualities import is_quality, pick
from tests.telegram_dc import Button, Message

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 60
GONE_S = 10
TOKEN = "AAloopback-token"


@pytest.fixture
def home(tmp_path, request):
    """A temporary folder for one demo, which finds the media of the other tests in its cache."""
    cache, home = tmp_path / "cache", tmp_path / "home"
    cache.mkdir()
    home.mkdir()
    (cache / MEDIA_NAME).symlink_to(request.config.cache.mkdir("video_site"))
    return home


def environment(home):
    return os.environ | {
        "TMPDIR": str(home),
        "XDG_CACHE_HOME": str(home.parent / "cache"),
        "TERM": "xterm",
        "BOT_TOKEN": "not-a-token",  # of somebody's real bot, whose settings must not matter
        "MONGO_URL": "mongodb://nowhere",
    }


def command(*arguments):
    return [sys.executable, str(ROOT / "run.py"), "--demo", *arguments]


def demo(home, *arguments):
    return subprocess.run(
        command(*arguments),
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def processes_of(home):
    """Every process that works in or for a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("TMPDIR", "")]
        except psutil.Error:
            continue
        if any(str(home) in word for word in words):
            found.append(process)
    return found


def the_file_that_stayed(home):
    (folder,) = home.iterdir()
    assert folder.name.startswith("userbot-demo-files-")
    (file,) = folder.iterdir()
    return file


@pytest.mark.parametrize(("link", "quality"), [("progressive", "best"), ("hls", "worst")])
def test_a_link_is_delivered_intact_and_only_the_file_stays(link, quality, home):
    done = demo(home, "--link", link, "--quality", quality)
    assert done.returncode == 0, done.stdout
    file = the_file_that_stayed(home)
    assert str(file) in done.stdout
    assert hashlib.sha256(file.read_bytes()).hexdigest() in done.stdout
    assert "Delivered intact." in done.stdout
    assert ("the same bytes as the file on the site" in done.stdout) == (link == "progressive")
    assert TOKEN not in done.stdout
    assert "\x1b" not in done.stdout
    assert processes_of(home) == []


@pytest.mark.slow
def test_a_broken_link_ends_with_the_sentence_of_the_bot(home):
    done = demo(home, "--link", "not_found")
    assert done.returncode == 1
    assert "This video is gone" in done.stdout
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_a_quality_that_is_not_offered_is_told_with_those_that_are(home):
    done = demo(home, "--link", "page", "--quality", "1080p")
    assert done.returncode == 1
    assert re.search("1080p is not offered here. There is: 720p .*, 240p .*Audio", done.stdout)


def test_what_is_no_quality_is_wrong_usage(home):
    done = demo(home, "--link", "page", "--quality", "great")
    assert done.returncode == 2
    assert "720p" in done.stdout


def test_a_person_types_a_number_presses_a_button_gets_the_file_and_quits(home):
    master, slave = pty.openpty()
    person = subprocess.Popen(
        command(),
        cwd=home,
        env=environment(home),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        expect(master, "> ")
        os.write(master, b"1\n")
        number = expect(master, r"\[(\d)\] [^\[]*MB")[1]
        os.write(master, f"{number}\n".encode())
        expect(master, "sha256 +[0-9a-f]{64}")
        os.write(master, b"qui\x7f\x7f\x7fquit\n")
        expect(master, "The delivered files stay in")
        assert person.wait(WAIT_S) == 0
    finally:
        person.kill()
        person.wait()
        os.close(master)
    assert the_file_that_stayed(home).stat().st_size > 0
    assert processes_of(home) == []


def expect(terminal, pattern):
    """Read from a terminal until pattern has come."""
    seen, until = "", time.monotonic() + WAIT_S
    while not (found := re.search(pattern, seen)):
        ready, _, _ = select.select([terminal], [], [], until - time.monotonic())
        assert ready, f"no {pattern!r} in {seen!r}"
        seen += os.read(terminal, 65536).decode(errors="replace")
    return found


@pytest.mark.slow
def test_nothing_outlives_a_demo_that_is_killed(home):
    with subprocess.Popen(
        command(),
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("When a message has buttons" in line for line in process.stdout)
        others = psutil.Process(process.pid).children(recursive=True)
        assert len(others) >= 4  # Telegram, the site, the bot, its fork server
        process.kill()
    _, alive = psutil.wait_procs(others, GONE_S)
    assert alive == []


def menu(*texts, message_id=1):
    buttons = tuple((Button(text, text.encode()),) for text in texts)
    return Message(message_id, 1, 2, "", 0, out=True, buttons=buttons)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [("best", 1), ("worst", 0), ("audio", 2), ("360p", 0), ("720", 1), ("1080p", None)],
)
def test_a_quality_picks_its_button(quality, expected):
    buttons = [Button("360p · 2 MB"), Button("720p60 · 9 MB"), Button("🎵 Audio · 160 kB")]
    assert pick(quality, buttons) == (None if expected is None else buttons[expected])


def test_where_there_is_only_sound_the_best_is_sound():
    assert pick("best", [Button("🎵 Audio")]) == Button("🎵 Audio")
    assert not is_quality("bestest")


def test_numbers_stay_with_their_buttons_and_mean_them_a_moment_longer():
    now_s = 0.0
    numbers = Numbers(lambda: now_s)
    assert numbers.assign(menu("720p", "Cancel")) == {b"720p": 1, b"Cancel": 2}
    assert numbers.assign(menu("480p", "Cancel", message_id=2)) == {b"480p": 3, b"Cancel": 4}
    assert numbers.assign(menu("Cancel")) == {b"Cancel": 2}
    assert numbers.button(4) == (2, b"Cancel")
    numbers.assign(menu())
    assert numbers.button(2) is None
    assert numbers.means_a_button(8)
    numbers.assign(menu(message_id=2))
    assert numbers.means_a_button(4)
    assert not numbers.means_a_button(1)
    now_s = 5.0
    assert not numbers.means_a_button(4)
