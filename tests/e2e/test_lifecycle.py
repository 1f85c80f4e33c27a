"""Starts, stops, deaths and bad lines: nothing outlives the bot, nobody is left without a word."""

import asyncio
import signal
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from tests import video_site
from tests.e2e import stage as stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

GONE_S = 10
FORK_SERVER, PROXY = "userbot.worker", "userbot.egress"


@pytest_asyncio.fixture(loop_scope="session")
async def own(site, tmp_path):
    """A bot that may be killed."""
    async with stages.alone(site, tmp_path) as stage:
        yield stage


async def _downloading(stage, **query):
    to = await stage.send_link("medium", rate=400_000, **query)
    await stage.pick(to, "MB")
    await stage.status(to, "Downloading")
    await stages.until(lambda: len(stage.workers()) >= 2, "a guard and a worker", timeout_s=10)
    return to


def _again(stage):
    """The same bot once more, with the same files and the same Telegram."""
    return stages.running(stage.dc, stage.site, stage.home)


async def _all_gone(processes):
    await stages.until(
        lambda: all(stages.is_gone(process) for process in processes),
        "every process of the bot is gone",
        timeout_s=GONE_S,
    )


# the end of the bot


async def test_sigterm_pauses_jobs_with_a_sentence_and_leaves_no_process(own):
    downloading = await _downloading(own)
    at_menu = await own.send_link("hls")
    menu = await own.menu(at_menu)
    looking = await own.send_link("stuck", hang="sigterm")
    await own.site.held("sigterm")
    processes = own.descendants()
    assert await own.stop(signal.SIGTERM) == 0
    for to in (downloading, looking):
        await own.status(to, "goes on by itself", timeout_s=1)
    assert (await own.dc.message(own.user, menu.id)).buttons == menu.buttons, "it still works"
    await _all_gone(processes)


async def test_sigterm_lets_a_job_finish_within_the_grace_time(site, tmp_path):
    async with stages.alone(site, tmp_path, DRAIN_S=20) as stage:
        to = await stage.send_link("medium", rate=10_000_000)
        await stage.pick(to, "MB")
        await stage.status(to, "Downloading")
        stage.process.send_signal(signal.SIGTERM)
        assert (await stage.file(to)).media
        async with asyncio.timeout(stages.STOP_TIMEOUT_S):
            assert await stage.process.wait() == 0
        answers = [m for m in await stage.dc.messages(stage.user) if m.reply_to == to]
        assert all(stages.is_file(m) for m in answers if not m.deleted)


@pytest.mark.slow
async def test_a_second_signal_ends_the_bot_at_once_and_loses_nothing(site, tmp_path):
    async with stages.alone(site, tmp_path, DRAIN_S=60) as stage:
        to = await _downloading(stage)
        processes = stage.descendants()
        stage.process.send_signal(signal.SIGTERM)
        await stages.until(lambda: "stopping" in stage.log(), "the first signal is taken")
        assert await stage.stop(signal.SIGTERM) != 0
        await _all_gone(processes)
        async with _again(stage) as again:
            await again.cancel(to)
            await again.status(to, "Cancelled")


async def test_a_job_that_is_stopped_at_once_again_and_again_is_not_taken_for_one_that_crashes(own):
    to, mark = await _downloading(own), own.home / "data" / "stopping"
    await own.stop_at_once(mark)
    for _ in range(2):
        async with _again(own) as stage:
            await stages.until(lambda: len(stage.workers()) >= 2, "it goes on")
            await stage.stop_at_once(mark)
    async with _again(own) as stage:
        await stage.status(to, "Downloading")
        await stage.cancel(to)


async def test_who_waits_in_line_is_told_of_the_stop_too(site, tmp_path):
    async with stages.alone(site, tmp_path, MAX_DOWNLOADS=1, DRAIN_S=0) as stage:
        await _downloading(stage, n="works")
        waiting = await stage.send_link("medium", rate=400_000, n="waits")
        await stage.pick(waiting, "MB")
        await stage.status(waiting, "in line")
        assert await stage.stop(signal.SIGTERM) == 0
        await stage.status(waiting, "goes on by itself", timeout_s=1)
        async with _again(stage) as again:
            await again.status(waiting, "Downloading")


async def test_a_killed_bot_leaves_no_process_and_the_next_one_goes_on(own):
    to = await _downloading(own)
    status = await own.status(to, "Downloading")
    processes = own.descendants()
    assert len(processes) >= 3
    await own.stop(signal.SIGKILL)
    await _all_gone(processes)
    (folder,) = own.jobs
    leftover = folder.with_name("00000000")
    leftover.mkdir()
    while_down = await own.send_link("progressive", n="while-down")
    async with _again(own) as stage:
        assert leftover not in stage.jobs, "no job has this folder"
        await stage.pick(while_down, "MB")
        assert (await stage.file(while_down)).media.kind == "video"
        await stage.press(status, status.button("Cancel").data)
        await stage.status(to, "Cancelled")


# the death of its children


def _kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)


@pytest.mark.slow
async def test_a_fork_server_that_dies_idle_is_replaced(own):
    fork_server = own.child(FORK_SERVER)
    _kill(fork_server)
    await _all_gone([fork_server])
    assert (await own.deliver("progressive", "MB")).media.kind == "video"


