"""What each setting is called, what it may be, and what it is when nobody sets it."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, SkipValidation
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from userbot.domain.limits import Operation, Rate, Rates, parse_rates
from userbot.domain.site_proxies import MAX_CHARS, PROXY_URL, SiteProxies
from userbot.domain.urls import AllowList

ROOT = Path(__file__).resolve().parent.parent

TOKEN = re.compile(r"[0-9]{1,19}:[A-Za-z0-9_-]{10,}")
HASH = re.compile(r"[0-9a-f]{32}")
MONGO = re.compile(r"mongodb(\+srv)?://[^/\s]+\S*")
MONGO_PATH = re.compile(r"mongodb(?:\+srv)?://[^/?]+/(?P<name>[^?]+)")
MONGO_DATABASE = "userbot"  # where the address names none
MONGO_OWN = ("admin", "config", "local")
# https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
MONGO_NAME = re.compile(r"[^/\\. \"$*<>:|?\x00]{1,63}")
REDIS = re.compile(r"(rediss?://[^/\s]+|unix://)\S*")
_PEM = re.compile(rb"-----BEGIN RSA PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END RSA PUBLIC KEY-----")


def _split(value: object) -> object:
    return (
        [item for item in re.split(r"[,\s]+", value) if item] if isinstance(value, str) else value
    )


def _matching(pattern: re.Pattern[str], value: SecretStr) -> SecretStr:
    if not pattern.fullmatch(value.get_secret_value()):
        raise ValueError
    return value


def _address(pattern: re.Pattern[str], value: SecretStr) -> SecretStr:
    urlsplit(_matching(pattern, value).get_secret_value())  # else the log would do it
    return value


def _mongo_url(value: SecretStr) -> SecretStr:
    name = mongo_database(_address(MONGO, value).get_secret_value())
    if name in MONGO_OWN:
        raise ValueError(
            f"names the database {name!r}, which is MongoDB's own; to log in by it, write "
            f"/{MONGO_DATABASE}?authSource={name}"
        )
    if not MONGO_NAME.fullmatch(name):
        # not which: after a "/" in a password that was not written %2F this is a part of it
        raise ValueError("names a database in a way that MongoDB does not allow")
    return value


def mongo_database(url: str) -> str:
    """Return the name of the database that an address of MongoDB leads to."""
    found = MONGO_PATH.match(url)
    return unquote(found["name"]) if found else MONGO_DATABASE


def _absolute(path: Path) -> Path:
    return ROOT / path.expanduser()


def _folder(path: Path) -> Path:
    path = _absolute(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"is {str(path)!r}, which is not a folder")
    return path


def _public_key(path: Path) -> Path:
    path = _absolute(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"is {str(path)!r}: {error.strerror}") from error
    if not _PEM.search(content):
        raise ValueError(f"is {str(path)!r}, which holds no such key")
    return path


def _site_proxies(value: object) -> object:
    if not isinstance(value, str):
        return value
    path = _absolute(Path(value))
    try:
        with path.open(encoding="utf-8") as file:
            return SiteProxies.parse(file.read(MAX_CHARS + 1))
    except UnicodeDecodeError as error:
        raise ValueError(f"is {str(path)!r}, which is no text") from error
    except OSError as error:
        raise ValueError(f"is {str(path)!r}: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"is {str(path)!r}: {error}") from error


def _server(value: str) -> str:
    host, port = host_and_port(value)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError
    return value


def host_and_port(value: str) -> tuple[str, str]:
    """Split `host:port` and `[IPv6 address]:port`; empty strings for what is neither."""
    host, _, port = value.rpartition(":")
    if ":" in host and not host.startswith("["):
        return "", ""  # an IPv6 address wants its brackets
    return host.strip("[]"), port


def _allow_list(entries: tuple[str, ...]) -> tuple[str, ...]:
    try:
        AllowList.parse(entries)
    except ValueError as error:
        raise ValueError(f"holds {error.args[0]!r}") from error
    return entries


def _not_zero(number: int) -> int:
    if not number:
        raise ValueError
    return number


def _rates(*counts: int) -> Rates:
    return {operation: Rate(count, 60) for operation, count in zip(Operation, counts, strict=True)}


EVERYBODY_RATES = _rates(1000, 1000, 3000, 3000)
CHAT_RATES = _rates(200, 200, 60, 300)
USER_RATES = _rates(60, 60, 30, 90)
TRUSTED_RATES = _rates(200, 200, 60, 300)


def _rates_or(others: Rates) -> BeforeValidator:
    """Read rates; operations that are not named are as in others."""

    def read(value: object) -> object:
        try:
            return parse_rates(value, others) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"holds {error.args[0]!r}") from error

    return BeforeValidator(read)


UserIds = Annotated[
    frozenset[Annotated[int, Field(gt=0, lt=2**52)]], NoDecode, BeforeValidator(_split)
]
ChatIds = Annotated[
    frozenset[Annotated[int, Field(gt=-(2**52), lt=2**52), AfterValidator(_not_zero)]],
    NoDecode,
    BeforeValidator(_split),
]
Places = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_allow_list)]
ApiHash = Annotated[SecretStr, AfterValidator(lambda value: _matching(HASH, value))]
BotToken = Annotated[SecretStr, AfterValidator(lambda value: _matching(TOKEN, value))]
MongoUrl = Annotated[SecretStr, AfterValidator(_mongo_url)]
RedisUrl = Annotated[SecretStr, AfterValidator(lambda value: _address(REDIS, value))]
ProxyUrl = Annotated[SecretStr, AfterValidator(lambda value: _matching(PROXY_URL, value))]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
Folder = Annotated[Path, AfterValidator(_folder)]

_IDS = "Telegram ids, separated by commas, such as {}"
_SECONDS = "seconds, more than 0 and at most a week"
_RATES = "rates such as 20/60s, or link 20/60s, download 100/1h, command off, button 90/60s"
_COUNT = "a whole number, 0 for as many as they like"
_MEGABYTES = "a whole number of MB, 0 for as much as they like"


class Values(BaseSettings):
    """Every setting by its name in the environment. A description says what is expected."""

    model_config = SettingsConfigDict(
        case_sensitive=True, extra="ignore", env_ignore_empty=True, str_strip_whitespace=True
    )

    API_ID: int = Field(gt=0, lt=2**31, description="the number from https://my.telegram.org")
    API_HASH: ApiHash = Field(description="32 characters 0-9 a-f, from https://my.telegram.org")
    BOT_TOKEN: BotToken = Field(
        description="the token from @BotFather, such as 123456789:AAabc... (number, colon, letters)"
    )
    OWNER_IDS: UserIds = Field(frozenset(), description=_IDS.format("123456789"))
    AUTHORIZED_CHATS: ChatIds = Field(frozenset(), description=_IDS.format("-1001234567890"))
    AUTHORIZED_USERS: UserIds = Field(frozenset(), description=_IDS.format("123456789"))
    TRUSTED_USERS: UserIds = Field(frozenset(), description=_IDS.format("123456789"))
    BANNED_USERS: UserIds = Field(frozenset(), description=_IDS.format("123456789"))
    DATA_DIR: Folder = Field(ROOT / "data", description="a folder for what the bot keeps")
    SESSIONS_DIR: Folder = Field(ROOT / "sessions", description="a folder for the login")
    MONGO_URL: MongoUrl | None = Field(
        None, description="mongodb://user:password@host:27017/database or mongodb+srv://..."
    )
    REDIS_URL: RedisUrl | None = Field(
        None, description="redis://host:6379, rediss://... or unix:///path, with its password"
    )
    LIMIT_GLOBAL: Annotated[Rates, NoDecode, _rates_or(EVERYBODY_RATES)] = Field(
        EVERYBODY_RATES, description=_RATES
    )
    LIMIT_CHAT: Annotated[Rates, NoDecode, _rates_or(CHAT_RATES)] = Field(
        CHAT_RATES, description=_RATES
    )
    LIMIT_USER: Annotated[Rates, NoDecode, _rates_or(USER_RATES)] = Field(
        USER_RATES, description=_RATES
    )
    LIMIT_TRUSTED: Annotated[Rates, NoDecode, _rates_or(TRUSTED_RATES)] = Field(
        TRUSTED_RATES, description=_RATES
    )
    QUOTA_DAY_COUNT: int = Field(500, ge=0, le=10**6, description=_COUNT)
    QUOTA_DAY_MB: int = Field(100_000, ge=0, le=10**9, description=_MEGABYTES)
    QUOTA_TRUSTED_COUNT: int = Field(0, ge=0, le=10**6, description=_COUNT)
    QUOTA_TRUSTED_MB: int = Field(0, ge=0, le=10**9, description=_MEGABYTES)
    RETENTION_DAYS: int = Field(
        30, ge=0, le=36500, description="a whole number of days, 0 for ever"
    )
    MAX_DOWNLOADS: int = Field(4, ge=1, le=64, description="a whole number from 1 to 64")
    MAX_UPLOADS: int = Field(4, ge=1, le=64, description="a whole number from 1 to 64")
    UPLOAD_CONNECTIONS: int = Field(16, ge=1, le=64, description="a whole number from 1 to 64")
    MAX_LINKS: int = Field(20, ge=1, le=100, description="a whole number from 1 to 100")
    MAX_USER_JOBS: int = Field(100, ge=1, le=1000, description="a whole number from 1 to 1000")
    MAX_USER_DOWNLOADS: int | None = Field(
        None, ge=1, le=64, description="a whole number from 1 to 64"
    )
    MAX_CHAT_DOWNLOADS: int | None = Field(
        None, ge=1, le=64, description="a whole number from 1 to 64"
    )
    DISK_RESERVE_MB: int | None = Field(
        None, ge=0, le=10**7, description="a whole number of MB, 0 or more"
    )
    JOB_TIMEOUT_S: Seconds = Field(7200, description=_SECONDS)
    STALL_TIMEOUT_S: Seconds = Field(60, description=_SECONDS)
    MENU_TIMEOUT_S: Seconds = Field(600, description=_SECONDS)
    EXTRACT_TIMEOUT_S: Seconds = Field(60, description=_SECONDS)
    DRAIN_S: float = Field(10, ge=0, le=3600, description="seconds, from 0 to 3600")
    EGRESS_ALLOW: Places = Field(
        (), description="addresses, networks, host or host:port, separated by commas"
    )
    SITE_PROXY: ProxyUrl | None = Field(
        None,
        description="http://, socks4:// or socks5://, with user:password@ if need be, host:port",
    )
    SITE_PROXY_FILE: Annotated[
        SkipValidation[SiteProxies], NoDecode, BeforeValidator(_site_proxies)
    ] = Field(
        SiteProxies(),
        description="a file with a host and its proxy, or `direct`, on each line",
    )
    TELEGRAM_SERVER: Annotated[str, AfterValidator(_server)] | None = Field(
        None, description="host:port, or [IPv6 address]:port"
    )
    TELEGRAM_PUBLIC_KEY: Annotated[Path, AfterValidator(_public_key)] | None = Field(
        None, description='a PEM file with an "RSA PUBLIC KEY"'
    )
    LOG_LEVEL: Level = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    LOG_JSON: bool = Field(default=False, description="true or false")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the environment as it was handed over, then .env."""
        return init_settings, dotenv_settings
