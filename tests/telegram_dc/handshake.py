"""Creation of an authorisation key, https://core.telegram.org/mtproto/auth_key."""

import secrets
import struct
import time
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from io import BytesIO
from typing import Any

import tgcrypto
from pyrogram.crypto.prime import CURRENT_DH_PRIME
from pyrogram.raw.core import TLObject

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKeys
from tests.telegram_dc.crypto import BadMessageError
from tests.telegram_dc.rsa_key import RsaKey, random_prime

_GENERATOR = 3
_FACTOR_BITS = 30


@dataclass
class Handshake:
    """One connection's exchange; `answer` takes each unencrypted message's body in turn."""

    rsa: RsaKey
    keys: AuthKeys
    server_nonce: int = field(
        default_factory=lambda: int.from_bytes(secrets.token_bytes(16), "little", signed=True)
    )
    factors: tuple[int, int] = (0, 0)
    new_nonce: bytes = b""
    secret: int = 0

    def answer(self, body: bytes) -> Any:
        """Raises BadMessageError for what is no step of the exchange or fails its checks."""
        try:
            request = tl.load(body)
        except (KeyError, struct.error, IndexError) as error:
            raise BadMessageError("not a step of the key exchange") from error
        if isinstance(request, (tl.functions.ReqPqMulti, tl.functions.ReqPq)):
            return self._pq(request)
        if isinstance(request, tl.functions.ReqDHParams):
            return self._dh_params(request)
        if isinstance(request, tl.functions.SetClientDHParams):
            return self._finish(request)
        raise BadMessageError(f"{request.QUALNAME} outside of a session")

    def _pq(self, request: Any) -> Any:
        p, q = sorted((random_prime(_FACTOR_BITS), random_prime(_FACTOR_BITS)))
        self.factors = p, q
        return tl.types.ResPQ(
            nonce=request.nonce,
            server_nonce=self.server_nonce,
            pq=(p * q).to_bytes(8, "big"),
            server_public_key_fingerprints=[self.rsa.fingerprint],
        )

    def _dh_params(self, request: Any) -> Any:
        given = int.from_bytes(request.p, "big"), int.from_bytes(request.q, "big")
        if given != self.factors or request.public_key_fingerprint != self.rsa.fingerprint:
            raise BadMessageError("wrong factors or fingerprint")
        inner = _inner_data(self.rsa.decrypt(request.encrypted_data))
        if inner.server_nonce != self.server_nonce:
            raise BadMessageError("wrong server_nonce")
        self.new_nonce = inner.new_nonce.to_bytes(32, "little", signed=True)
        self.secret = secrets.randbits(2047)
        answer = tl.types.ServerDHInnerData(
            nonce=request.nonce,
            server_nonce=self.server_nonce,
            g=_GENERATOR,
            dh_prime=CURRENT_DH_PRIME.to_bytes(256, "big"),
            g_a=pow(_GENERATOR, self.secret, CURRENT_DH_PRIME).to_bytes(256, "big"),
            server_time=int(time.time()),
        ).write()
        data = sha1(answer).digest() + answer
        data += secrets.token_bytes(-len(data) % 16)
        return tl.types.ServerDHParamsOk(
            nonce=request.nonce,
            server_nonce=self.server_nonce,
            encrypted_answer=tgcrypto.ige256_encrypt(data, *self._temporary_key()),
        )

    def _finish(self, request: Any) -> Any:
        if not self.secret:
            raise BadMessageError("set_client_DH_params before req_DH_params")
        data = tgcrypto.ige256_decrypt(request.encrypted_data, *self._temporary_key())
        inner = tl.load(data[20:])
        if sha1(inner.write()).digest() != data[:20]:
            raise BadMessageError("hash does not match")
        shared = pow(int.from_bytes(inner.g_b, "big"), self.secret, CURRENT_DH_PRIME)
        key = shared.to_bytes(256, "big")
        self.keys.add(key, self._first_salt())
        digest = sha1(self.new_nonce + b"\x01" + sha1(key).digest()[:8]).digest()
        return tl.types.DhGenOk(
            nonce=request.nonce,
            server_nonce=self.server_nonce,
            new_nonce_hash1=int.from_bytes(digest[4:], "little", signed=True),
        )

    def _temporary_key(self) -> tuple[bytes, bytes]:
        server = self.server_nonce.to_bytes(16, "little", signed=True)
        new = self.new_nonce
        middle = sha1(server + new).digest()
        key = sha1(new + server).digest() + middle[:12]
        return key, middle[12:] + sha1(new + new).digest() + new[:4]

    def _first_salt(self) -> int:
        server = self.server_nonce.to_bytes(16, "little", signed=True)
        salt = bytes(a ^ b for a, b in zip(self.new_nonce[:8], server[:8], strict=True))
        return int.from_bytes(salt, "little", signed=True)


def _inner_data(data: bytes) -> Any:
    """The p_q_inner_data in an RSA block: SHA-1 and padding (old), or RSA_PAD (new)."""
    if data[0] == 0 and (inner := _with_sha1(data[1:])) is not None:
        return inner
    return _with_rsa_pad(data)


def _with_sha1(data: bytes) -> Any:
    reader = BytesIO(data[20:])
    try:
        inner = TLObject.read(reader)
    except (KeyError, struct.error, IndexError):
        return None
    return inner if sha1(data[20 : 20 + reader.tell()]).digest() == data[:20] else None


def _with_rsa_pad(data: bytes) -> Any:
    encrypted = data[32:]
    digest = sha256(encrypted).digest()
    key = bytes(a ^ b for a, b in zip(data[:32], digest, strict=True))
    plain = tgcrypto.ige256_decrypt(encrypted, key, bytes(32))
    padded = plain[:192][::-1]
    if sha256(key + padded).digest() != plain[192:]:
        raise BadMessageError("RSA block does not match")
    return tl.load(padded)
