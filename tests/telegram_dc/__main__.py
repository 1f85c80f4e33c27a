"""`python -m tests.telegram_dc --dir DIR`: runs a data centre until SIGTERM.

When it listens it prints one line of JSON: the addresses, the public key's path, and the bot's
credentials.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.telegram_dc.control_server import ControlProtocol
from tests.telegram_dc.flood import FloodLimits
from tests.telegram_dc.server import Server


class _StopError(Exception):
    """Ends the task group with the calls that are still being answered."""


def main() -> None:
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("pyrogram").setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.telegram_dc", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="state: keys, parts, files")
    parser.add_argument("--port", type=int, default=0, help="of Telegram; 0: any free one")
    parser.add_argument("--control-port", type=int, default=0, help="of the control")
    parser.add_argument(
        "--native-crypto", action="store_true", help="compile a faster cipher, for benchmarks"
    )
    parser.add_argument("--no-flood-limits", action="store_true")
    for name, default in vars(FloodLimits()).items():
        if name != "enabled":
            option = "--" + name.replace("_", "-")
            parser.add_argument(option, type=type(default), default=default)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent")
    return parser


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        await loop.connect_read_pipe(lambda: _Watch(stop), sys.stdin)
    try:
        async with asyncio.TaskGroup() as tasks:
            await _run(arguments, tasks, stop)
            raise _StopError
    except* _StopError:
        pass


async def _run(
    arguments: argparse.Namespace, tasks: asyncio.TaskGroup, stop: asyncio.Event
) -> None:
    server = Server(
        arguments.dir.resolve(),
        _limits(arguments),
        tasks,
        native_crypto=arguments.native_crypto,
    )
    await server.listen(arguments.port)
    control = await server.loop.create_server(
        lambda: ControlProtocol(server), "127.0.0.1", arguments.control_port
    )
    ready = _ready(server) | {"control": f"127.0.0.1:{control.sockets[0].getsockname()[1]}"}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stop.wait()
    control.close()
    server.close()


def _limits(arguments: argparse.Namespace) -> FloodLimits:
    names = [name for name in vars(FloodLimits()) if name != "enabled"]
    values = {name: getattr(arguments, name) for name in names}
    return FloodLimits(enabled=not arguments.no_flood_limits, **values)


def _ready(server: Server) -> dict[str, Any]:
    identity = server.identity
    return {
        "address": f"127.0.0.1:{server.port}",
        "public_key": str(server.public_key_path),
        "api_id": identity.api_id,
        "api_hash": identity.api_hash,
        "bot_token": identity.bot_token,
        "bot_id": identity.bot_id,
        "bot_username": identity.bot_username,
    }


class _Watch(asyncio.Protocol):
    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, _error: Exception | None) -> None:
        self._stop.set()


if __name__ == "__main__":
    main()
