"""One life of the proxy's process, as the bot sees it: what it is told, and what it answers."""

import asyncio
import logging
import os
import site
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from pathlib import Path

from userbot.egress.words import (
    MAX_PACKET_BYTES,
    Add,
    Added,
    Fault,
    Ready,
    Remove,
    Removed,
    Spent,
    Start,
    Word,
    decode,
    encode,
)
from userbot.errors import WorkerDiedError

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0  # a cold disk and no compiled modules
ANSWER_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
TOLD_FAULTS = 50  # of one life: what strangers can bring about must not fill the log
KEPT_VARIABLES = ("LANG", "PATH", "LD_LIBRARY_PATH", "RES_OPTIONS", "LOCALDOMAIN")
RESOLVER_THREADS = "32"  # names that never resolve must not hold up the others; libuv has 4

log = logging.getLogger(__name__)


def clean_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return all that the proxy may know of our environment."""
    kept = {name: inherited[name] for name in KEPT_VARIABLES if name in inherited}
    if site.ENABLE_USER_SITE:  # where `pip install --user` puts packages, which hangs on HOME
        kept["PYTHONUSERBASE"] = site.getuserbase()
    return {**kept, "UV_THREADPOOL_SIZE": RESOLVER_THREADS}


class ProxyProcess:
    """A running proxy. It may die at any time; then `is_alive` turns false and stays so."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.port = 0
        self.is_alive = True
        self._process = process
        self._line = line
        self._ready: asyncio.Future[None] = loop.create_future()
        self._asked: dict[str, asyncio.Future[Added | Removed | None]] = {}
        self._spent: set[str] = set()
        self._faults = 0
        loop.add_reader(line.fileno(), self._read)

    @classmethod
    async def start(
        cls, allow: tuple[str, ...], upstream: str | None, resolve: str
    ) -> "ProxyProcess":
        """Return a proxy that listens. Raises WorkerDiedError when it does not get so far."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            try:
                process = await _spawn(theirs, resolve)
            except BaseException:
                ours.close()
                raise
        proxy = cls(process, ours)
        try:
            proxy._say(Start(allow, upstream))
            async with asyncio.timeout(START_TIMEOUT_S):
                await proxy._ready
        except TimeoutError as error:
            await proxy.stop()
            raise WorkerDiedError("the egress proxy does not get ready") from error
        except BaseException:
            await proxy.stop()
            raise
        return proxy

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_spent(self, name: str) -> bool:
        """Tell whether a call has been cut because it had its bytes."""
        return name in self._spent

    async def add(self, name: str, word: str, cap_bytes: int) -> bool:
        """Let a call pass; False when the proxy is gone."""
        return await self._ask(Add(name, word, cap_bytes), name) is not None

    async def remove(self, name: str) -> Removed | None:
        """Let a call pass no more and return what it did, None when the proxy is gone."""
        answer = await self._ask(Remove(name), name)
        return answer if isinstance(answer, Removed) else None

    def forget(self, name: str) -> None:
        """Let a call pass no more, without waiting."""
        self._say(Remove(name))
        self._spent.discard(name)

    async def stop(self) -> None:
        """Hang up, and wait for the end of the process; one that does not end is killed."""
        self._lose()
        killing = asyncio.get_running_loop().call_later(STOP_TIMEOUT_S, self._kill)
        try:
            await self._process.wait()
        finally:
            killing.cancel()
            self._kill()

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def _ask(self, word: Add | Remove, name: str) -> Added | Removed | None:
        if not self.is_alive:
            return None
        answer: asyncio.Future[Added | Removed | None]
        answer = asyncio.get_running_loop().create_future()
        self._asked[name] = answer
        try:
            self._say(word)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await answer
        except TimeoutError:
            log.warning("the egress proxy does not answer; ending it")
            self._kill()
            self._lose()
            return None
        finally:
            self._asked.pop(name, None)

    def _say(self, word: Word) -> None:
        if not self.is_alive:
            return
        try:
            self._line.send(encode(word))
        except OSError:  # it died, or takes nothing: asking again will tell
            log.warning("the egress proxy takes no word")

    def _read(self) -> None:
        try:
            packet = self._line.recv(MAX_PACKET_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            packet = b""
        if packet:
            self._take(decode(packet))
        else:
            self._lose()

    def _take(self, word: Word) -> None:
        if isinstance(word, Ready):
            self.port = word.port
            if not self._ready.done():
                self._ready.set_result(None)
        elif isinstance(word, Fault):
            self._tell(word)
        elif isinstance(word, Spent):
            self._spent.add(word.name)
        elif isinstance(word, Added | Removed):
            answer = self._asked.get(word.name)
            if answer and not answer.done():
                answer.set_result(word)

    def _tell(self, fault: Fault) -> None:
        self._faults += 1
        if self._faults <= TOLD_FAULTS:
            log.error("the egress proxy: %s", fault.reason)
        if not self._ready.done():
            self._ready.set_exception(WorkerDiedError(f"the egress proxy: {fault.reason}"))

    def _lose(self) -> None:
        """Take note that it died, or is to die."""
        if not self.is_alive:
            return
        self.is_alive = False
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self._line.close()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(WorkerDiedError("the egress proxy died"))
            self._ready.exception()  # nobody may be waiting for it


async def _spawn(theirs: socket.socket, resolve: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "userbot.egress"),
        *("--socket", str(theirs.fileno()), "--resolve", resolve),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        pass_fds=[theirs.fileno()],
        cwd=ROOT,
        env=clean_environment(os.environ),  # noqa: TID251 - the allow-list is cut from it
        start_new_session=True,  # the terminal's Ctrl-C is for the bot alone
    )
