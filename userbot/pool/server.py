"""One life of the fork server: the child process `python -m userbot.worker`, and what it says."""

import asyncio
import itertools
import json
import logging
import os
import site
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping
from pathlib import Path

from userbot.errors import WorkerDiedError
from userbot.pool.line import Line
from userbot.pool.patience import to_the_end
from userbot.pool.settings import PoolSettings

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 60.0  # a cold disk and no compiled modules: 10 s
GONE_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 5.0
PACKET_BYTES = 4096
KEPT_VARIABLES = frozenset({"LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH"})

log = logging.getLogger(__name__)


def clean_environment(inherited: Mapping[str, str], tools_dir: Path) -> dict[str, str]:
    """Return all that workers may know of our environment; what is not named here stays here."""
    kept = {
        name: value
        for name, value in inherited.items()
        if name in KEPT_VARIABLES or name.startswith("LC_")
    }
    path = [str(tools_dir), inherited.get("PATH", os.defpath)]
    if site.ENABLE_USER_SITE:  # where `pip install --user` puts packages, which hangs on HOME
        base = kept["PYTHONUSERBASE"] = site.getuserbase()
        path.append(str(Path(base, "bin")))
    home = str(tools_dir)
    own = {"PATH": os.pathsep.join(path), "HOME": home, "TMPDIR": home}
    return {"LANG": "C.UTF-8"} | kept | own


class ForkServer:
    """A running fork server. It may die at any time; then `is_alive` turns false and stays so."""

    def __init__(self, process: Process, control: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.is_alive = True
        self._process = process
        self._control = control
        self._call_ids = itertools.count(1)
        self._gone: dict[int, asyncio.Event] = {}
        self._ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(control.fileno(), self._read)

    @classmethod
    async def start(cls, settings: PoolSettings) -> "ForkServer":
        """Return a fork server that is warm. Raises WorkerDiedError when it does not get so far."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            try:
                process = await _spawn(settings, theirs)
            except BaseException:
                ours.close()
                raise
        server = cls(process, ours)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await server._ready
        except TimeoutError as error:
            await server.stop()
            raise WorkerDiedError("the fork server does not get ready") from error
        except BaseException:
            await server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def call(self) -> Line:
        """Ask for a guard and return the line to it. It may never answer; see `Line.hello`."""
        call_id = next(self._call_ids)
        ours, theirs = socket.socketpair()
        with theirs:
            line = await Line.over(call_id, ours)
            self._gone[call_id] = asyncio.Event()
            self._send(call_id, theirs)
        return line

    async def end(self, line: Line) -> None:
        """End a call; returns when none of its processes is left.

        A cancellation meanwhile is raised afterwards.
        """
        try:
            await line.end()
        finally:
            try:
                if line.empty is None:
                    await self._see_gone(self._gone[line.call_id])
            finally:
                del self._gone[line.call_id]

    async def stop(self) -> None:
        """Close the line to the fork server, which then ends all it has, and wait for its end."""
        self._lose()
        killing = asyncio.get_running_loop().call_later(STOP_TIMEOUT_S, self.kill)
        try:
            await to_the_end(self._process.wait)
        finally:
            killing.cancel()

    def kill(self) -> None:
        """End a fork server that does not answer."""
        if self._process.returncode is None:
            self._process.kill()

    async def _see_gone(self, gone: asyncio.Event) -> None:
        """Wait for the fork server to end what a guard left behind, or to end itself."""
        if self.is_alive:
            await _bounded(gone, GONE_TIMEOUT_S)
        if not self.is_alive:
            await self.stop()

    def _send(self, call_id: int, call: socket.socket) -> None:
        packet = json.dumps({"call": call_id}).encode()
        try:
            socket.send_fds(self._control, [packet], [call.fileno()])
        except OSError:  # it died, or takes nothing: no guard will answer
            log.warning("the fork server takes no call")

    def _read(self) -> None:
        try:
            packet = self._control.recv(PACKET_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            packet = b""
        if packet:
            self._take(json.loads(packet))
        else:
            self._lose()

    def _take(self, news: Mapping[str, object]) -> None:
        match news:
            case {"gone": int(call_id)} if call_id in self._gone:
                self._gone[call_id].set()
            case {"ready": dict(facts)} if not self._ready.done():
                log.info("workers are ready in %.1f s, with %s", facts["warm_s"], facts["ffmpeg"])
                if facts["threads"] != 1:
                    log.warning("the fork server has %d threads", facts["threads"])
                for fault in facts["faults"]:
                    log.warning("%s", fault)
                for gap in facts["gaps"]:
                    log.warning("this system does not confine workers in all: %s", gap)
                self._ready.set_result(None)
            case {"failed": str(reason)} if not self._ready.done():
                self._ready.set_exception(WorkerDiedError(f"the fork server: {reason}"))

    def _lose(self) -> None:
        """Take note that it died, or is to die."""
        if not self.is_alive:
            return
        self.is_alive = False
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        for gone in self._gone.values():
            gone.set()
        if not self._ready.done():
            self._ready.set_exception(WorkerDiedError("the fork server died"))
            self._ready.exception()  # nobody may be waiting for it


async def _spawn(settings: PoolSettings, theirs: socket.socket) -> Process:
    tools_dir = settings.tools_dir.absolute()
    arguments = {
        "--socket": str(theirs.fileno()),
        "--entry": settings.entry,
        "--warm": settings.warm,
        "--tools": str(tools_dir),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "userbot.worker",
        *itertools.chain.from_iterable(arguments.items()),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
        pass_fds=[theirs.fileno()],
        cwd=ROOT,
        env=clean_environment(os.environ, tools_dir),  # noqa: TID251 - the allow-list is cut from it
        start_new_session=True,  # the terminal's Ctrl-C is for the bot alone
    )


async def _bounded(event: asyncio.Event, limit_s: float) -> None:
    """Wait for event, at most limit_s; a cancellation meanwhile is raised afterwards."""
    giving_up = asyncio.get_running_loop().call_later(limit_s, event.set)
    try:
        await to_the_end(event.wait)
    finally:
        giving_up.cancel()
