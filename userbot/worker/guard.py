"""The guard of one call: it forks the worker, relays its words, and leaves nothing of the call.

It ends everything when the bot shuts its side of the socket or dies, when the worker ends, or at
its own deadline, and says `Empty` only when no descendant is left. Only the guard holds the socket
to the bot.
"""

import os
import select
import socket
import time
from typing import NoReturn

from userbot.errors import WorkerDiedError
from userbot.wire import (
    WORKER,
    Empty,
    FrameBuffer,
    Hello,
    Order,
    decode_order,
    encode_word,
    frame,
)
from userbot.worker import limits, process, reaper

CHUNK_BYTES = 64 * 1024
ORDER_TIMEOUT_S = 30.0


def run(bot: socket.socket, setup: process.Setup) -> NoReturn:
    """Guard the call that the bot orders over its socket, in this process, and exit."""
    try:
        limits.become_subreaper()
        bot.settimeout(ORDER_TIMEOUT_S)
        bot.sendall(frame(encode_word(Hello(os.getpid()))))
        call = _begin(bot, setup)  # the order, which may hold megabytes, is the worker's alone
        how = call.run() if call else "no order"
        bot.sendall(frame(encode_word(Empty(how))))
    finally:
        os._exit(0)


def _begin(bot: socket.socket, setup: process.Setup) -> "_Guard | None":
    order = _receive_order(bot)
    return _Guard(bot, order, setup) if order else None


def _receive_order(bot: socket.socket) -> Order | None:
    """Return the order, None when the bot changed its mind."""
    buffer = FrameBuffer()
    while chunk := bot.recv(CHUNK_BYTES):
        for body in buffer.feed(chunk):
            return decode_order(body)
    return None


class _Guard:
    def __init__(self, bot: socket.socket, order: Order, setup: process.Setup) -> None:
        self._bot = bot
        self._folder, self._identity = order.call.folder, setup.identity
        self._ends_at_s = time.monotonic() + order.backup_s
        self._frames = FrameBuffer()
        self._pipe, theirs = os.pipe()
        self._worker = self._fork(order, setup, theirs)
        os.close(theirs)
        os.set_blocking(self._pipe, False)
        self._worker_end = os.pidfd_open(self._worker)

    def run(self) -> str:
        """Return how the worker ended, when no process of the call is left."""
        reason = self._relay()
        os.kill(self._worker, 9)
        _, status = os.waitpid(self._worker, 0)
        reaper.end_descendants()
        self._identity.leave(self._folder)
        if reason is None:
            self._say_rest()
        return reason or reaper.exit_text(status)

    def _fork(self, order: Order, setup: process.Setup, pipe: int) -> int:
        guard_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._bot.close()
            os.close(self._pipe)
            process.run(order, setup, guard_pid, pipe)
        return pid

    def _relay(self) -> str | None:
        """Relay until there is a reason to end the call; None when it is that the worker ended."""
        try:
            return self._relay_until_end()
        except WorkerDiedError as error:  # a frame too long
            return error.detail
        except OSError:  # the bot is gone, or stopped reading
            return "no bot"

    def _relay_until_end(self) -> str | None:
        waiting = select.poll()
        for file in (self._bot.fileno(), self._pipe, self._worker_end):
            waiting.register(file, select.POLLIN)
        while (left_s := self._ends_at_s - time.monotonic()) > 0:
            self._bot.settimeout(left_s)
            ready = {file for file, _ in waiting.poll(left_s * 1000)}
            if self._bot.fileno() in ready:  # the bot has nothing to say but that it is enough
                return "ended by the bot"
            if self._worker_end in ready:
                return None
            if self._pipe in ready and not self._say(os.read(self._pipe, CHUNK_BYTES)):
                waiting.unregister(self._pipe)
        return "ended by its guard"

    def _say_rest(self) -> None:
        """Relay what the worker wrote before it ended. Nobody is left to write more."""
        try:
            while self._say(os.read(self._pipe, CHUNK_BYTES)):
                pass
        except (OSError, WorkerDiedError):
            return

    def _say(self, chunk: bytes) -> bool:
        """Relay the frames that chunk completes; False for the end of the pipe."""
        for body in self._frames.feed(chunk):
            self._bot.sendall(frame(WORKER + body))
        return bool(chunk)
