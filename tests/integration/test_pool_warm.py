"""The fork server as the bot runs it, with all of yt-dlp in it."""

import json
import logging
from dataclasses import replace

import psutil

from tests.integration.pool_helpers import settings
from userbot.pool import PoolSettings, ProcessPool


async def test_the_real_entry_gets_warm_with_one_thread(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with ProcessPool.open(PoolSettings(tools_dir=tmp_path / "tools")) as pool:
        assert psutil.Process(pool.fork_server_pid).num_threads() == 1
    assert "workers are ready" in caplog.text
    assert "threads" not in caplog.text


async def test_a_call_finds_yt_dlp_loaded(tmp_path):
    warm = replace(settings(tmp_path / "tools"), warm=PoolSettings(tmp_path).warm)
    async with ProcessPool.open(warm) as pool:
        facts = json.loads((await pool.extract("surroundings", tmp_path)).title)
    assert facts["is_yt_dlp_loaded"]
    assert [target[:5] for name, target in facts["files"].items() if int(name) > 2] == ["pipe:"]
