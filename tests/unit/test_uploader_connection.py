"""What becomes of a part whose connection ends, or does not answer, at any moment."""

import asyncio
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telegram_dc import crypto
from userbot.telegram.uploader import mtproto
from userbot.telegram.uploader.connection import Connection
from userbot.telegram.uploader.home import Home
from userbot.telegram.uploader.mtproto import AuthKey, Clock, Salts
from userbot.telegram.uploader.pace import Window
from userbot.telegram.uploader.sent import Sent
from userbot.telegram.uploader.source import OpenFile, Source
from userbot.telegram.uploader.upload import Upload, UploadState

PART = 512 * 1024
KEY = AuthKey(random.Random(1).randbytes(256))


def make_home() -> Home:
    return Home(2, "127.0.0.1", 0, KEY, Salts(bytes(8)), Clock(), introduction=bytes(100))


class Ears:
    """Puts parts back as the dispatcher does, and remembers how often that was due."""

    def __init__(self) -> None:
        self.ends = asyncio.Event()
        self.woken = asyncio.Event()

    def lost(self, connection: Connection) -> None:
        for sent in connection.pending.values():
            sent.put_back()
        self.ends.set()

    def acknowledged(self, connection: Connection, sent: Sent, sample_s: float) -> None:
        sent.upload.acknowledged(sent.index)

    def refused(self, connection: Connection, sent: Sent, code: int, text: str) -> None:
        raise AssertionError(text)

    def unwelcome(self, connection: Connection, code: int, text: str) -> None:
        raise AssertionError(text)

    def wake(self) -> None:
        self.woken.set()


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[Upload]:
    path = tmp_path / "file"
    path.write_bytes(bytes(PART))
    file = OpenFile(path)
    yield Upload(Source.finished(path, PART), file, UploadState())
    file.release()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def connected(ours: socket.socket, ears: Ears) -> Connection:
    return Connection(make_home(), ours, ears, Window(4), is_sure=True)


async def test_a_part_that_was_not_written_comes_back_once(upload, ends):
    ears = Ears()
    connection = connected(ends[0], ears)
    assert upload.take() == 0
    message, _ = connection.begin(upload, 0)
    connection.close()
    connection.end(message.message_id, None)  # before the end of the line is told
    await ears.ends.wait()
    assert [upload.take(), upload.take()] == [0, None]


async def test_a_part_that_is_being_written_comes_back_once(upload, ends):
    ears = Ears()
    connection = connected(ends[0], ears)
    assert upload.take() == 0
    message, _ = connection.begin(upload, 0)
    connection.close()
    await ears.ends.wait()
    assert bytes(connection.push(b"packet")) == b"packet"  # its descriptor is nobody else's yet
    connection.end(message.message_id, memoryview(b"packet"))
    assert ends[0].fileno() == -1
    assert [upload.take(), upload.take()] == [0, None]


def said(theirs: socket.socket) -> list[crypto.Plain]:
    """What our side has written so far, but for the first four bytes."""
    data, plains = theirs.recv(2 * PART), []
    while data:
        length = int.from_bytes(data[:4], "little")
        plains.append(crypto.decrypt(KEY.key, data[4 : 4 + length]))
        data = data[4 + length :]
    return plains


def say(theirs: socket.socket, session_id: bytes, message_id: int, body: bytes) -> None:
    plain = crypto.Plain(0, session_id, message_id, 1, memoryview(body))
    packet = crypto.encrypt(KEY.key, KEY.id, plain)
    theirs.send(len(packet).to_bytes(4, "little") + packet)


async def test_a_new_session_wants_everything_again(upload, ends):
    ears = Ears()
    connection = connected(ends[0], ears)
    assert ends[1].recv(4) == b"\xee\xee\xee\xee"
    introduction, _salts = said(ends[1])
    assert upload.take() == 0
    message, _ = connection.begin(upload, 0)
    connection.end(message.message_id, connection.push(b""))
    new_session = struct.pack("<Iqq8s", mtproto.NEW_SESSION, message.message_id + 4, 7, b"new salt")
    say(ends[1], introduction.session_id, message.message_id + 1, new_session)
    await ears.woken.wait()
    assert [upload.take(), upload.take()] == [0, None]
    again = said(ends[1])[0]
    assert bytes(again.body[:100]) == bytes(100)
    assert connection.home.salts.current == b"new salt"


async def test_nonsense_ends_a_connection(ends):
    ears = Ears()
    connection = connected(ends[0], ears)
    ends[1].send(bytes(4))
    await ears.ends.wait()
    assert not connection.is_open


async def test_an_overdue_part_goes_elsewhere_and_silence_ends_the_connection(upload, ends):
    ears = Ears()
    connection = connected(ends[0], ears)
    assert upload.take() == 0
    message, _ = connection.begin(upload, 0)
    rest = connection.push(bytes(1000))
    connection.end(message.message_id, rest)
    ends[1].recv(4096)
    now_s = asyncio.get_running_loop().time()
    connection.check(now_s, 1.0)
    assert upload.take() is None
    connection.check(now_s + 1.5, 1.0)
    assert connection.is_suspect
    assert upload.take() == 0
    assert connection.is_open
    connection.check(now_s + 5, 1.0)
    await ears.ends.wait()
    assert upload.take() is None  # it is elsewhere
