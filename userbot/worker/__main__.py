"""The fork server, `python -m userbot.worker`: warm once, then one fork per call.

It has one inherited socket to the bot, no address and a clean environment; each packet from the bot
brings the socket of a call, for which it forks a guard. Should a guard be killed, its orphans
become children of this process, which ends them and then says so. When the bot is gone, everything
is ended. It has one thread: forking stays safe.
"""

import argparse
import gc
import json
import os
import pkgutil
import select
import socket
from pathlib import Path
from time import monotonic

from userbot import wire
from userbot.worker import guard, identity, limits, reaper, tools
from userbot.worker.process import Entry, Setup
from userbot.worker.sandbox import Sandbox
from userbot.worker.trial import runs

PACKET_BYTES = 4096


def main() -> None:
    """Get warm, say so, and serve until the bot closes its end."""
    arguments = _arguments()
    limits.close_files_but(arguments.socket)
    bot = socket.socket(fileno=arguments.socket)
    bot.set_inheritable(False)
    try:
        setup, news = _prepare(arguments)
    except Exception as error:
        _say(bot, {"failed": f"{type(error).__name__}: {error}"[:1000]})
        raise
    _say(bot, {"ready": news})
    _ForkServer(bot, setup).serve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m userbot.worker")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--entry", required=True, help="module:function that runs a call")
    parser.add_argument(
        "--warm", required=True, help="module:function to run before the first fork"
    )
    parser.add_argument("--tools", type=Path, required=True)
    return parser.parse_args()


def _prepare(arguments: argparse.Namespace) -> tuple[Setup, dict[str, object]]:
    """Load what calls need. Returns it, and what the bot wants to know for its log."""
    began_s = monotonic()
    limits.become_subreaper()
    limits.ignore_stop_signals()
    search_path = os.environ["PATH"]
    arguments.tools.mkdir(parents=True, exist_ok=True)
    who = identity.here(arguments.tools, tools.candidates(arguments.tools, search_path))
    ffmpeg = tools.link_ffmpeg(
        arguments.tools, search_path, lambda found: runs(found, arguments.tools, search_path, who)
    )
    wire.warm()
    entry: Entry = pkgutil.resolve_name(arguments.entry)
    pkgutil.resolve_name(arguments.warm)()
    gc.collect()
    gc.freeze()
    sandbox = Sandbox.here(arguments.tools, tools.programs(ffmpeg, search_path))
    return Setup(entry, sandbox, who), {
        "ffmpeg": str(ffmpeg),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "warm_s": monotonic() - began_s,
        "gaps": [*sandbox.gaps(), *filter(None, [who.gap])],
        "faults": [ffmpeg.complaint] if ffmpeg.complaint else [],
    }


def _say(bot: socket.socket, packet: dict[str, object]) -> None:
    bot.send(json.dumps(packet).encode())


class _ForkServer:
    def __init__(self, bot: socket.socket, setup: Setup) -> None:
        self._bot = bot
        self._setup = setup
        self._waiting = select.poll()
        self._guards: dict[int, tuple[int, int]] = {}  # by pidfd: the pid, the id of its call

    def serve(self) -> None:
        """Fork and bury guards until the bot is gone, then leave no process behind."""
        self._waiting.register(self._bot.fileno(), select.POLLIN)
        try:
            while self._turn():
                pass
        finally:
            reaper.end_descendants()

    def _turn(self) -> bool:
        for file, _ in self._waiting.poll():
            if file != self._bot.fileno():
                self._bury(file)
            elif not self._accept():
                return False
        return True

    def _accept(self) -> bool:
        """Fork a guard for the call whose socket comes in; False when the bot is gone."""
        packet, files, _, _ = socket.recv_fds(self._bot, PACKET_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        if not packet:
            return False
        call_id = int(json.loads(packet)["call"])
        with socket.socket(fileno=files[0]) as call:
            try:
                pid = self._fork(call)
            except OSError:  # no more processes or memory: the end of its socket tells the bot
                _say(self._bot, {"gone": call_id})
                return True
        file = os.pidfd_open(pid)
        self._guards[file] = pid, call_id
        self._waiting.register(file, select.POLLIN)
        return True

    def _fork(self, call: socket.socket) -> int:
        pid = os.fork()
        if pid == 0:
            self._bot.close()
            for file in self._guards:
                os.close(file)
            guard.run(call, self._setup)
        return pid

    def _bury(self, file: int) -> None:
        """Reap a guard, end what it may have left, and tell the bot that its call is gone."""
        pid, call_id = self._guards.pop(file)
        self._waiting.unregister(file)
        os.close(file)
        os.waitpid(pid, 0)
        reaper.end_children(spare={pid for pid, _ in self._guards.values()})
        _say(self._bot, {"gone": call_id})


if __name__ == "__main__":
    main()
