"""No child of the bot has a password of its settings where other processes can read it."""

import asyncio
from pathlib import Path

import psutil

from tests.integration.pool_helpers import settings, text_of
from userbot.domain.urls import AllowList
from userbot.egress.gate import Egress, EgressSettings
from userbot.pool import ProcessPool

WORD = "pass%2Fword-4711"
SETTINGS = {
    "BOT_TOKEN": f"123456:{WORD}",
    "API_HASH": WORD,
    "MONGO_URL": f"mongodb://me:{WORD}@127.0.0.1/bot",
    "REDIS_URL": f"redis://:{WORD}@127.0.0.1/0",
    "SITE_PROXY": f"socks5://me:{WORD}@127.0.0.1:9",
    "http_proxy": f"http://me:{WORD}@127.0.0.1:9",
}


async def test_no_process_below_the_bot_shows_a_password(tmp_path, monkeypatch):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    way_out = EgressSettings(AllowList(), SETTINGS["SITE_PROXY"])
    async with (
        Egress.open(way_out) as egress,
        ProcessPool.open(settings(tmp_path / "tools"), egress.passage) as pool,
        asyncio.TaskGroup() as group,
    ):
        call = group.create_task(pool.extract("hang", tmp_path))
        worker = int(await text_of(tmp_path / "worker", limit_s=30))
        below = psutil.Process().children(recursive=True)
        assert {worker, pool.fork_server_pid} < {process.pid for process in below}
        assert any("userbot.egress" in process.cmdline() for process in below)
        for process in below:
            for name in ("environ", "cmdline"):
                shown = Path(f"/proc/{process.pid}/{name}").read_bytes()
                assert b"pass%2F" not in shown, (name, shown)
                assert b"word-4711" not in shown, (name, shown)
        call.cancel()
