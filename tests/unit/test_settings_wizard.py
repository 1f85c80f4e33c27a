import stat

import pytest

from config import env_file as env_files
from config.errors import SettingsError
from config.wizard import Terminal, save_owner, settings_for
from userbot.errors import DeliveryError, LoginRefusedError

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz-_12345"
HASH = "0123456789abcdef0123456789abcdef"


class Person:
    """Somebody at a terminal who types what was given, then leaves."""

    def __init__(self, *typed):
        self.typed = list(typed)
        self.seen = []
        self.shown = []

    @property
    def terminal(self):
        return Terminal(self.seen.append, self._ask, self._ask_hidden)

    def _ask(self, prompt):
        value = self._ask_hidden(prompt)
        self.shown.append(value)
        return value

    def _ask_hidden(self, prompt):
        self.seen.append(prompt)
        if not self.typed:
            raise KeyboardInterrupt
        return self.typed.pop(0)


class Telegram:
    """Answers logins from a list; an exception in it is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def login(self, section):
        self.asked.append((section.api_id, section.bot_token.get_secret_value()))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_answers_are_checked_and_saved_for_the_owner_alone(env_file):
    person, telegram = Person("12345", HASH, TOKEN), Telegram("a_bot")
    settings = settings_for(env_file, {}, telegram.login, person.terminal)
    assert settings.telegram.bot_id == 123456789
    assert telegram.asked == [(12345, TOKEN)]
    assert env_file.read_text() == f"API_ID=12345\nAPI_HASH={HASH}\nBOT_TOKEN={TOKEN}\n"
    assert mode(env_file) == 0o600
    assert person.shown == ["12345"]
    assert any("my.telegram.org" in line for line in person.seen)
    assert any("@BotFather" in line for line in person.seen)
    assert "This is @a_bot." in person.seen


def test_only_what_is_missing_is_asked_and_the_rest_of_the_file_stays(env_file):
    before = "# my bot\n\nMAX_LINKS=3 # few\nBOT_TOKEN=\nexport OWNER_IDS='1'"
    env_file.write_text(before)
    env_file.chmod(0o644)
    person = Person(TOKEN)
    settings_for(
        env_file, {"API_ID": "7", "API_HASH": HASH}, Telegram("a_bot").login, person.terminal
    )
    assert env_file.read_text() == before.replace("BOT_TOKEN=", f"BOT_TOKEN={TOKEN}") + "\n"
    assert mode(env_file) == 0o600
    assert not any("API_ID" in line for line in person.seen)


def test_a_value_of_the_wrong_shape_is_asked_for_again(env_file):
    person = Person("abc", "", "12345", "short", HASH, "token", TOKEN)
    settings_for(env_file, {}, Telegram("a_bot").login, person.terminal)
    assert "That is 'abc'; expected: the number from https://my.telegram.org" in person.seen
    assert not any("short" in line or line.endswith("'token'") for line in person.seen)


@pytest.mark.parametrize(
    ("code", "again"),
    [
        ("ACCESS_TOKEN_INVALID", [TOKEN]),
        ("API_ID_INVALID", ["12345", HASH]),
        ("SOMETHING_NEW", ["12345", HASH, TOKEN]),
    ],
)
def test_what_telegram_refuses_is_asked_for_again(env_file, code, again):
    person = Person("1", HASH, "1:abcdefghij", *again)
    telegram = Telegram(LoginRefusedError(code), "a_bot")
    settings_for(env_file, {}, telegram.login, person.terminal)
    assert len(telegram.asked) == 2
    assert not person.typed
    assert any(code in line for line in person.seen)


def test_a_refused_value_that_was_not_asked_for_ends_the_start(env_file):
    person = Person("1", HASH)
    telegram = Telegram(LoginRefusedError("ACCESS_TOKEN_EXPIRED"))
    with pytest.raises(SettingsError, match="BOT_TOKEN is refused by Telegram"):
        settings_for(env_file, {"BOT_TOKEN": TOKEN}, telegram.login, person.terminal)
    assert not env_file.exists()


def test_a_telegram_that_does_not_answer_is_tried_again(env_file):
    person = Person("12345", HASH, TOKEN, "")
    telegram = Telegram(DeliveryError("TIMEOUT"), "a_bot")
    settings_for(env_file, {}, telegram.login, person.terminal)
    assert telegram.asked == [(12345, TOKEN)] * 2


def test_who_leaves_saves_nothing(env_file):
    with pytest.raises(KeyboardInterrupt):
        settings_for(env_file, {}, Telegram().login, Person("12345").terminal)
    assert list(env_file.parent.iterdir()) == []


def test_other_problems_are_not_asked_away(env_file):
    person = Person()
    for environ in ({"MAX_LINKS": "no"}, {"API_ID": "no"}):
        with pytest.raises(SettingsError):
            settings_for(env_file, environ, Telegram().login, person.terminal)
    with pytest.raises(SettingsError):
        settings_for(env_file, {}, Telegram().login, None)
    assert person.seen == []


def test_a_folder_that_is_not_there_is_told_before_anybody_types(tmp_path):
    person = Person()
    with pytest.raises(SettingsError, match="cannot be written"):
        settings_for(tmp_path / "none" / ".env", {}, Telegram().login, person.terminal)
    assert person.seen == []


def test_the_owner_is_added_to_the_others(env_file):
    save_owner(env_file, 42)
    assert env_file.read_text() == "OWNER_IDS=42\n"
    env_file.write_text("# people\nOWNER_IDS=1, 2\n")
    save_owner(env_file, 42)
    save_owner(env_file, 42)
    assert env_file.read_text() == "# people\nOWNER_IDS=1,2,42\n"
    assert mode(env_file) == 0o600


def test_an_owner_who_cannot_be_saved_is_logged(tmp_path, caplog):
    save_owner(tmp_path / "none" / ".env", 42)
    assert "set OWNER_IDS=42 yourself" in caplog.text


def test_a_link_to_a_file_stays_a_link_and_leftovers_do_not_stay(tmp_path, env_file):
    target = tmp_path / "real"
    target.write_text("A=1\nA=2\n")
    env_file.symlink_to(target)
    env_files.update(env_file, {"A": "3"})
    assert env_file.is_symlink()
    assert target.read_text() == "A=1\nA=3\n"
    assert env_files.read(env_file).values == {"A": "3"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "real"]


def test_a_failed_write_leaves_the_old_file(env_file):
    env_file.write_text("A=1\n")
    with pytest.raises(UnicodeEncodeError):
        env_files.update(env_file, {"A": "\ud800"})
    assert env_file.read_text() == "A=1\n"
    assert list(env_file.parent.iterdir()) == [env_file]


def test_broken_lines_are_counted_from_one(env_file):
    env_file.write_text("\nA=1\n\nB\n'C=1\n# x\n")
    assert env_files.read(env_file) == env_files.EnvFile({"A": "1"}, (4, 5))
