import os
from datetime import timedelta
from pathlib import Path

import pytest

from config.errors import Problem, SettingsError
from config.sections import TelegramServer
from config.settings import (
    CREDENTIALS,
    NOT_YET,
    load,
    misspelt,
    problem_with,
    take_environment,
    warn_of_misspelt,
)
from config.values import ROOT

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz-_12345"
HASH = "0123456789abcdef0123456789abcdef"
COMPLETE = {"API_ID": "12345", "API_HASH": HASH, "BOT_TOKEN": TOKEN}


@pytest.fixture
def env_file(tmp_path):
    return tmp_path / ".env"


def problems(environ, env_file):
    with pytest.raises(SettingsError) as caught:
        load(env_file, environ)
    text = f"{caught.value} {caught.value!r}"
    assert TOKEN not in text
    assert HASH not in text
    return {problem.name: problem for problem in caught.value.problems}


def test_three_values_are_enough(env_file):
    settings = load(env_file, COMPLETE)
    assert settings.telegram.api_id == 12345
    assert settings.telegram.api_hash.get_secret_value() == HASH
    assert settings.telegram.bot_token.get_secret_value() == TOKEN
    assert settings.telegram.bot_id == 123456789
    assert settings.telegram.server is None
    assert settings.access.owner_ids == frozenset()
    assert settings.paths.data_dir == ROOT / "data"
    assert settings.paths.sessions_dir == ROOT / "sessions"
    assert (settings.work.max_downloads, settings.work.max_uploads) == (4, 4)
    assert (settings.work.max_links, settings.work.max_user_jobs) == (20, 100)
    assert settings.store.retention == timedelta(days=30)
    assert settings.work.job_timeout_s == 7200
    assert settings.work.drain_s == 10
    assert not settings.net.egress_allow.permits("127.0.0.1", 80)
    assert (settings.log.level, settings.log.is_json) == ("INFO", False)


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("mongodb://host", "userbot"),
        ("mongodb://host/", "userbot"),
        ("mongodb://host:27017/?authSource=admin", "userbot"),
        ("mongodb://host?replicaSet=rs0", "userbot"),
        ("mongodb://ann:open%2Fsesame@a:1,b:2,[::1]:3/films?w=1", "films"),
        ("mongodb+srv://ann:secret@cluster.example/films", "films"),
        ("mongodb://host/my%2Dfilms", "my-films"),
    ],
)
def test_the_address_of_mongodb_may_name_the_database(env_file, url, database):
    store = load(env_file, {**COMPLETE, "MONGO_URL": url}).store
    assert store.mongo_database == database
    assert store.mongo_url is not None
    assert store.mongo_url.get_secret_value() == url


@pytest.mark.parametrize("name", ["admin", "local", "config"])
def test_what_is_mongodbs_own_is_no_place_for_the_bot(env_file, name):
    url = f"mongodb://ann:sesame@host/{name}"
    problem = problems({**COMPLETE, "MONGO_URL": url}, env_file)["MONGO_URL"]
    assert f"/userbot?authSource={name}" in str(problem)
    assert "sesame" not in str(problem)


@pytest.mark.parametrize("name", ["a/b", "a.b", "a%20b", "$a", "x" * 64, "ses/ame@host/films"])
def test_a_name_that_no_database_can_have_is_refused_and_not_shown(env_file, name):
    url = f"mongodb://ann:{name}" if "@" in name else f"mongodb://host/{name}"
    problem = problems({**COMPLETE, "MONGO_URL": url}, env_file)["MONGO_URL"]
    assert "database" in str(problem)
    assert name not in str(problem)


def test_no_days_are_for_ever(env_file):
    assert load(env_file, {**COMPLETE, "RETENTION_DAYS": "0"}).store.retention is None
    assert problem_with("RETENTION_DAYS", "-1")


def test_printed_settings_hold_no_secret(env_file):
    settings = load(env_file, COMPLETE)
    for text in (repr(settings), str(settings), f"{settings.telegram}"):
        assert TOKEN not in text
        assert TOKEN.partition(":")[2] not in text
        assert HASH not in text


