"""What a setting looks like once it is read: frozen sections, passed around one by one."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from userbot.domain.limits import Allowances
from userbot.domain.site_proxies import SiteProxies
from userbot.domain.urls import AllowList


@dataclass(frozen=True, slots=True)
class TelegramServer:
    """Another Telegram than the public one, and the file of its RSA public key (PKCS #1 PEM)."""

    host: str
    port: int
    public_key: Path


@dataclass(frozen=True, slots=True)
class TelegramSection:
    """Who the bot is, and where. `server` is None for the public Telegram."""

    api_id: int
    api_hash: SecretStr
    bot_token: SecretStr
    server: TelegramServer | None = None

    @property
    def bot_id(self) -> int:
        """The bot's own user id."""
        return int(self.bot_token.get_secret_value().partition(":")[0])


@dataclass(frozen=True, slots=True)
class AccessSection:
    """Who may use the bot and who may not. Chats as in the Bot API (groups are negative)."""

    owner_ids: frozenset[int] = frozenset()
    chats: frozenset[int] = frozenset()
    users: frozenset[int] = frozenset()
    trusted: frozenset[int] = frozenset()
    banned: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class PathsSection:
    """Where files live; absolute. The folders need not exist yet."""

    data_dir: Path
    sessions_dir: Path


@dataclass(frozen=True, slots=True)
class StoreSection:
    """Where things are kept.

    The queue in the database `mongo_database` of a MongoDB, or in a file of DATA_DIR where
    `mongo_url` is None; counters and caches in Redis, or in this process where `redis_url` is None.
    `retention` is how long what has ended is remembered, None for ever.
    """

    mongo_url: SecretStr | None
    mongo_database: str
    retention: timedelta | None
    redis_url: SecretStr | None


@dataclass(frozen=True, slots=True)
class WorkSection:
    """How much at once, and how long."""

    max_downloads: int
    max_uploads: int
    upload_connections: int
    max_links: int
    max_user_jobs: int
    max_user_downloads: int | None
    max_chat_downloads: int | None
    disk_reserve_bytes: int | None
    job_timeout_s: float
    stall_timeout_s: float
    menu_timeout_s: float
    extract_timeout_s: float
    drain_s: float


@dataclass(frozen=True, slots=True)
class NetSection:
    """What workers may reach although it is private, and by which proxies they reach the rest."""

    egress_allow: AllowList
    site_proxy: SecretStr | None = None
    site_proxies: SiteProxies = field(default_factory=SiteProxies)


@dataclass(frozen=True, slots=True)
class LogSection:
    """How much is logged, and in which form. `level` is a name that `logging` knows."""

    level: str = "INFO"
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Printing it shows no secret."""

    telegram: TelegramSection
    access: AccessSection
    paths: PathsSection
    store: StoreSection
    limits: Allowances
    work: WorkSection
    net: NetSection
    log: LogSection
