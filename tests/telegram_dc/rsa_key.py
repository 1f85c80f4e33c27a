"""The data centre's RSA-2048 key: made once, kept in the state directory."""

import base64
import json
import secrets
import struct
from dataclasses import dataclass
from hashlib import sha1
from itertools import count
from pathlib import Path

from tests.telegram_dc.tl import tl_bytes

_EXPONENT = 65537
_PRIME_BITS = 1024
_ROUNDS = 8  # for random candidates of this size the chance of an error is below 2**-100
_SMALL_PRIMES = [n for n in range(3, 4000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


@dataclass(frozen=True, slots=True)
class RsaKey:
    modulus: int
    exponent: int
    private: int

    @property
    def fingerprint(self) -> int:
        digest = sha1(tl_bytes(_big(self.modulus)) + tl_bytes(_big(self.exponent))).digest()
        return int.from_bytes(digest[-8:], "little", signed=True)

    @property
    def pem(self) -> str:
        body = _der(0x30, _der_integer(self.modulus) + _der_integer(self.exponent))
        text = base64.b64encode(body).decode()
        lines = [text[i : i + 64] for i in range(0, len(text), 64)]
        return "\n".join(
            ["-----BEGIN RSA PUBLIC KEY-----", *lines, "-----END RSA PUBLIC KEY-----", ""]
        )

    def decrypt(self, data: bytes) -> bytes:
        return pow(int.from_bytes(data, "big"), self.private, self.modulus).to_bytes(256, "big")


def load_or_make(directory: Path) -> RsaKey:
    path = directory / "rsa_key.json"
    if path.exists():
        return RsaKey(**json.loads(path.read_text()))
    key = _make()
    path.touch(mode=0o600)
    path.write_text(
        json.dumps({"modulus": key.modulus, "exponent": key.exponent, "private": key.private})
    )
    return key


def random_prime(bits: int) -> int:
    for _ in count():
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(candidate % p or candidate == p for p in _SMALL_PRIMES) and _is_prime(candidate):
            return candidate
    raise AssertionError("unreachable")


def _make() -> RsaKey:
    while True:
        p, q = random_prime(_PRIME_BITS), random_prime(_PRIME_BITS)
        phi = (p - 1) * (q - 1)
        if p != q and phi % _EXPONENT:
            return RsaKey(p * q, _EXPONENT, pow(_EXPONENT, -1, phi))


def _is_prime(candidate: int) -> bool:
    """Miller-Rabin; the first base is 2, which rejects almost every composite."""
    odd, shift = candidate - 1, 0
    while odd % 2 == 0:
        odd, shift = odd // 2, shift + 1
    bases = [2, *(secrets.randbelow(candidate - 3) + 2 for _ in range(_ROUNDS))]
    return all(_passes(candidate, base, odd, shift) for base in bases)


def _passes(candidate: int, base: int, odd: int, shift: int) -> bool:
    x = pow(base, odd, candidate)
    if x in (1, candidate - 1):
        return True
    for _ in range(shift - 1):
        x = x * x % candidate
        if x == candidate - 1:
            return True
    return False


def _big(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _der(tag: int, body: bytes) -> bytes:
    if len(body) < 128:
        return struct.pack("BB", tag, len(body)) + body
    length = _big(len(body))
    return struct.pack("BB", tag, 0x80 | len(length)) + length + body


def _der_integer(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))
