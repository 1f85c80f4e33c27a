"""The unmodified run.py as a person or a service starts it for the first time."""

import ast
import asyncio
import os
import pty
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import telegram_dc

ROOT = Path(__file__).resolve().parents[2]
ANN = 101
WAIT_S = 30.0


def _hear_ctrl_c():
    """As in a terminal: what was started in the background of a shell has SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Sitting:
    """run.py in a terminal, and a person who reads and types."""

    def __init__(self, env_file, **environ):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "run.py", "--env-file", str(env_file)],
            cwd=ROOT,
            env=plain_environment(**environ),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_hear_ctrl_c,
        )
        os.close(slave)
        self.transcript = ""
        self._read_to = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.master)

    def expect(self, text):
        """Read on until text stands there."""
        until = time.monotonic() + WAIT_S
        while (found := self.transcript.find(text, self._read_to)) < 0:
            ready, _, _ = select.select([self.master], [], [], until - time.monotonic())
            assert ready, f"no {text!r} in {self.transcript!r}"
            try:
                self.transcript += os.read(self.master, 65536).decode()
            except OSError:  # the other side is closed
                pytest.fail(f"ended without {text!r}: {self.transcript!r}")
        self._read_to = found + len(text)

    def answer(self, prompt, value):
        self.expect(prompt)
        os.write(self.master, f"{value}\n".encode())

    def press_ctrl_c(self):
        """Interrupt run.py once it waits for the answer; between prompt and wait it is lost."""
        stat_file = Path(f"/proc/{self.process.pid}/stat")
        while stat_file.read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.01)
        self.process.send_signal(signal.SIGINT)

    def ended(self):
        return self.process.wait(WAIT_S)


def plain_environment(**environ):
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environ}


def run(*arguments, python=(sys.executable,), **environ):
    return subprocess.run(
        [*python, "run.py", *arguments],
        cwd=ROOT,
        env=plain_environment(**environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


def test_without_a_terminal_every_problem_is_listed(env_file):
    ended = run("--env-file", str(env_file), MAX_LINKS="many", METRICS_PORT="9000", BOT_TOKN="x")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert str(env_file) in ended.stderr
    for name in ("API_ID", "API_HASH", "BOT_TOKEN", "MAX_LINKS", "METRICS_PORT"):
        assert f"  {name} " in ended.stderr
    assert "BOT_TOKN in the environment is no setting" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not env_file.exists()


def test_a_missing_package_is_a_sentence():
    ended = run(python=(sys.executable, "-S"))
    assert ended.returncode == 2
    assert "pip install -r" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_old_python_can_read_the_file_that_refuses_it():
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 8))


def test_options_of_the_demo_need_the_demo():
    assert run("--link", "https://example.com").returncode == 2
    assert run("--demo", "--quality", "best").returncode == 2


@pytest.mark.parametrize("leave", ["ctrl-c", "ctrl-d", "ctrl-c while hidden"])
def test_who_leaves_saves_nothing(env_file, leave):
    with Sitting(env_file) as person:
        if leave == "ctrl-c while hidden":
            person.answer("API_ID: ", "12345")
            person.expect("API_HASH: ")
        else:
            person.expect("API_ID: ")
        if leave == "ctrl-d":
            os.write(person.master, b"\x04")
        else:
            person.press_ctrl_c()
        person.expect("Nothing was saved.")
        assert person.ended() == 130
        assert "Traceback" not in person.transcript
    assert list(env_file.parent.iterdir()) == []


async def test_the_first_start_ends_with_a_bot_and_its_owner(env_file, tmp_path):
    async with telegram_dc.running(tmp_path / "dc") as dc:
        environ = {
            "TELEGRAM_SERVER": dc.address,
            "TELEGRAM_PUBLIC_KEY": str(dc.public_key),
            "DATA_DIR": str(tmp_path / "data"),
            "SESSIONS_DIR": str(tmp_path / "sessions"),
            "LOG_LEVEL": "ERROR",  # the owner's link is shown all the same
        }
        with Sitting(env_file, **environ) as person:
            await asyncio.to_thread(introduce, person, dc)
            assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
            code = await asyncio.to_thread(one_time_code, person)
            await dc.user(ANN)
            await dc.say(ANN, f"/start {code}")
            await asyncio.to_thread(wait_for_line, env_file, f"OWNER_IDS={ANN}")
            person.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(person.ended) == 0
        for secret in (dc.bot_token, dc.api_hash):
            assert secret not in person.transcript
            assert secret in env_file.read_text()


def introduce(person, dc):
    """Give a wrong API hash and a token that nobody has first."""
    person.answer("API_ID: ", dc.api_id)
    person.answer("API_HASH: ", "what is that")
    person.expect("expected: 32 characters")
    person.answer("API_HASH: ", dc.api_hash)
    person.answer("BOT_TOKEN: ", "987654321:nobody-has-this-token")
    person.expect("Telegram refuses BOT_TOKEN: ACCESS_TOKEN_INVALID")
    person.answer("BOT_TOKEN: ", dc.bot_token)
    person.expect(f"This is @{dc.bot_username}.")
    person.expect("Saved in ")


def one_time_code(person):
    person.expect("?start=")
    person.expect("\r\n")
    return person.transcript[: person._read_to].rpartition("?start=")[2].split()[0]


def wait_for_line(path, line):
    until = time.monotonic() + WAIT_S
    while line not in path.read_text().splitlines():
        assert time.monotonic() < until, path.read_text()
        time.sleep(0.05)  # a file tells nobody when it changes
