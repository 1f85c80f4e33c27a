"""Where parts go, and as whom: learned from the client, which learned it from Telegram."""

import asyncio
from dataclasses import dataclass, field, replace

from pyrogram import Client, raw
from pyrogram.raw.all import layer

from userbot.errors import DeliveryError
from userbot.telegram.uploader.mtproto import AuthKey, Clock, Salts

_CONFIG_TIMEOUT_S = 3.0  # a call that a lost connection swallowed takes Pyrogram much longer


@dataclass(frozen=True, slots=True)
class Home:
    """A data centre's address for media, the client's key there, and how to introduce oneself."""

    dc_id: int
    host: str
    port: int
    key: AuthKey = field(repr=False)
    salts: Salts = field(repr=False)
    clock: Clock = field(repr=False)
    introduction: bytes = field(repr=False)
    others: tuple[tuple[str, int], ...] = ()  # addresses that take parts too

    def at(self, turn: int) -> "Home":
        """Return it with one of its addresses; 0: the best one."""
        addresses = ((self.host, self.port), *self.others)
        host, port = addresses[turn % len(addresses)]
        return replace(self, host=host, port=port)


async def find_home(client: Client, dc_id: int | None = None) -> Home:
    """Ask the client for its own data centre, or another one that Telegram named.

    Raises what Pyrogram raises, and DeliveryError for what this uploader cannot do.
    """
    if client.proxy:
        raise DeliveryError("PROXY_UNSUPPORTED")
    own_id = await client.storage.dc_id()
    dc_id = dc_id or own_id
    addresses = await _addresses(client, dc_id, own_id)
    session = await client.get_session(dc_id)
    redirected = [await _redirected(client, dc_id, *address) for address in addresses]
    (host, port), *others = dict.fromkeys(redirected)
    salt = session.salt.to_bytes(8, "little", signed=True)
    return Home(
        dc_id,
        host,
        port,
        AuthKey(session.auth_key),
        Salts(salt),
        Clock(client.server_time - Clock().now()),
        await _introduction(client),
        tuple(others),
    )


async def has_key(client: Client, home: Home) -> bool:
    """Say whether the client still uses the key of home."""
    return bool(await client.storage.auth_key() == home.key.key)


async def _addresses(client: Client, dc_id: int, own_id: int) -> list[tuple[str, int]]:
    """Return the address for media, and where the client itself is at home: it takes parts too.

    Of the client's data centre there is always one, also while its connection is in trouble.
    """
    own = [await _own_address(client)] if dc_id == own_id else []
    try:
        async with asyncio.timeout(_CONFIG_TIMEOUT_S):
            found = await _configured(client, dc_id)
    except (OSError, TimeoutError):
        if not own:
            raise
        return own
    if not found and not own:
        raise DeliveryError("DC_ID_INVALID")
    return found[:1] + own


async def _own_address(client: Client) -> tuple[str, int]:
    return await client.storage.server_address(), await client.storage.port()


async def _configured(client: Client, dc_id: int) -> list[tuple[str, int]]:
    """Return the addresses in Telegram's configuration that speak plain TCP, best first."""
    config = await client.invoke(raw.functions.help.GetConfig())
    if not isinstance(config, raw.types.Config):  # Pyrogram returns any notification as an answer
        raise ConnectionError(f"{type(config).__name__} instead of the configuration")
    options = [
        option
        for option in config.dc_options
        if option.id == dc_id and bool(option.ipv6) == bool(client.ipv6)
        if not (option.cdn or option.tcpo_only or option.secret)
    ]
    options.sort(key=lambda option: not option.media_only)
    return [(option.ip_address, option.port) for option in options]


async def _redirected(client: Client, dc_id: int, host: str, port: int) -> tuple[str, int]:
    """Return where the client itself would connect to: another Telegram, if it is set."""
    connection = client.connection_factory(
        dc_id=dc_id,
        server_address=host,
        port=port,
        test_mode=await client.storage.test_mode(),
        proxy=client.proxy,
        media=True,
        protocol_factory=client.protocol_factory,
        loop=client.loop,
    )
    return connection.server_address, connection.port


async def _introduction(client: Client) -> bytes:
    """Return invokeWithLayer(initConnection(...)): the first call of every session."""
    query = raw.functions.InitConnection(
        api_id=await client.storage.api_id(),
        app_version=client.app_version,
        device_model=client.device_model,
        system_version=client.system_version,
        system_lang_code=client.system_lang_code,
        lang_pack=client.lang_pack,
        lang_code=client.lang_code,
        query=raw.functions.help.GetConfig(),
    )
    return bytes(raw.functions.InvokeWithLayer(layer=layer, query=query).write())
