"""Messages as they go over the line, and parts in the order in which they may go."""

import asyncio
import gc
import gzip
import importlib
import os
import random
import struct
import threading
from pathlib import Path

import pytest

from tests.telegram_dc import crypto
from userbot.errors import DeliveryError, ToolError
from userbot.telegram.uploader import mtproto, uploader
from userbot.telegram.uploader.cipher import OpenSslCipher, TgCryptoCipher, best_cipher
from userbot.telegram.uploader.envelope import part_message
from userbot.telegram.uploader.mtproto import (
    AuthKey,
    Clock,
    Message,
    ProtocolError,
    Salts,
    Session,
)
from userbot.telegram.uploader.source import OpenFile, Source
from userbot.telegram.uploader.upload import Upload, UploadState

PART = 512 * 1024
KEY = AuthKey(random.Random(1).randbytes(256))


def session() -> Session:
    return Session(KEY, Salts(bytes(8)), Clock())


def sealed(session: Session, body: bytes) -> memoryview:
    """A packet as the server would send it."""
    plain = crypto.Plain(0, session.id, session.number()[0] | 1, 1, memoryview(body))
    return memoryview(crypto.encrypt(KEY.key, KEY.id, plain))


@pytest.fixture
def file(tmp_path):
    """Makes an open file of random bytes, and closes it."""
    opened = []

    def make(size: int) -> tuple[Path, OpenFile]:
        path = tmp_path / "file"
        path.write_bytes(random.randbytes(size))
        opened.append(OpenFile(path))
        return path, opened[-1]

    yield make
    for item in opened:
        item.release()


@pytest.mark.parametrize("cipher", [OpenSslCipher, TgCryptoCipher])
@pytest.mark.parametrize("size", [1, 16, 253, 254, 255, 100_000, PART - 3, PART])
def test_a_part_is_sealed_as_mtproto_prescribes(file, cipher, size):
    path, opened = file(size)
    upload = Upload(Source.finished(path, size), opened, UploadState(file_id=77))
    message = part_message(session(), upload, 0)
    packet, digest = message.seal(cipher())
    assert digest == b""
    assert int.from_bytes(packet[:4], "little") == len(packet) - 4
    plain = crypto.decrypt(KEY.key, bytes(packet[4:]))
    assert plain.message_id == message.message_id
    assert struct.unpack_from("<Iqi", plain.body) == (mtproto.SAVE_FILE_PART, 77, 0)
    start = 16 + len(mtproto.bytes_head(size))
    assert plain.body[start : start + size] == path.read_bytes()
    assert not any(plain.body[start + size :])


def test_a_thread_seals_short_parts_after_long_ones(file):
    path, opened = file(PART + 10)
    upload = Upload(Source.finished(path, PART + 10), opened, UploadState())
    cipher = OpenSslCipher()
    for index in (0, 1, 0, 1):
        packet, _ = part_message(session(), upload, index).seal(cipher)
        body = crypto.decrypt(KEY.key, bytes(packet[4:])).body
        part = path.read_bytes()[index * PART : (index + 1) * PART]
        assert part in bytes(body)


def test_without_a_fast_cipher_there_is_no_start(monkeypatch):
    load = importlib.import_module
    missing = {"numpy"}

    def load_some(name: str):
        if name in missing:
            raise ImportError(name)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", load_some)
    assert isinstance(best_cipher(), TgCryptoCipher)
    missing.add("tgcrypto")
    with pytest.raises(ToolError):
        best_cipher()


def test_message_ids_grow_and_a_number_can_be_taken_back():
    numbers = session()
    first, one = numbers.number()
    second, two = numbers.number(is_content=False)
    third, three = numbers.number()
    assert first < second < third
    assert not first % 4
    assert (one, two, three) == (1, 2, 3)
    numbers.take_back(third)
    assert numbers.number()[1] == 3
    numbers.take_back(third)  # not the last one any more
    assert numbers.number()[1] == 5


def test_answers_come_out_of_containers_and_gzip():
    ours = session()
    answer = struct.pack("<Iq", mtproto.RPC_RESULT, 5)
    squeezed = gzip.compress(struct.pack("<I", mtproto.BOOL_TRUE))
    zipped = struct.pack("<I", mtproto.GZIP_PACKED) + bytes([len(squeezed)]) + squeezed
    inner = answer + zipped + bytes(-len(answer + zipped) % 4)
    pong = struct.pack("<Iqq", mtproto.PONG, 6, 7)
    packed = [
        struct.pack("<qii", number, 1, len(body)) + body
        for number, body in ((11, inner), (15, pong))
    ]
    container = struct.pack("<Ii", mtproto.CONTAINER, 2) + b"".join(packed)
    first, second = ours.unpack(sealed(ours, container))
    question, value = mtproto.result(first)
    assert (question, mtproto.constructor(value)) == (5, mtproto.BOOL_TRUE)
    assert (second.id, mtproto.constructor(second.body)) == (15, mtproto.PONG)


def test_an_error_is_read_from_its_answer():
    text = b"FLOOD_WAIT_3"
    body = struct.pack("<Ii", mtproto.RPC_ERROR, 420) + bytes([len(text)]) + text
    assert mtproto.error_of(memoryview(body)) == (420, "FLOOD_WAIT_3")


def test_what_is_not_for_this_session_is_refused():
    ours, other = session(), session()
    packet = sealed(other, struct.pack("<Iqq", mtproto.PONG, 1, 2))
    with pytest.raises(ProtocolError, match="session"):
        ours.unpack(packet)
    broken = bytearray(packet)
    broken[-1] ^= 1
    with pytest.raises(ProtocolError, match="message key"):
        other.unpack(memoryview(broken))
    with pytest.raises(ProtocolError, match="packet"):
        other.unpack(memoryview(os.urandom(104)))


