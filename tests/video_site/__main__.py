"""The video site as a process of its own.

`python -m tests.video_site --dir CACHE_DIR` prints one line of JSON when it is ready:
`{"url": ..., "control_url": ..., "media_dir": ...}`.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from tests.video_site.content import Content, files_of
from tests.video_site.control import ControlHandler
from tests.video_site.faults import Ledger
from tests.video_site.journal import Journal
from tests.video_site.server import PublicHandler, listen
from tests.video_site.studio import make_media


def main() -> None:
    """Make the media, serve until told to end."""
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING, format="video_site %(levelname)s %(message)s")
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    media_dir = make_media(arguments.dir)
    asyncio.run(_serve(arguments.host, arguments.port, media_dir))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.video_site")
    parser.add_argument("--dir", type=Path, required=True, help="where the media is kept")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--until-stdin-closes", action="store_true")
    return parser.parse_args()


def _end_with_stdin() -> None:
    """End this process when whoever started it closes our stdin, or dies."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _serve(host: str, port: int, media_dir: Path) -> None:
    journal, ledger = Journal(now=time.time), Ledger()
    content = Content(files_of(media_dir), ledger, now=time.monotonic)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    public = PublicHandler(content.answer, journal, ledger)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(
            _listen_until_cancelled(host, port, public, ControlHandler(journal, ledger), media_dir)
        )
        await stop.wait()
        serving.cancel()


async def _listen_until_cancelled(
    host: str, port: int, public: PublicHandler, control: ControlHandler, media_dir: Path
) -> None:
    """Accept visitors; being cancelled ends their connections too."""
    async with asyncio.TaskGroup() as connections:
        site, site_port = await listen(host, port, public, connections)
        desk, desk_port = await listen("127.0.0.1", 0, control, connections)
        _tell_ready(f"http://{host}:{site_port}", f"http://127.0.0.1:{desk_port}", media_dir)
        try:
            await asyncio.Event().wait()
        finally:
            site.close()
            desk.close()


def _tell_ready(url: str, control_url: str, media_dir: Path) -> None:
    ready = {"url": url, "control_url": control_url, "media_dir": str(media_dir)}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
