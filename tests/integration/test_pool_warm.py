"""The fork server as the bot runs it, with all of yt-dlp in it."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path

import psutil

from tests import video_site
from tests.integration.pool_helpers import family, settings
from tests.integration.trouble import troubled
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
        facts = json.loads((await pool.extract("surroundings", tmp_path)).info_json)
    assert facts["is_yt_dlp_loaded"]
    assert [target[:5] for name, target in facts["files"].items() if int(name) > 2] == ["pipe:"]


async def test_a_download_does_without_what_only_looking_at_files_needs(tmp_path, request):
    """Thirty-two at once would each pay for it."""
    cache = request.config.cache.mkdir("video_site")
    async with video_site.running(cache) as site, troubled(site, tmp_path, stall_s=20.0) as bot:
        seen = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            call = bot.get("medium", rate=3_000_000, on_growth=lambda _: seen.set())
            task = group.create_task(call)
            await seen.wait()
            workers = family(bot.pool.fork_server_pid or 0)
            maps = [Path(f"/proc/{worker.pid}/maps").read_text() for worker in workers]
            task.cancel()
    assert len(maps) == 2  # the guard, too
    assert not any("libavcodec" in text for text in maps)
