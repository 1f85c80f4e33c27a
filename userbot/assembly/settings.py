"""What the settings mean for each part."""

from config.sections import Settings, TelegramSection
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.domain.records import FairLimits, Lane
from userbot.egress.gate import EgressSettings
from userbot.pool.settings import PoolSettings
from userbot.services.fetching import QUICK_AT_ONCE
from userbot.telegram import client as telegram
from userbot.telegram.uploader import UploaderSettings

QUICK_CLAIMS = 16  # of what is done in a moment; few of them fetch at the same time
QUICK_LIMITS = FairLimits(per_user=2, per_chat=4)


def login_of(section: TelegramSection) -> telegram.Login:
    """Return what the client logs in with."""
    server = section.server
    return telegram.Login(
        section.api_id,
        section.api_hash.get_secret_value(),
        section.bot_token.get_secret_value(),
        telegram.Server(server.host, server.port, server.public_key) if server else None,
    )


def pool_settings(settings: Settings) -> PoolSettings:
    """Return the bounds of the process pool."""
    work = settings.work
    return PoolSettings(
        tools_dir=settings.paths.data_dir / "bin",
        extract_slots=max(work.max_downloads, 4),
        download_slots=work.max_downloads + QUICK_AT_ONCE,
        extract_deadline_s=work.extract_timeout_s,
        download_deadline_s=work.job_timeout_s,
        stall_s=work.stall_timeout_s,
        limit_bytes=MAX_UPLOAD_BYTES,
    )


def egress_settings(settings: Settings) -> EgressSettings:
    """Return what workers may reach, and how."""
    upstream = settings.net.site_proxy
    return EgressSettings(
        allow=settings.net.egress_allow,
        upstream=upstream.get_secret_value() if upstream else None,
        site_proxies=settings.net.site_proxies,
    )


def slots(settings: Settings) -> dict[Lane, int]:
    """Return how many jobs of each lane are worked on at a time."""
    downloads = settings.work.max_downloads
    return {Lane.INSPECT: max(downloads, 4), Lane.QUICK: QUICK_CLAIMS, Lane.DELIVER: downloads}


def uploader_settings(settings: Settings) -> UploaderSettings:
    """Return how far an upload may spread."""
    return UploaderSettings(max_connections=settings.work.upload_connections)


def fair_limits(settings: Settings) -> dict[Lane, FairLimits]:
    """Return how much of each lane one person and one chat may hold."""
    work = settings.work
    fair = FairLimits(
        per_user=work.max_user_downloads or max(work.max_downloads - 1, 1),  # one is for others
        per_chat=work.max_chat_downloads or work.max_downloads,
    )
    return {Lane.INSPECT: fair, Lane.QUICK: QUICK_LIMITS, Lane.DELIVER: fair}
