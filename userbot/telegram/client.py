"""The one Pyrogram client: who it is, and which Telegram it talks to."""

import asyncio
import logging
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pyrogram import Client, raw
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.errors import RPCError
from pyrogram.raw.core import Bytes
from pyrogram.session.session import AuthKeyNotFound
from pyrogram.types import BotCommand

from userbot.errors import DeliveryError, LoginEndedError, LoginRefusedError, StoreAwayError
from userbot.telegram import unknown_errors
from userbot.telegram.ended import KEY_UNKNOWN, is_ended, key_is_unknown
from userbot.telegram.failures import FLOOD_WAIT, NO_ANSWER, code_of, wait_s
from userbot.telegram.position import Position
from userbot.telegram.updates import UpdatesClient

log = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
PING_TIMEOUT_S = 20.0
CHECK_WAIT_S = 30.0  # somebody sits before the terminal


@dataclass(frozen=True, slots=True)
class Server:
    """Another Telegram: its address, and the file of its public RSA key (PEM)."""

    host: str
    port: int
    public_key: Path


@dataclass(frozen=True, slots=True)
class Login:
    """Who the bot is. `server` is None for Telegram itself."""

    api_id: int
    api_hash: str
    bot_token: str
    server: Server | None = None

    def __repr__(self) -> str:
        return f"Login(bot {self.bot_id})"

    @property
    def bot_id(self) -> str:
        """The public part of the token."""
        return self.bot_token.partition(":")[0]


def make_client(login: Login, sessions_dir: Path | None) -> Client:
    """Return a client that is not started; its session file lies in sessions_dir, None: in memory.

    Links sent while the bot was away are delivered at the start. Waiting for FLOOD_WAIT is ours.
    """
    unknown_errors.contain()
    name = f"bot{login.bot_id}"
    return UpdatesClient(
        name,
        Position(name, sessions_dir),
        api_id=login.api_id,
        api_hash=login.api_hash,
        bot_token=login.bot_token,
        workdir=sessions_dir or Path(),
        skip_updates=False,
        sleep_threshold=0,
        fetch_replies=False,
        fetch_topics=False,
        fetch_stories=False,
        fetch_stickers=False,
        max_message_cache_size=100,
        connection_factory=_connections_to(login.server) if login.server else Connection,
    )


async def start(client: Client, max_wait_s: float = math.inf) -> None:
    """Log in; as late as Telegram asks for, within max_wait_s.

    A session file whose login Telegram has ended is set aside, and the token is used anew.
    Raises LoginRefusedError, or DeliveryError when Telegram does not answer in time.
    """
    try:
        await _log_in(client, max_wait_s)
    except LoginEndedError as ended:
        log.warning(
            "Telegram has ended the login (%s); the bot logs in anew. "
            "What was sent to it since it last ran is lost",
            ended.code,
        )
        assert isinstance(client.storage, Position)
        client.storage.set_aside()
        await _log_in_anew(client, max_wait_s)


async def _log_in_anew(client: Client, max_wait_s: float) -> None:
    try:
        await _log_in(client, max_wait_s)
    except LoginEndedError as again:
        if again.code == KEY_UNKNOWN:  # of a key that it has just made
            raise DeliveryError(NO_ANSWER) from again
        raise LoginRefusedError(again.code) from again


async def _log_in(client: Client, max_wait_s: float) -> None:
    while (wait := await _try(client)) is not None:
        if wait > max_wait_s:
            raise DeliveryError(FLOOD_WAIT)
        log.warning("Telegram wants the login to wait for %.0f s", wait)
        await asyncio.sleep(wait)


async def _try(client: Client) -> float | None:
    """Log in once; return how long Telegram wants to wait before that, None: it is done."""
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            await _start(client)
    except RPCError as error:
        await _put_down(client)
        if is_ended(error):
            raise LoginEndedError(code_of(error)) from error
        wait = wait_s(error)
        if wait is None:
            raise LoginRefusedError(code_of(error)) from error
        return wait
    except LoginEndedError:
        await _put_down(client)
        raise
    except (TimeoutError, OSError) as error:
        raise DeliveryError(NO_ANSWER) from error
    except sqlite3.Error as error:
        raise StoreAwayError(f"session file: {error}") from error
    return None


async def _start(client: Client) -> None:
    """Start the client. Raises LoginEndedError as soon as Telegram says that it knows no key."""
    try:
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_end_of_key(client))
            await client.start()
            watch.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def _end_of_key(client: Client) -> None:
    await key_is_unknown(client)
    raise LoginEndedError(KEY_UNKNOWN)


async def _put_down(client: Client) -> None:
    """Make a client that Pyrogram stopped half-way one that can be started."""
    if not client.is_connected:
        return
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await client.disconnect()
    except (AuthKeyNotFound, OSError, RPCError) as error:  # TimeoutError too
        log.info("the connection to Telegram was not closed in order: %r", error)
    client.session, client.is_connected = None, False


async def stop(client: Client) -> None:
    """Log off. A Telegram that does not answer any more is left alone after a while."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await client.stop()
    except (TimeoutError, OSError, RPCError, AuthKeyNotFound) as error:
        log.warning("the connection to Telegram was not closed in order: %r", error)


async def answers(client: Client) -> bool:
    """Say whether Telegram answers right now."""
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            await client.invoke(raw.functions.Ping(ping_id=0))
    except (TimeoutError, OSError, RPCError):
        return False
    return True


async def set_commands(client: Client, commands: Mapping[str, str]) -> None:
    """Fill the menu that Telegram shows for "/"; without it everything works too."""
    wanted = [BotCommand(name, description) for name, description in commands.items()]
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            await client.set_bot_commands(wanted)
    except (TimeoutError, OSError, RPCError) as error:
        log.warning("the command menu was not set: %r", error)


async def check_login(login: Login) -> str:
    """Log in once and return the bot's user name. Raises as `start` does; leaves nothing behind."""
    client = make_client(login, sessions_dir=None)
    await start(client, CHECK_WAIT_S)
    try:
        return str(client.me.username) if client.me else ""
    finally:
        await stop(client)


def _connections_to(server: Server) -> type[Connection]:
    """Return a connection class that goes to server whatever address it is given."""
    _trust(server.public_key)

    class ServerConnection(Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.server_address, self.port = server.host, server.port
            self.ipv6 = ":" in server.host

    return ServerConnection


def _trust(pem: Path) -> None:
    """Make a server's key one of those that Pyrogram takes for Telegram's."""
    key = load_pem_public_key(pem.read_bytes())
    if not isinstance(key, RSAPublicKey):
        raise TypeError(f"{pem} is not an RSA key")
    numbers = key.public_numbers()
    blob = Bytes(_big_endian(numbers.n)) + Bytes(_big_endian(numbers.e))
    # https://core.telegram.org/mtproto/auth_key: the lower 64 bits of SHA-1 of the bare key
    fingerprint = int.from_bytes(sha1(blob).digest()[-8:], "little", signed=True)
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(numbers.n, numbers.e)


def _big_endian(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
