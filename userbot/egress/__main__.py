"""The proxy as a process, `python -m userbot.egress`: one inherited socket, a clean environment."""

import argparse
import contextlib
import ctypes
import os
import resource
import signal
import socket
from pathlib import Path

import uvloop

from userbot import niceness
from userbot.egress import control
from userbot.egress.words import Fault

PR_SET_DUMPABLE = 4  # prctl(2)
PR_SET_NO_NEW_PRIVS = 38
NICENESS = 5  # downloads can wait for a moment, people who write to the bot should not
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Serve until the bot closes its end of the socket."""
    arguments = _arguments()
    _close_files_but(arguments.socket)
    niceness.be_nicer(NICENESS)  # before _settle, after which /proc/self is root's
    _settle()
    with socket.socket(fileno=arguments.socket) as line:
        line.set_inheritable(False)
        try:
            uvloop.run(control.serve(line, arguments.resolve))
        except (ImportError, AttributeError, OSError) as error:
            control.say(line, Fault(f"{type(error).__name__}: {error}"))
            raise
        except Exception as error:
            control.say(line, Fault(type(error).__name__))  # its words may hold a password
            raise


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m userbot.egress")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--resolve", required=True, help="module:function that looks up a name")
    return parser.parse_args()


def _close_files_but(kept: int) -> None:
    """Close what was inherited beside the standard files and kept; uvloop lets some through."""
    files = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    for file in files:
        if file > 2 and file != kept:
            with contextlib.suppress(OSError):  # the listing's own, closed by now
                os.close(file)


def _settle() -> None:
    """Let nobody read this memory, take all files there are, and leave the end to the bot."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
