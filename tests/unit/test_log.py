import json
import logging
import re
import sys
import threading
import warnings
from urllib.parse import quote, quote_plus

import pytest

from config import log as logs
from config.sections import LogSection
from config.settings import load

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz-_12345"
SECRETS = (TOKEN, TOKEN.partition(":")[2], "0123456789abcdef0123456789abcdef", "")


@pytest.fixture
def logged(monkeypatch, capsys):
    """Return what was logged since; the state of logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logging.getLogger("pyrogram").setLevel(logging.NOTSET)


def plain(level="INFO"):
    logs.set_up(LogSection(level), SECRETS)


def test_an_event_is_one_line_with_its_job(logged):
    plain()
    token = logs.job_id.set("j1")
    logging.getLogger("a.b").info("video %s sent", "x\r\n2026 forged\x1b[2J\u202e")
    logs.job_id.reset(token)
    logging.getLogger("a.b").info("outside")
    first, second = logged().splitlines()
    assert first.endswith("Z INFO    a.b [j1] video x\\r\\n2026 forged\\x1b[2J\\u202e sent")
    assert second.endswith("Z INFO    a.b outside")


def test_a_json_event_is_one_object(logged):
    logs.set_up(LogSection("INFO", is_json=True), SECRETS)
    token = logs.job_id.set("j1")
    try:
        raise ValueError(f"bad\n{TOKEN}")
    except ValueError:
        logging.getLogger("a").exception("failed with\n%s", "x")
    logs.job_id.reset(token)
    [line] = logged().splitlines()
    event = json.loads(line)
    assert event["level"] == "ERROR"
    assert event["logger"] == "a"
    assert event["message"] == "failed with\nx"
    assert event["job"] == "j1"
    assert "ValueError: bad\n***" in event["traceback"]


@pytest.mark.parametrize("is_json", [False, True])
def test_a_secret_is_hidden_wherever_it_stands(logged, is_json):
    logs.set_up(LogSection("DEBUG", is_json=is_json), SECRETS)
    log = logging.getLogger("a")
    log.info("https://api.telegram.org/bot%s/getMe", TOKEN)
    log.info(TOKEN)
    log.info("hash %r", {"api_hash": SECRETS[2]})
    try:
        raise RuntimeError(TOKEN.replace(":", "%3A"))
    except RuntimeError:
        log.exception("no")
    log.info("stack", stack_info=True)
    text = logged()
    assert not any(secret in text for secret in SECRETS if secret)
    assert text.count("***") >= 4


def test_passwords_of_servers_and_proxies_are_secrets(logged, tmp_path):
    passwords = {"MONGO_URL": "mongo-word", "REDIS_URL": "redis%2Fword", "SITE_PROXY": "proxy-word"}
    schemes = {"MONGO_URL": "mongodb", "REDIS_URL": "redis", "SITE_PROXY": "http"}
    urls = {name: f"{schemes[name]}://u:{word}@host:1234" for name, word in passwords.items()}
    environ = {"API_ID": "1", "API_HASH": SECRETS[2], "BOT_TOKEN": TOKEN, **urls}
    logs.set_up(LogSection(), logs.secrets_of(load(tmp_path / "none", environ)))
    for text in (*urls.values(), *passwords.values(), "redis/word"):
        logging.getLogger("a").info("with %s", text)
    text = logged()
    assert text.count("with ***") == 7
    assert "word" not in text


@pytest.mark.parametrize("is_json", [False, True])
def test_a_secret_is_hidden_however_it_is_escaped(logged, is_json):
    secret = "p\u00e4\"s'\U0001f600 \\w\u00f6/rd\n1"
    logs.set_up(LogSection(is_json=is_json), [secret])
    forms = [secret, *(quote(secret, safe=safe) for safe in ("", "/")), quote_plus(secret)]
    forms += [quote(secret).lower(), json.dumps(secret), json.dumps(secret, ensure_ascii=False)]
    for form in [*forms, secret.encode()]:
        logging.getLogger("a").info("<%s> <%r> <%r> <%s>", form, form, {"a": form}, [[str(form)]])
    text = logged()
    assert text.count("***") == 4 * len(forms) + 4
    assert not re.search(r"(?i)(?:w|rd|s'|%5c)", text.split("<", 1)[1].replace("word", ""))


def test_the_password_of_a_socket_is_a_secret(logged, tmp_path):
    url = "unix:///run/redis?db=1&password=socket%2Fword"
    environ = {"API_ID": "1", "API_HASH": SECRETS[2], "BOT_TOKEN": TOKEN, "REDIS_URL": url}
    logs.set_up(LogSection(), logs.secrets_of(load(tmp_path / "none", environ)))
    logging.getLogger("a").info("with %s and %s", url, "socket/word")
    assert "with *** and ***" in logged()


def test_a_traceback_is_set_off_from_the_events(logged):
    plain()
    try:
        raise RuntimeError("boom\n2026-01-01T00:00:00.000Z INFO    forged")
    except RuntimeError:
        logging.getLogger("a").exception("failed")
    first, *rest = logged().splitlines()
    assert first.endswith("ERROR   a failed")
    assert rest
    assert all(line.startswith("    | ") for line in rest)


def test_levels_hold_and_pyrogram_is_quiet(logged):
    plain("DEBUG")
    logging.getLogger("a").debug("heard")
    logging.getLogger("pyrogram.session").info("not heard")
    logging.getLogger("pyrogram.session").warning("heard too")
    text = logged()
    assert "not heard" not in text
    assert text.count("heard") == 2


def test_what_nobody_caught_is_logged_through_the_net(logged):
    plain()
    error = RuntimeError(TOKEN)
    sys.excepthook(RuntimeError, error, None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    text = logged()
    assert text.count("uncaught exception") == 2
    assert "ZeroDivisionError" in text
    assert "careful" in text
    assert TOKEN not in text
