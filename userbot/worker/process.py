"""The worker process of one call: it confines itself, runs the call, says the answer and ends.

It knows one pipe to its guard and nothing of the bot. This is the border where everything
unexpected becomes an error of `userbot.errors`.
"""

import errno
import os
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

from userbot.domain.calls import Call, DownloadCall
from userbot.domain.jobs import Event
from userbot.errors import (
    DiskFullError,
    TooHeavyError,
    TooLargeError,
    UserbotError,
    WorkerBugError,
)
from userbot.wire import Answer, Order, Reply, encode_reply, frame
from userbot.worker import limits
from userbot.worker.identity import Identity
from userbot.worker.redact import head, redact
from userbot.worker.sandbox import Sandbox

TRACEBACK_CHARS, TRACEBACK_LINES = 2000, 100

Emit = Callable[[Event], None]
Entry = Callable[[Call, Emit], Answer]


@dataclass(frozen=True, slots=True)
class Setup:
    """What the fork server made ready for every call: what runs it, as whom, behind which walls."""

    entry: Entry
    sandbox: Sandbox
    identity: Identity


def run(order: Order, setup: Setup, guard_pid: int, pipe: int) -> NoReturn:
    """Run the call in this process, write what it says to the pipe, and exit."""
    try:
        say = _Mouth(pipe)
        say(_answer(order, setup, guard_pid, say))
        os._exit(0)
    finally:
        os._exit(1)


class _Mouth:
    """Writes replies to the guard, whole, from any thread."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def __call__(self, reply: Reply) -> None:
        data = memoryview(frame(encode_reply(reply)))
        with self._lock:
            while data:
                data = data[os.write(self._pipe, data) :]


def _answer(order: Order, setup: Setup, guard_pid: int, emit: Emit) -> Reply:
    """Return what the call came to; errors are returned, too."""
    try:
        limits.confine(guard_pid, order, setup.identity)
        _enter(setup.sandbox, order.call)
        tempfile.tempdir = None  # warming may have remembered the fork server's
        answer = setup.entry(order.call, emit)
        frame(encode_reply(answer))  # what cannot be said is a bug of the call
    except UserbotError as error:
        return DiskFullError() if _is_over_cap(error, order) else error
    except MemoryError:
        return TooHeavyError()
    except OSError as error:
        return _of_system(error, order)
    except Exception:  # noqa: BLE001 - the process border: the bot must learn what it was
        return _bug()
    return answer


def _enter(sandbox: Sandbox, call: Call) -> None:
    """Go behind the walls; where there is a proxy, nothing else can be reached."""
    if call.proxy is None:
        sandbox.enter(call.folder, None, may_resolve=True)
        return
    proxy = urlsplit(call.proxy)
    is_number = not (proxy.hostname or "").strip("0123456789.")  # needs nobody to look it up
    sandbox.enter(call.folder, [proxy.port] if proxy.port else None, may_resolve=not is_number)


def _of_system(error: OSError, order: Order) -> UserbotError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError()
    if error.errno == errno.EFBIG and isinstance(order.call, DownloadCall):
        too_large = TooLargeError(None, order.call.limit_bytes)
        return DiskFullError() if _is_over_cap(too_large, order) else too_large
    return _bug()


def _is_over_cap(error: UserbotError, order: Order) -> bool:
    """Return whether the kernel stopped a file at its share of the disk, not at the size limit."""
    if not isinstance(error, TooLargeError) or error.size_bytes is not None:
        return False
    return order.max_file_bytes < error.limit_bytes


def _bug() -> WorkerBugError:
    """Return what nobody expected. It is cut after it was redacted: half a secret is still one."""
    lines = traceback.format_exc().splitlines()[-TRACEBACK_LINES:]
    text = "\n".join(head(line, TRACEBACK_CHARS) for line in lines)
    return WorkerBugError(redact(text)[-TRACEBACK_CHARS:])
