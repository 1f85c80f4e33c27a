"""Calls of several commands that nobody can stop half-way.

A thread that talks to the server does not hear of a cancelled caller: the command is carried out
all the same, and the ones that belong to it must be, too.
"""

import asyncio
from collections.abc import Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from userbot.errors import StoreAwayError
from userbot.mongo.client import translated

# Commands have their own; this is for a call of many, and one that waits for a thread of motor's.
CALL_TIMEOUT_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[T]):
    """What a call returned, or the error it raised."""

    value: T | None
    error: BaseException | None = None


class OneByOne:
    """Lets the calls of this process pass in the order of coming, for each key.

    Not needed to be right, since other processes do not wait in it: it spares calls that would
    only take from each other, and who came first is served first.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: Hashable) -> asyncio.Lock:
        """Return the lock of a key, which lasts as long as somebody has it."""
        return self._locks.setdefault(key, asyncio.Lock())


async def whole(call: Coroutine[Any, Any, T]) -> T:
    """Return what call returns. A cancellation is raised after the call has ended.

    Raises InfrastructureError for every error of the driver, StoreAwayError after CALL_TIMEOUT_S.
    """
    cancelled: asyncio.CancelledError | None = None
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_outcome(call))
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled
    outcome = running.result()
    if outcome.error is not None:
        raise outcome.error
    return outcome.value  # type: ignore[return-value]  # T may be Optional itself


async def _outcome(call: Coroutine[Any, Any, T]) -> _Outcome[T]:
    try:
        with translated():
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return _Outcome(await call)
    except TimeoutError as error:
        late = StoreAwayError(f"MongoDB: no answer within {CALL_TIMEOUT_S:.0f} s")
        late.__cause__ = error
        return _Outcome(None, late)
    except Exception as error:  # noqa: BLE001  # the caller raises it: here it would end the group
        return _Outcome(None, error)
