"""Reading the settings from environment and .env.

The environment wins over .env, an empty value counts as unset, relative paths start at the folder
of run.py. Everything wrong is reported at once.
"""

import difflib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config import env_file as env_files
from config.errors import Problem, SettingsError
from config.sections import (
    AccessSection,
    LogSection,
    NetSection,
    PathsSection,
    Settings,
    StoreSection,
    TelegramSection,
    TelegramServer,
    WorkSection,
)
from config.values import HASH, MONGO_DATABASE, TOKEN, Values, host_and_port, mongo_database
from userbot.domain.limits import Allowances
from userbot.domain.people import Quota
from userbot.domain.urls import AllowList

CREDENTIALS = ("API_ID", "API_HASH", "BOT_TOKEN")
SECRETS = ("API_HASH", "BOT_TOKEN", "MONGO_URL", "REDIS_URL", "SITE_PROXY", "TELEGRAM_PROXY")
NOT_YET = ("TELEGRAM_PROXY", "METRICS_PORT")
SERVER = ("TELEGRAM_SERVER", "TELEGRAM_PUBLIC_KEY")
FOREIGN_PREFIX = "COMPOSE_"  # Docker Compose reads the same .env
MAX_SHOWN_CHARS = 40
RESEMBLANCE = 0.85  # of a name in the environment, where most names are none of ours
NAMES = tuple(Values.model_fields)

log = logging.getLogger(__name__)


def take_environment() -> dict[str, str]:
    """Return the environment of this process, and remove the secrets from it for good."""
    environ = dict(os.environ)
    for name in SECRETS:
        os.environ.pop(name, None)
    return environ


