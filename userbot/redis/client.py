"""The only place where a Redis client is made, and where its errors are named.

A single server: the limiter asks for several keys at once, which a cluster would want on one node.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from userbot.errors import InfrastructureError

log = logging.getLogger(__name__)

TIMEOUT_S = 0.3  # somebody waits for each call
# Each call is done in a fraction of a millisecond, unless there is much to carry: such calls never
# take the connections of those that somebody's answer waits for. One more listens, one probes.
MAX_CALLS, MAX_LARGE_CALLS = 14, 4
MAX_CONNECTIONS = MAX_CALLS + MAX_LARGE_CALLS + 2
CLOSE_TIMEOUT_S = 2.0

FAILURES = (RedisError, TimeoutError, OSError)
"""What a call can end with when the server is away, is slow or does not let us in."""
LATE = (RedisTimeoutError, TimeoutError)
"""Those of them that a call ends with when there was too little time for it."""

UNREADABLE = (
    "REDIS_URL is no address of a Redis: redis://user:password@host:6379/0, rediss:// for TLS, or"
    " unix:///path?password=..., with %40 for an @ in a password, %2F for a /, and so on"
)


T = TypeVar("T")


@asynccontextmanager
async def open_client(url: str, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Redis]:
    """Make a client for the block; nothing is connected before the first call.

    Raises InfrastructureError for a url that cannot be understood, without a word of it.
    """
    client = Redis.from_pool(_pool(url, timeout_s))
    try:
        yield client
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.aclose()
        except FAILURES:
            pass  # it is gone already


async def mended(client: Redis, keys: list[str], call: Callable[[], Awaitable[T]]) -> T:
    """Return what call says, which uses keys alone.

    Keys that hold what the call cannot read - somebody else wrote there - are emptied first, and
    cost no more than what they held.
    """
    try:
        return await call()
    except ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        log.warning("emptied, as they held something else: %s", ", ".join(keys))
    await client.delete(*keys)
    return await call()


def why(error: BaseException) -> str:
    """Return in words for the log why the server cannot be used."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = cause.verify_message.removesuffix(".")
        return f"its certificate is not trusted: {what}; ?ssl_ca_certs=FILE says whose is"
    if isinstance(error, LATE):
        return "it does not answer in time"
    if isinstance(error, AuthenticationError) or isinstance(cause, AuthenticationError):
        return f"it does not accept the user name or the password of REDIS_URL: {error}"
    return str(error) or repr(error)


def _pool(url: str, timeout_s: float) -> BlockingConnectionPool:
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # by default it tries for seconds
            decode_responses=True,
            encoding_errors="replace",  # a title may hold what UTF-8 cannot say
            client_name="userbot",
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        )
        # Reads the options of the url, and connects nothing.
        pool.make_connection()  # type: ignore[no-untyped-call]  # vendor's
    except (ValueError, TypeError, RedisError) as error:
        raise InfrastructureError(UNREADABLE) from error
    return pool
