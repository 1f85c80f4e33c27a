"""Starts the bot: `python run.py`, or `python run.py --demo` to see it without a Telegram account.

Parses on Python 3.8, so that an old one gets a sentence instead of a syntax error.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import functools
import importlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from config.sections import Settings, TelegramSection

ROOT = Path(__file__).resolve().parent
OWN_PACKAGES = ("config", "userbot", "tests")
EXIT_UNUSABLE = 2
EXIT_INTERRUPTED = 130  # as a shell reports Ctrl-C
PR_SET_DUMPABLE = 4  # linux/prctl.h
CHECKUP_TIMEOUT_S = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the check
        have = "{}.{}".format(*sys.version_info)
        return _refuse(f"Python 3.11 or newer is needed, this is {have}.")
    options = _options(arguments)
    try:
        _import_everything()
    except ImportError as error:
        if (error.name or "").partition(".")[0] in OWN_PACKAGES:
            raise
        return _refuse(
            f"A Python package is missing ({error}).\n"
            f"Run: {sys.executable} -m pip install -r {ROOT / 'requirements.txt'}"
        )
    try:
        if options.doctor:
            return _run_doctor(options.env_file)
        return _run_demo(options) if options.demo else _run_bot(options.env_file)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A Telegram bot that sends the video of a link.")
    parser.add_argument(
        "--env-file",
        type=Path,
        default=ROOT / ".env",
        metavar="PATH",
        help="where settings are kept (default: .env beside run.py)",
    )
    parser.add_argument(
        "--doctor", action="store_true", help="look at settings, programs and what protects workers"
    )
    parser.add_argument("--demo", action="store_true", help="try it without a Telegram account")
    parser.add_argument("--link", metavar="URL", help="with --demo: send this link and leave")
    parser.add_argument(
        "--quality", help="with --link: best, worst, audio, 720p ... (default: best)"
    )
    options = parser.parse_args(arguments)
    if options.link and not options.demo:
        parser.error("--link needs --demo")
    if options.quality and not options.link:
        parser.error("--quality needs --link")
    options.quality = options.quality or "best"
    options.env_file = options.env_file.absolute()
    return options


def _import_everything() -> None:
    """Find out that a package is missing before anybody is asked anything."""
    for name in ("config.wizard", "config.log", "userbot.app"):
        importlib.import_module(name)


def _run_bot(env_file: Path) -> int:
    from config import log, wizard
    from config.settings import take_environment, warn_of_misspelt
    from userbot.app import serve

    _hide_memory()
    settings = _settings(env_file)
    if not isinstance(settings, int):
        log.set_up(settings.log, log.secrets_of(settings))
        warn_of_misspelt(take_environment())
        return _run(serve(settings, functools.partial(wizard.save_owner, env_file)))
    return settings


def _hide_memory() -> None:
    """Keep other processes of this user out of this one's memory and environment."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _settings(env_file: Path) -> Settings | int:
    """Return the settings, or the exit code when there are none to be had."""
    from config.errors import SettingsError
    from config.settings import misspelt, take_environment
    from config.wizard import own_terminal, settings_for

    environ = take_environment()
    try:
        return settings_for(env_file, environ, _login, own_terminal())
    except SettingsError as error:
        hints = "".join(f"  {sentence}\n" for sentence in misspelt(environ))
        return _refuse(
            f"The bot cannot start. In the environment or in {env_file}:\n{error}\n{hints}"
            "Every setting is explained in .env.example."
        )
    except (KeyboardInterrupt, EOFError):
        _refuse("\nNothing was saved. Until next time.")
        return EXIT_INTERRUPTED


def _login(section: TelegramSection) -> str:
    from userbot.app import check_login

    return asyncio.run(check_login(section))


def _run(main_task: Coroutine[object, object, int]) -> int:
    """Run on uvloop where it exists."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main_task)
    return uvloop.run(main_task)


def _run_doctor(env_file: Path) -> int:
    """Say what a start would find, and ask nobody anything; 0 when the bot could run."""
    from config.errors import SettingsError
    from config.settings import load, misspelt, take_environment

    environ = take_environment()
    tools_dir, code = ROOT / "data" / "bin", 0
    try:
        tools_dir = load(env_file, environ).paths.data_dir / "bin"
        sys.stdout.write(f"ok   settings: environment and {env_file}\n")
    except SettingsError as error:
        sys.stdout.write(f"BAD  settings, in the environment or in {env_file}:\n{error}\n")
        code = EXIT_UNUSABLE
    sys.stdout.writelines(f"note {sentence}\n" for sentence in misspelt(environ))
    sys.stdout.flush()
    checkup = [sys.executable, "-m", "userbot.worker.checkup", str(tools_dir)]
    ended = subprocess.run(checkup, cwd=ROOT, timeout=CHECKUP_TIMEOUT_S)
    return code or ended.returncode


def _run_demo(options: argparse.Namespace) -> int:
    from tests.demo import main as demo

    return demo(options)


def _refuse(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return EXIT_UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
