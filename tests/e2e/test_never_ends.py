"""Sites that stall, drip or never end, and a merge that hangs: one plain sentence, nothing left."""

import asyncio
import dataclasses

import pytest

from tests.e2e import stage as stages
from tests.e2e.cancelling import no_workers, waiting_ffmpeg

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOO_LONG = "This took too long, so I stopped."
NOT_TOGETHER = "I could not put this video together, so I stopped."


async def _ends(stage, words, link, button, **query):
    """Send a link, pick a quality if it comes to that, and wait for the last word."""
    to = await stage.send_link(link, **query)
    menu = await _next(stage, to, lambda m: stages.is_menu(m) or not stages.is_working(m))
    if stages.is_menu(menu):
        await stage.press(menu, menu.button(button).data)
    last = await _next(stage, to, lambda m: not stages.is_working(m))
    assert last.text.startswith(words)


async def _next(stage, to, fits):
    return await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and fits(m), timeout_s=50
    )


async def _is_clean(stage):
    await stages.until(lambda: not stage.jobs, "no folder is left")
    await no_workers(stage)


@pytest.mark.slow
async def test_a_site_that_stalls_drips_or_never_ends_is_given_up(site, tmp_path):
    settings = {"STALL_TIMEOUT_S": 4, "JOB_TIMEOUT_S": 7}  # the second stall would be after that
    async with stages.alone(site, tmp_path, **settings) as stage:
        people = [dataclasses.replace(stage, user=user) for user in stages.FRIENDS[:3]]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_ends(people[0], TOO_LONG, "stalled", "MB", hold="never-ends"))
            tasks.create_task(_ends(people[1], TOO_LONG, "dripping", "MB"))
            tasks.create_task(_ends(people[2], TOO_LONG, "endless", "", rate=1_000_000))
        await _is_clean(stage)


@pytest.mark.slow
async def test_a_merge_that_hangs_is_given_up(site, tmp_path):
    path, wait = waiting_ffmpeg(tmp_path)
    wait.touch()
    async with stages.alone(site, tmp_path, STALL_TIMEOUT_S=6, PATH=path) as stage:
        stage.user = stages.FRIENDS[0]
        await _ends(stage, NOT_TOGETHER, "dash", "240p")
        await _is_clean(stage)
