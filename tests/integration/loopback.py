"""Pyrogram clients that talk to a data centre on loopback, and what their tests share."""

import asyncio
import base64
import hashlib
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pyrogram import Client, enums, raw
from pyrogram.connection import Connection
from pyrogram.crypto import rsa
from pyrogram.handlers import CallbackQueryHandler, MessageHandler
from pyrogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
)

from tests.telegram_dc import DataCentre
from userbot.telegram import client as telegram

ANN, BOB = 101, 102
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 180, 320) + bytes(100)


def bots_client(dc: DataCentre, sessions_dir: Path | None = None) -> Client:
    """The client as the bot makes it, not started."""
    host, port = dc.address.split(":")
    server = telegram.Server(host, int(port), dc.public_key)
    login = telegram.Login(dc.api_id, dc.api_hash, dc.bot_token, server)
    return telegram.make_client(login, sessions_dir)


def trust(pem: Path) -> None:
    """Makes Pyrogram accept the server's key, as the product does with TELEGRAM_PUBLIC_KEY."""
    der = base64.b64decode("".join(pem.read_text().splitlines()[1:-1]))
    length = int.from_bytes(der[6:8], "big")
    modulus, exponent = der[8 : 8 + length].lstrip(b"\0"), der[8 + length + 2 :]
    tl = b"\xfe\x00\x01\x00" + modulus + b"\x03" + exponent
    fingerprint = int.from_bytes(hashlib.sha1(tl).digest()[-8:], "little", signed=True)
    numbers = (int.from_bytes(part, "big") for part in (modulus, exponent))
    rsa.server_public_keys[fingerprint] = rsa.PublicKey(*numbers)


def connection_to(address: str) -> type[Connection]:
    host, port = address.split(":")

    class LoopbackConnection(Connection):
        def __init__(self, **options: Any) -> None:
            super().__init__(**(options | {"server_address": host, "port": int(port)}))

    return LoopbackConnection


def make_client(dc: DataCentre, directory: Path, **options: Any) -> Any:
    trust(dc.public_key)
    defaults: dict[str, Any] = {
        "api_id": dc.api_id,
        "api_hash": dc.api_hash,
        "bot_token": dc.bot_token,
        "workdir": str(directory),
        "connection_factory": connection_to(dc.address),
        "sleep_threshold": 0,
        "skip_updates": False,
        "parse_mode": enums.ParseMode.DISABLED,
    }
    return Client("bot", **(defaults | options))


@asynccontextmanager
async def online(dc: DataCentre, directory: Path, **options: Any) -> AsyncIterator[Any]:
    client = make_client(dc, directory, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


def rows(*buttons: tuple[str, str | bytes]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=data)] for text, data in buttons]
    )


def received(client: Any) -> "asyncio.Queue[Any]":
    """What the client's handlers get from now on."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def keep(_client: Any, update: Any) -> None:
        await queue.put(update)

    client.add_handler(MessageHandler(keep))
    client.add_handler(CallbackQueryHandler(keep))
    return queue


async def soon(queue: "asyncio.Queue[Any]", fits: Callable[[Any], bool] = lambda _: True) -> Any:
    async with asyncio.timeout(5):
        while True:
            if fits(item := await queue.get()):
                return item


async def send_raw(client: Any, chat_id: int, text: str, **options: Any) -> Any:
    peer = await client.resolve_peer(chat_id)
    options = {"random_id": client.rnd_id()} | options
    return await client.session.send(
        raw.functions.messages.SendMessage(peer=peer, message=text, **options)
    )


async def save_big(client: Any, file_id: int, part: int, total: int, data: bytes) -> Any:
    call = raw.functions.upload.SaveBigFilePart(
        file_id=file_id, file_part=part, file_total_parts=total, bytes=data
    )
    return await client.invoke(call)


async def send_document(client: Any, document: Any) -> Any:
    return await client.invoke(
        raw.functions.messages.SendMedia(
            peer=await client.resolve_peer(ANN),
            media=document,
            message="",
            random_id=client.rnd_id(),
        )
    )
