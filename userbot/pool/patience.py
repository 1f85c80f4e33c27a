"""Waiting that no cancellation cuts short; only for what must not be left half done: ending."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(step: Callable[[], Awaitable[T]]) -> T:
    """Return what step comes to; a cancellation meanwhile is raised after it.

    step is started anew when it was cancelled, so it must be bounded in time by itself and lose
    nothing between starts.
    """
    try:
        return await step()
    except asyncio.CancelledError:
        await to_the_end(step)
        raise
