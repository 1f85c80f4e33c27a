"""The only place where a Redis client is made, and where its errors are named.

A single server: the limiter asks for several keys at once, which a cluster would want on one node.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

TIMEOUT_S = 0.3  # somebody waits for each call
MAX_CONNECTIONS = 20  # each call is done in a fraction of a millisecond
CLOSE_TIMEOUT_S = 2.0

FAILURES = (RedisError, TimeoutError, OSError)
"""What a call can end with when the server is away, is slow or does not let us in."""
LATE = (RedisTimeoutError, TimeoutError)
"""Those of them that a call ends with when there was too little time for it."""


@asynccontextmanager
async def open_client(url: str, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Redis]:
    """Make a client for the block; nothing is connected before the first call."""
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
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await client.aclose()
        except FAILURES:
            pass  # it is gone already
