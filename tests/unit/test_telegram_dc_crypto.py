"""The data centre's two ways to open packets agree, and neither lets a wrong one pass."""

import os
import random

import pytest

from tests.telegram_dc import native
from tests.telegram_dc.crypto import BadMessageError, Packet, Plain, decrypt_all, encrypt

KEY, KEY_ID = os.urandom(256), os.urandom(8)
LENGTHS = [*range(52, 312, 4), 4096, 524_312, 524_316]


@pytest.fixture(scope="module", params=["compiled", "TgCrypto"])
def library(request, tmp_path_factory):
    if request.param == "TgCrypto":
        return None
    built = native.build(tmp_path_factory.mktemp("library"))
    if built is None:
        pytest.skip("no C compiler, or a processor without AES")
    return built


def test_packets_of_all_lengths_open_together(library):
    messages = [message(length) for length in random.sample(LENGTHS, len(LENGTHS))]
    outcomes = decrypt_all([packet(item) for item in messages], library)
    opened = [item for item in outcomes if isinstance(item, Plain)]
    assert [bytes(item.body) for item in opened] == [bytes(item.body) for item in messages]
    assert [item[:4] for item in opened] == [item[:4] for item in messages]


@pytest.mark.parametrize("position", [8, 24, 40, 60_000, -20])
def test_a_changed_byte_is_seen_and_spares_the_others(library, position):
    packets = [packet(message(length)) for length in (524_288, 70_000, 120_000)]
    packets[1].content[position] ^= 1
    outcomes = [type(item) for item in decrypt_all(packets, library)]
    assert outcomes == [Plain, BadMessageError, Plain]


def message(length):
    return Plain(7, b"session!", 99, 3, memoryview(os.urandom(length)))


def packet(item):
    sealed = encrypt(bytes(8) + KEY, KEY_ID, item)  # a server's key is a client's, 8 bytes on
    return Packet(KEY, memoryview(bytearray(sealed)))