@pytest.mark.parametrize("victim", ["guard", "worker"])
@pytest.mark.slow
async def test_a_child_that_dies_costs_its_job_one_more_try(own, victim):
    at_menu = await own.send_link("hls")
    await own.menu(at_menu)
    to = await _downloading(own)
    fork_server = own.child(FORK_SERVER)
    (guard,) = fork_server.children()
    (worker,) = guard.children()
    _kill({"guard": guard, "worker": worker}[victim])
    await own.status(to, "Trying again", timeout_s=20)
    await _all_gone([guard, worker])
    await own.status(to, "of 31 MB", timeout_s=20)
    await own.cancel(to)
    await own.pick(at_menu, "240p")
    assert (await own.file(at_menu)).media.kind == "video"


async def test_a_fork_server_that_dies_at_work_ends_no_job_and_leaves_nothing(own):
    to = await _downloading(own)
    fork_server = own.child(FORK_SERVER)
    orphans = fork_server.children(recursive=True)
    _kill(fork_server)
    await _all_gone([fork_server])
    assert (await own.deliver("progressive", "MB")).media.kind == "video"
    assert "Downloading" in (await own.status(to)).text
    processes = [*orphans, *own.descendants()]
    await own.stop(signal.SIGKILL)
    await _all_gone(processes)


@pytest.mark.slow
async def test_a_proxy_that_dies_at_work_costs_its_job_one_more_try(own):
    to = await _downloading(own)
    proxy = own.child(PROXY)
    _kill(proxy)
    await _all_gone([proxy])
    await own.status(to, "Trying again", timeout_s=20)
    await own.status(to, "of 31 MB", timeout_s=20)
    await own.cancel(to)
    assert (await own.deliver("progressive", "MB")).media.kind == "video"


# Telegram's line


async def test_a_message_that_comes_while_the_line_drops_is_one_job(own):
    async with asyncio.TaskGroup() as tasks:
        said = tasks.create_task(own.send_link("progressive"))
        tasks.create_task(own.dc.drop_connections("all"))
    to = said.result()
    await own.pick(to, "MB")
    await own.file(to)
    answers = [m for m in await own.dc.messages(own.user) if m.out and m.reply_to == to]
    assert len([m for m in answers if m.media and m.media.kind == "video"]) == 1
    assert len([m for m in answers if not m.media or m.media.kind == "photo"]) == 1


@pytest.mark.slow
async def test_a_line_that_drops_during_the_download_is_no_error(stage):
    to = await stage.send_link("medium", rate=6_000_000, n="dropped-download")
    await stage.pick(to, "MB")
    await stage.status(to, "Downloading")
    assert await stage.dc.drop_connections("all")
    assert (await stage.file(to)).media.kind == "video"


async def test_a_line_that_drops_during_the_upload_is_no_error(stage):
    to = await stage.send_link("medium", n="dropped-upload")
    await stage.dc.faults(bandwidth_bytes_s=200_000)
    try:
        await stage.pick(to, "MB")
        await stage.status(to, "Uploading")
        assert await stage.dc.drop_connections("parts")
        message = await stage.file(to)
    finally:
        await stage.dc.clear_faults()
    assert message.media.size == stage.site.file_of("medium").stat().st_size
    assert (await stage.dc.stats()).violations == ()


async def test_flood_wait_on_the_file_delays_it_and_sends_it_once(stage):
    await stage.dc.fail_calls("messages.sendMedia", 420, "FLOOD_WAIT_12")
    to = await stage.send_link("progressive", n="flood-wait")
    await stage.pick(to, "MB")
    await stage.file(to)
    await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and m.deleted, timeout_s=20
    )
    files = [m for m in await stage.dc.messages(stage.user) if m.reply_to == to and m.media]
    assert len(files) == 1


# the site


@pytest.mark.slow
async def test_a_site_that_dies_in_the_middle_is_told(stage, request):
    async with video_site.running(request.config.cache.mkdir("video_site")) as doomed:
        to = await stage.say(doomed.url_of("medium", rate=400_000))
        await stage.pick(to, "MB")
        await stage.status(to, "Downloading")
        psutil.Process(doomed.pid).kill()
        failed = await stage.dc.wait_message(
            stage.user,
            lambda m: m.out and m.reply_to == to and not stages.is_working(m),
            timeout_s=60,
        )
    assert "does not answer" in failed.text


# secrets


def _told_to(process: psutil.Process) -> bytes:
    folder = Path("/proc") / str(process.pid)
    return (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()


async def test_no_secret_reaches_a_child_the_log_or_a_chat(own):
    await _downloading(own)
    await own.send_link("not_found")
    await own.deliver("hls", "240p")
    secrets = [own.dc.bot_token, own.dc.api_hash, own.dc.bot_token.partition(":")[2]]
    processes = own.descendants()
    assert len(processes) >= 3
    places = [_told_to(process).decode(errors="replace") for process in processes]
    places += [own.log(), *(m.text for m in await own.dc.messages(own.user))]
    for place in places:
        assert not [secret for secret in secrets if secret in place]