def load(env_file: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of environ and, where that is silent, of env_file, which need not exist.

    Raises SettingsError with every problem there is.
    """
    environ = {name: value.strip() for name, value in environ.items() if value.strip()}
    in_file, problems = _read(env_file)
    problems += _problems_of_names(environ, in_file)
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # broken lines are reported by us
    values: Values | None = None
    try:
        values = _validated(env_file if in_file else None, environ)
    except ValidationError as error:
        problems += [_problem(details) for details in error.errors()]
    if values is None or problems:
        raise SettingsError(problems)
    return _sections(values)


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each name of environ that looks like a setting written wrongly.

    Such a name sets nothing, and cannot be refused as one in .env: it may be another program's.
    """
    return [
        f"{name} in the environment is no setting (did you mean {close[0]}?)"
        for name in sorted(environ)
        if name not in NAMES
        and (close := difflib.get_close_matches(name.upper(), NAMES, n=1, cutoff=RESEMBLANCE))
    ]


def warn_of_misspelt(environ: Mapping[str, str]) -> None:
    """Say in the log what `misspelt` finds."""
    for sentence in misspelt(environ):
        log.warning("%s", sentence)


def problem_with(name: str, value: str) -> Problem | None:
    """Return what is wrong with one value alone."""
    try:
        _validated(None, {name: value.strip()})
    except ValidationError as error:
        return next((_problem(item) for item in error.errors() if item["loc"][0] == name), None)
    return None


def _validated(env_file: Path | None, environ: Mapping[str, str]) -> Values:
    known = {name: value for name, value in environ.items() if name in NAMES}
    make: Callable[..., Values] = Values  # the types of the arguments are its to check
    return make(_env_file=env_file, **known)


def _read(env_file: Path) -> tuple[Mapping[str, str], list[Problem]]:
    """Return what is set in env_file, and what is wrong with its form."""
    try:
        content = env_files.read(env_file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        return {}, [Problem(str(env_file), f"cannot be read ({reason})", "a text file")]
    problems = [
        Problem(f"{env_file}, line {line}", "is not a setting", "NAME=value")
        for line in content.broken_lines
    ]
    return {name: value for name, value in content.values.items() if value.strip()}, problems


def _problems_of_names(environ: Mapping[str, str], in_file: Mapping[str, str]) -> list[Problem]:
    given = environ.keys() | in_file.keys()
    problems = [
        Problem(name, "is set, but this version cannot do that yet", "nothing: remove it")
        for name in NOT_YET
        if name in given
    ]
    problems += _unknown(in_file)
    for name, other in (SERVER, SERVER[::-1]):
        if name in given and other not in given:
            problems.append(Problem(other, f"is not set, but {name} is", "both or neither"))
    return problems


def _unknown(in_file: Mapping[str, str]) -> Iterator[Problem]:
    for name in in_file:
        if name in NAMES or name in NOT_YET or name.startswith(FOREIGN_PREFIX):
            continue
        close = difflib.get_close_matches(name.upper(), NAMES, n=1)
        expected = f"{close[0]} (did you mean that?)" if close else "a name from .env.example"
        yield Problem(name, "in .env is no setting", expected)


def _problem(details: ErrorDetails) -> Problem:
    name = str(details["loc"][0])
    expected = Values.model_fields[name].description or ""
    if details["type"] == "missing":
        return Problem(name, "is not set", expected, is_missing=True)
    reason = str(details.get("ctx", {}).get("error", ""))
    return Problem(name, reason or _shown(name, str(details["input"])), expected)


def _shown(name: str, value: str) -> str:
    """Describe a bad value, without showing one that may be a secret in the wrong place."""
    value = value.strip()
    is_secret = name in SECRETS or TOKEN.search(value) or HASH.search(value)
    if is_secret or len(value) > MAX_SHOWN_CHARS:
        return f"does not look right ({len(value)} characters)"
    return f"is {value!r}"


def _sections(values: Values) -> Settings:
    url = values.MONGO_URL
    return Settings(
        telegram=TelegramSection(
            api_id=values.API_ID,
            api_hash=values.API_HASH,
            bot_token=values.BOT_TOKEN,
            server=_telegram_server(values),
        ),
        access=AccessSection(
            owner_ids=values.OWNER_IDS,
            chats=values.AUTHORIZED_CHATS,
            users=values.AUTHORIZED_USERS,
            trusted=values.TRUSTED_USERS,
            banned=values.BANNED_USERS,
        ),
        paths=PathsSection(data_dir=values.DATA_DIR, sessions_dir=values.SESSIONS_DIR),
        store=StoreSection(
            mongo_url=url,
            mongo_database=mongo_database(url.get_secret_value()) if url else MONGO_DATABASE,
            retention=timedelta(days=values.RETENTION_DAYS) if values.RETENTION_DAYS else None,
            redis_url=values.REDIS_URL,
        ),
        limits=Allowances(
            everybody=values.LIMIT_GLOBAL,
            chat=values.LIMIT_CHAT,
            user=values.LIMIT_USER,
            trusted=values.LIMIT_TRUSTED,
            user_quota=_quota(values.QUOTA_DAY_COUNT, values.QUOTA_DAY_MB),
            trusted_quota=_quota(values.QUOTA_TRUSTED_COUNT, values.QUOTA_TRUSTED_MB),
        ),
        work=WorkSection(
            max_downloads=values.MAX_DOWNLOADS,
            max_uploads=values.MAX_UPLOADS,
            upload_connections=values.UPLOAD_CONNECTIONS,
            max_links=values.MAX_LINKS,
            max_user_jobs=values.MAX_USER_JOBS,
            max_user_downloads=values.MAX_USER_DOWNLOADS,
            max_chat_downloads=values.MAX_CHAT_DOWNLOADS,
            disk_reserve_bytes=_bytes(values.DISK_RESERVE_MB),
            job_timeout_s=values.JOB_TIMEOUT_S,
            stall_timeout_s=values.STALL_TIMEOUT_S,
            menu_timeout_s=values.MENU_TIMEOUT_S,
            extract_timeout_s=values.EXTRACT_TIMEOUT_S,
            drain_s=values.DRAIN_S,
        ),
        net=NetSection(
            egress_allow=AllowList.parse(values.EGRESS_ALLOW),
            site_proxy=values.SITE_PROXY,
            site_proxies=values.SITE_PROXY_FILE,
        ),
        log=LogSection(level=values.LOG_LEVEL, is_json=values.LOG_JSON),
    )


def _quota(count: int, megabytes: int) -> Quota:
    return Quota(count or None, _bytes(megabytes or None))


def _bytes(megabytes: int | None) -> int | None:
    return None if megabytes is None else megabytes * 1_000_000


def _telegram_server(values: Values) -> TelegramServer | None:
    if values.TELEGRAM_SERVER is None or values.TELEGRAM_PUBLIC_KEY is None:
        return None
    host, port = host_and_port(values.TELEGRAM_SERVER)
    return TelegramServer(host, int(port), values.TELEGRAM_PUBLIC_KEY)