def test_a_container_cut_short_is_refused():
    ours = session()
    with pytest.raises(ProtocolError, match="container"):
        list(ours.unpack(sealed(ours, struct.pack("<Ii", mtproto.CONTAINER, 3))))
    bad = Message(1, 1, memoryview(struct.pack("<I", mtproto.GZIP_PACKED) + b"\x04nope"))
    with pytest.raises(ProtocolError, match="gzip"):
        list(mtproto.unpacked(bad))


def test_salts_follow_the_servers_plan():
    salts = Salts(b"a" * 8)
    assert salts.should_ask(1000)
    assert not salts.should_ask(1001)
    entries = [(1000, 3000, b"b" * 8), (2000, 4000, b"c" * 8)]
    body = struct.pack("<Iqii", mtproto.FUTURE_SALTS, 0, 1000, 2)
    salts.learn(memoryview(body + b"".join(struct.pack("<ii8s", *entry) for entry in entries)))
    assert salts.at(1500) == b"b" * 8
    assert salts.at(2500) == b"c" * 8
    salts.replace(b"d" * 8)
    assert salts.at(5000) == b"d" * 8
    assert salts.should_ask(9000)


def taken(upload: Upload) -> list[int]:
    return list(iter(upload.take, None))


async def test_a_growing_file_gives_its_parts_in_order(file):
    path, opened = file(5 * PART)
    source = Source(path, head_bytes=PART + 1)
    upload = Upload(source, opened, UploadState())
    source.grew(3 * PART)
    assert taken(upload) == []
    source.grew(4 * PART + 1)
    assert taken(upload) == [2, 3]
    assert [upload.total_in(index) for index in (2, 3)] == [-1, -1]
    source.finish(5 * PART)
    assert taken(upload) == [0, 1]
    for index in range(4):
        upload.acknowledged(index)
    assert taken(upload) == [4]
    assert upload.total_in(4) == 5
    upload.acknowledged(4)
    assert upload.is_complete


async def test_a_part_comes_back_before_the_others(file):
    path, opened = file(25 * PART)
    upload = Upload(Source.finished(path, 25 * PART), opened, UploadState())
    assert [upload.take() for _ in range(3)] == [0, 1, 2]
    upload.acknowledged(0)
    upload.acknowledged(0)
    upload.put_back(0)
    upload.put_back(1)
    assert upload.take() == 1
    assert upload.done_bytes == PART
    upload.restart()
    assert taken(upload) == list(range(25))


async def test_a_part_that_reads_differently_is_an_error(file):
    path, opened = file(PART)
    upload = Upload(Source(path), opened, UploadState())
    upload.read(0, b"one")
    upload.read(0, b"one")
    upload.read(0, b"")
    with pytest.raises(DeliveryError, match="FILE_CHANGED"):
        upload.read(0, b"two")


def test_a_state_survives_as_text():
    for done in (set(), {0}, {0, 3, 3999}, set(range(4000))):
        state = UploadState(is_stream=False, done=done, identity=(2_000_000_000, 10**18))
        assert UploadState.load(state.dump()) == state
        assert len(state.dump()) < 1200
    assert UploadState.load(UploadState().dump()).identity is None


def test_the_state_of_a_file_that_grows_tells_what_its_parts_were():
    digests = {index: index.to_bytes(8, "big") for index in range(4000)}
    state = UploadState(is_stream=True, done={0, 3, 9000}, digests=digests)
    again = UploadState.load(state.dump())
    assert (again.file_id, again.is_stream, again.identity) == (state.file_id, True, None)
    assert again.done == {0, 3}  # of another part nobody could say what it was
    assert again.digests == {0: digests[0], 3: digests[3]}
    state.done = set(range(4000))
    assert len(state.dump()) < 66_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1, 2]",
        '[1, true, "xyz", null]',
        "[1, 2, 3, 4]",
        '[1, true, "03", null, "00"]',
        '[1, true, "03", null, "0011"]',
    ],
)
def test_a_state_that_makes_no_sense_is_refused(text):
    with pytest.raises((ValueError, TypeError)):
        UploadState.load(text)


def test_the_state_of_another_file_is_not_used():
    state = UploadState(file_id=5, is_stream=True, done={1, 2}, identity=(9, 9))
    state.claim((9, 9))
    assert (state.file_id, state.done) == (5, {1, 2})
    state.claim((9, 10))
    assert state.file_id != 5
    assert (state.done, state.is_stream, state.identity) == (set(), None, (9, 10))


def test_a_source_of_another_size_than_promised_is_abandoned(tmp_path):
    source = Source(tmp_path, size_bytes=10)
    source.finish(11)
    assert isinstance(source.error, DeliveryError)
    assert not source.is_whole


async def test_what_is_read_in_vain_after_the_end_is_no_error(file):
    path, opened = file(PART)
    upload = Upload(Source.finished(path, PART), opened, UploadState())
    begun, goes_on, complaints = threading.Event(), threading.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    def read() -> None:
        begun.set()
        goes_on.wait()
        raise FileNotFoundError

    reading = asyncio.ensure_future(uploader._in_thread(upload, read))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    reading.cancel()
    await asyncio.wait([reading])
    goes_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    del reading
    gc.collect()
    await asyncio.sleep(0.01)
    assert not complaints
