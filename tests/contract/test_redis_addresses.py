"""Whatever `REDIS_URL` can say: TLS, passwords, users, sockets; and what is no address."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.contract.volatile import BOT_ID, redis
from userbot.errors import InfrastructureError, LoginRefusedError
from userbot.memory.volatile import in_memory
from userbot.ports.volatile import Charge
from userbot.redis.client import open_client
from userbot.redis.fallback import open_redis

PATIENCE_S = 10.0
NO_WAIT_S = 60.0
WORD = "open-sesame"


@asynccontextmanager
async def opened(url):
    local, forget = in_memory(time.monotonic)
    async with open_redis(url, BOT_ID, local, forget, PATIENCE_S) as stores:
        yield stores


async def works(url):
    """Whether Redis itself, and not what stands in for it, answers every sort of call."""
    async with asyncio.timeout(NO_WAIT_S), opened(url) as stores:
        await stores.cache.put("key", "value", 60)
        assert await stores.cache.get("key") == "value"
        assert await stores.limiter.charge([Charge("k", 1, 60)]) == 0
        assert await stores.limiter.charge([Charge("k", 1, 60)]) > 0
        await stores.wakeups.wake()
        return not stores.cache._breaker.is_open


async def configured(server, *settings):
    async with open_client(server.url, PATIENCE_S) as client:
        for name, value in settings:
            await client.config_set(name, value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate that vouches for itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=Redis")
    now, here = datetime.now(UTC), x509.IPAddress(IPv4Address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


@asynccontextmanager
async def encrypted(certificate):
    """Run a server with a password that also speaks TLS; yields the port for that."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with redis() as server:
        await configured(
            server,
            ("tls-cert-file", str(certificate[0])),
            ("tls-key-file", str(certificate[1])),
            ("tls-ca-cert-file", str(certificate[0])),
            ("tls-auth-clients", "no"),
            ("tls-port", port),
            ("requirepass", WORD),
        )
        yield port


async def test_a_certificate_is_trusted_when_the_address_names_its_authority(certificate, caplog):
    async with encrypted(certificate) as port:
        trusted = f"?ssl_ca_certs={certificate[0]}"
        assert await works(f"rediss://:{WORD}@127.0.0.1:{port}/1{trusted}")
    assert not caplog.records


async def test_a_certificate_nobody_vouches_for_is_told_and_done_without(certificate, caplog):
    async with encrypted(certificate) as port:
        assert not await works(f"rediss://:{WORD}@127.0.0.1:{port}/1")
    (said,) = caplog.messages
    assert "its certificate is not trusted: self-signed certificate" in said
    assert "ssl_ca_certs=FILE" in said
    assert WORD not in caplog.text


async def test_a_user_needs_the_keys_and_the_channel_of_the_bot_alone(caplog):
    async with redis() as server:
        async with open_client(server.url, PATIENCE_S) as client:
            own = [f"~userbot:{BOT_ID}:*", f"&userbot:{BOT_ID}:*"]
            await client.execute_command(
                *("ACL", "SETUSER", "bot", "on", f">{WORD}/@", *own, "+@all", "-@dangerous")
            )
        path = server.url.removeprefix("unix://")
        assert await works(f"unix://bot@{path}?password={WORD}%2F%40")
    assert not caplog.records


@pytest.mark.parametrize("word", ["wrong-sesame", ""])
async def test_a_wrong_password_is_told_and_done_without(word, caplog):
    async with redis() as server:
        await configured(server, ("requirepass", WORD))
        assert not await works(f"{server.url}?password={word}" if word else server.url)
    (said,) = caplog.messages
    assert "it does not accept the user name or the password of REDIS_URL" in said
    assert "sesame" not in said


@pytest.mark.parametrize(
    "url",
    [
        "redis://:open/sesame@127.0.0.1:6379",
        "redis://:open-sesame@127.0.0.1:99999",
        "redis://:open-sesame@[::1",
        "redis://:open-sesame@127.0.0.1?db=sesame",
        "redis://:open-sesame@127.0.0.1?sesame=1",
        "rediss://:open-sesame@127.0.0.1?ssl_cert_reqs=sesame",
        "http://127.0.0.1",
    ],
)
async def test_what_is_no_address_is_told_without_a_word_of_it(url):
    with pytest.raises(InfrastructureError, match="is no address of a Redis") as caught:
        async with opened(url):
            pytest.fail("it was opened")
    assert "sesame" not in str(caught.value)


async def test_what_ends_the_bot_is_not_wrapped_on_its_way_through():
    """Whoever started it is to read why, with Redis as without."""
    refused = LoginRefusedError("ACCESS_TOKEN_INVALID")
    with pytest.raises(LoginRefusedError) as caught:
        async with opened("unix:///nowhere/s"):
            raise refused
    assert caught.value is refused