def test_every_kind_of_value_is_read(env_file, tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN RSA PUBLIC KEY-----\nMIIB+/=\n-----END RSA PUBLIC KEY-----\n")
    values = {
        "OWNER_IDS": "1, 2",
        "AUTHORIZED_CHATS": "-1009999999999999,5,",
        "AUTHORIZED_USERS": " 7 ",
        "TRUSTED_USERS": "8,9",
        "BANNED_USERS": "10",
        "DATA_DIR": str(tmp_path / "d"),
        "SESSIONS_DIR": "elsewhere",
        "STALL_TIMEOUT_S": "0.5",
        "DRAIN_S": "0",
        "EGRESS_ALLOW": "10.0.0.0/8, nas:8080,[::1]:9",
        "TELEGRAM_SERVER": "[::1]:4430",
        "TELEGRAM_PUBLIC_KEY": str(key),
        "LOG_LEVEL": "debug",
        "LOG_JSON": "1",
    }
    settings = load(env_file, {**COMPLETE, **values})
    assert settings.access.owner_ids == {1, 2}
    assert settings.access.chats == {-1009999999999999, 5}
    assert settings.access.users == {7}
    assert settings.access.trusted == {8, 9}
    assert settings.access.banned == {10}
    assert settings.paths.data_dir == tmp_path / "d"
    assert settings.paths.sessions_dir == ROOT / "elsewhere"
    assert settings.work.stall_timeout_s == 0.5
    assert settings.work.drain_s == 0
    assert settings.net.egress_allow.permits("10.1.1.1", 1)
    assert settings.net.egress_allow.permits("nas", 8080)
    assert settings.net.egress_allow.permits("::1", 9)
    assert settings.telegram.server == TelegramServer("::1", 4430, key)
    assert (settings.log.level, settings.log.is_json) == ("DEBUG", True)


def test_the_environment_wins_over_the_file_unless_it_is_empty(env_file):
    env_file.write_text(f"# mine\nAPI_ID=1\nBOT_TOKEN='{TOKEN}'\nMAX_UPLOADS=7\nMAX_DOWNLOADS=\n")
    environ = {"API_ID": "2", "API_HASH": HASH, "MAX_UPLOADS": " ", "UNRELATED": "x"}
    settings = load(env_file, environ)
    assert settings.telegram.api_id == 2
    assert settings.work.max_uploads == 7
    assert settings.work.max_downloads == 4


def test_all_problems_are_reported_at_once(env_file):
    env_file.write_text("MAX_UPLOADS=none\nMAX_DOWNLOAD=3\nnonsense\nCOMPOSE_PROJECT_NAME=x\n")
    found = problems(
        {
            "API_HASH": "zz",
            "BOT_TOKEN": "",
            "OWNER_IDS": "1,me",
            "AUTHORIZED_CHATS": "0",
            "EGRESS_ALLOW": "nas,10.0.0.0/99",
            "JOB_TIMEOUT_S": "inf",
            "LOG_LEVEL": "LOUD",
            "LOG_JSON": "perhaps",
            "TELEGRAM_SERVER": "example.com",
            "DATA_DIR": str(env_file),
            "REDIS_URL": "redis//:sesame@host",
            "LIMIT_USER": "link 20/60s, 5/0s",
        },
        env_file,
    )
    assert {name: problem.wrong for name, problem in found.items()} == {
        "API_ID": "is not set",
        "API_HASH": "does not look right (2 characters)",
        "BOT_TOKEN": "is not set",
        "OWNER_IDS": "is 'me'",
        "AUTHORIZED_CHATS": "is '0'",
        "EGRESS_ALLOW": "holds '10.0.0.0/99'",
        "JOB_TIMEOUT_S": "is 'inf'",
        "LOG_LEVEL": "is 'LOUD'",
        "LOG_JSON": "is 'perhaps'",
        "TELEGRAM_SERVER": "is 'example.com'",
        "TELEGRAM_PUBLIC_KEY": "is not set, but TELEGRAM_SERVER is",
        "DATA_DIR": f"is {str(env_file)!r}, which is not a folder",
        "REDIS_URL": "does not look right (19 characters)",
        "LIMIT_USER": "holds '5/0s'",
        "MAX_UPLOADS": "is 'none'",
        "MAX_DOWNLOAD": "in .env is no setting",
        f"{env_file}, line 3": "is not a setting",
    }
    assert found["MAX_DOWNLOAD"].expected == "MAX_DOWNLOADS (did you mean that?)"
    assert all(problem.expected for problem in found.values())
    assert not any("sesame" in str(problem) for problem in found.values())


def test_a_name_in_the_environment_that_is_nearly_a_setting_is_pointed_out(caplog):
    environ = {
        "BOT_TOKN": TOKEN,
        "max_links": "3",
        "PATH": "/bin",
        "XDG_DATA_DIRS": "/x",
        **COMPLETE,
    }
    assert misspelt(environ) == [
        "BOT_TOKN in the environment is no setting (did you mean BOT_TOKEN?)",
        "max_links in the environment is no setting (did you mean MAX_LINKS?)",
    ]
    warn_of_misspelt(environ)
    assert [record.getMessage() for record in caplog.records] == misspelt(environ)


def test_a_secret_in_the_wrong_place_is_not_shown(env_file):
    swapped = {**COMPLETE, "API_ID": TOKEN, "LOG_LEVEL": HASH, "BOT_TOKEN": HASH, "API_HASH": TOKEN}
    assert set(problems(swapped, env_file)) == {"API_ID", "LOG_LEVEL", "BOT_TOKEN", "API_HASH"}


@pytest.mark.parametrize("name", NOT_YET)
def test_a_setting_without_its_feature_is_refused(env_file, name):
    assert set(problems({**COMPLETE, name: "1"}, env_file)) == {name}
    env_file.write_text(f"{name}=1\n")
    assert set(problems(COMPLETE, env_file)) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_ID", "0"),
        ("API_ID", "99999999999"),
        ("API_HASH", HASH.upper()),
        ("API_HASH", HASH + "0"),
        ("BOT_TOKEN", "123456789"),
        ("BOT_TOKEN", "bot:abcdefghijkl"),
        ("BOT_TOKEN", "1:short"),
        ("BOT_TOKEN", f"{TOKEN} x"),
        ("OWNER_IDS", "-5"),
        ("MAX_DOWNLOADS", "0"),
        ("MAX_DOWNLOADS", "1.5"),
        ("STALL_TIMEOUT_S", "0"),
        ("DRAIN_S", "-1"),
        ("TELEGRAM_SERVER", "host:0"),
        ("TELEGRAM_SERVER", "host:99999"),
        ("TELEGRAM_SERVER", ":443"),
        ("TELEGRAM_SERVER", "::1:443"),
        ("TELEGRAM_PUBLIC_KEY", "/no/such/file"),
        ("TELEGRAM_PUBLIC_KEY", __file__),
    ],
)
def test_a_value_out_of_bounds_is_a_problem(name, value):
    problem = problem_with(name, value)
    assert problem is not None
    assert problem.name == name
    assert not problem.is_missing


