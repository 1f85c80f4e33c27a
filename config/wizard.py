"""The first start: asks for what only a person knows, checks it, and keeps it in .env.

Also keeps the owner there, who is found later by the one-time link.
"""

import getpass
import logging
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from config import env_file as env_files
from config.errors import Problem, SettingsError
from config.sections import Settings, TelegramSection
from config.settings import CREDENTIALS, load, problem_with
from userbot.errors import DeliveryError, LoginRefusedError

Login = Callable[[TelegramSection], str]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a person reads and types. `ask_hidden` does not show what is typed."""

    say: Callable[[str], None]
    ask: Callable[[str], str]
    ask_hidden: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask for, and where to get it."""

    name: str
    where: str
    is_hidden: bool = False


QUESTIONS = (
    Question("API_ID", "API id: https://my.telegram.org -> API development tools -> App api_id"),
    Question("API_HASH", "API hash: the same page, App api_hash (it stays hidden)", is_hidden=True),
    Question("BOT_TOKEN", "Bot token: @BotFather -> /newbot (it stays hidden)", is_hidden=True),
)


def own_terminal() -> Terminal | None:
    """Return the terminal of this process; None when nobody sits at one."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    return Terminal(_say, input, getpass.getpass)


def settings_for(
    env_file: Path, environ: Mapping[str, str], login: Login, terminal: Terminal | None
) -> Settings:
    """Return the settings, after asking for credentials if only they are missing.

    `login` returns the bot's user name, or raises LoginRefusedError or DeliveryError. Raises
    SettingsError when asking does not help or nobody is there, KeyboardInterrupt or EOFError when
    the person leaves; nothing was saved then.
    """
    try:
        return load(env_file, environ)
    except SettingsError as error:
        if terminal is None or not all(_is_answerable(problem) for problem in error.problems):
            raise
        missing = [problem.name for problem in error.problems]
    _check_writable(env_file)
    terminal.say("First start: the bot needs to know who it is. Ctrl-C leaves, nothing is saved.")
    answers = _ask_until_accepted(env_file, environ, missing, login, terminal)
    try:
        env_files.update(env_file, answers)
    except OSError as error:
        raise _not_writable(env_file, error.strerror, missing) from error
    terminal.say(f"Saved in {env_file}, readable by you alone.")
    return load(env_file, environ)


def save_owner(env_file: Path, user_id: int) -> None:
    """Add user_id to OWNER_IDS in env_file. When that cannot be, the log tells what to do."""
    try:
        known = env_files.read(env_file).values.get("OWNER_IDS", "")
        ids = dict.fromkeys([*known.replace(",", " ").split(), str(user_id)])
        env_files.update(env_file, {"OWNER_IDS": ",".join(ids)})
    except (OSError, UnicodeDecodeError) as error:
        log.error(  # noqa: TRY400 - the reason is all there is to know
            "the owner is not saved: cannot write %s (%s); set OWNER_IDS=%d yourself",
            env_file,
            error,
            user_id,
        )


def _is_answerable(problem: Problem) -> bool:
    return problem.is_missing and problem.name in CREDENTIALS


def _ask_until_accepted(
    env_file: Path,
    environ: Mapping[str, str],
    missing: Collection[str],
    login: Login,
    terminal: Terminal,
) -> dict[str, str]:
    answers: dict[str, str] = {}
    wanted = set(missing)
    while True:
        for question in QUESTIONS:
            if question.name in wanted:
                answers[question.name] = _answer(question, terminal)
        section = load(env_file, {**environ, **answers}).telegram
        terminal.say("Checking with Telegram ...")
        try:
            terminal.say(f"This is @{login(section)}.")
        except LoginRefusedError as error:
            wanted = _blamed(error, missing)
            terminal.say(f"Telegram refuses {' and '.join(sorted(wanted))}: {error.code}")
        except DeliveryError as error:
            wanted = set()
            terminal.say(f"Telegram does not answer: {error.code}")
            terminal.ask("Enter tries again, Ctrl-C leaves. ")
        else:
            return answers


def _answer(question: Question, terminal: Terminal) -> str:
    terminal.say(question.where)
    ask = terminal.ask_hidden if question.is_hidden else terminal.ask
    while True:
        value = ask(f"{question.name}: ").strip()
        problem = problem_with(question.name, value) if value else None
        if value and problem is None:
            return value
        if problem is not None:
            terminal.say(f"That {problem.wrong}; expected: {problem.expected}")


def _blamed(error: LoginRefusedError, missing: Collection[str]) -> set[str]:
    """Return which answers to ask for again. Raises SettingsError when none of them is at fault."""
    names = set(CREDENTIALS)
    if error.code.startswith("API_"):
        names.remove("BOT_TOKEN")
    elif "TOKEN" in error.code:
        names = {"BOT_TOKEN"}
    wanted = names & set(missing)
    if not wanted:
        raise SettingsError(
            [
                Problem(name, f"is refused by Telegram ({error.code})", "what Telegram gave you")
                for name in sorted(names)
            ]
        ) from error
    return wanted


def _check_writable(env_file: Path) -> None:
    """Find out before anybody types."""
    folder = env_file.resolve().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(env_file, f"no permission to write in {folder}", CREDENTIALS)


def _not_writable(env_file: Path, reason: str | None, names: Collection[str]) -> SettingsError:
    expected = f"a file we may write, or {', '.join(names)} in the environment"
    return SettingsError([Problem(str(env_file), f"cannot be written ({reason})", expected)])


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