def test_tokens_of_test_servers_are_taken():
    assert problem_with("BOT_TOKEN", "1:abcdefghij") is None
    assert problem_with("API_HASH", f" {HASH} ") is None


def test_the_two_halves_of_another_telegram_need_each_other(env_file, tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----\n")
    found = problems({**COMPLETE, "TELEGRAM_PUBLIC_KEY": str(key)}, env_file)
    assert set(found) == {"TELEGRAM_SERVER"}
    env_file.write_text("TELEGRAM_SERVER=127.0.0.1:443\n")
    settings = load(env_file, {**COMPLETE, "TELEGRAM_PUBLIC_KEY": str(key)})
    assert settings.telegram.server == TelegramServer("127.0.0.1", 443, key)


def test_a_file_that_cannot_be_read_is_a_problem(env_file):
    env_file.write_bytes(b"API_ID=\xff\n")
    assert set(problems(COMPLETE, env_file)) == {str(env_file)}
    env_file.unlink()
    env_file.mkdir()
    assert set(problems(COMPLETE, env_file)) == {str(env_file)}


def test_missing_credentials_are_told_apart_from_bad_ones(env_file):
    found = problems({"API_HASH": "bad"}, env_file)
    assert {name for name in found if found[name].is_missing} == {"API_ID", "BOT_TOKEN"}
    assert set(found) == set(CREDENTIALS)


def test_secrets_leave_the_environment_for_good(monkeypatch):
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("SITE_PROXY", "http://user:password@proxy")
    monkeypatch.setenv("MAX_LINKS", "3")
    environ = take_environment()
    assert environ["BOT_TOKEN"] == TOKEN
    assert environ["MAX_LINKS"] == "3"
    assert "BOT_TOKEN" not in os.environ
    assert "SITE_PROXY" not in os.environ
    assert "MAX_LINKS" in os.environ


def test_settings_errors_say_everything_in_one_text():
    error = SettingsError([Problem("A", "is bad", "good"), Problem("B", "is not set", "a number")])
    assert str(error) == "  A is bad; expected: good\n  B is not set; expected: a number"
    assert error.args == (error.problems,)


def test_a_relative_path_starts_beside_run_py(env_file, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (ROOT / "run.py").is_file()
    settings = load(env_file, {**COMPLETE, "DATA_DIR": "~/d", "SESSIONS_DIR": "s"})
    assert settings.paths.data_dir == Path.home() / "d"
    assert settings.paths.sessions_dir == ROOT / "s"
