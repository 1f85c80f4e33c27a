"""Bad input and bad sites: one plain sentence each, never silence, never a traceback."""

import asyncio
import dataclasses

import pytest

from tests.e2e import stage as stages
from tests.e2e.stage import is_menu, is_working

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("not_found", "gone"),
        ("gone", "gone"),
        ("forbidden", "does not let me"),
        ("unauthorized", "log in"),
        ("no_video", "video"),
        ("live", "live"),
        ("feed", "list of videos"),
        ("gallery", "list of videos"),
        ("drm", "copy-protected"),
    ],
)
async def test_a_page_that_gives_no_video_gets_a_sentence(stage, link, words):
    to = await stage.send_link(link)
    status = await stage.status(to, words, timeout_s=40)
    buttons = {button.text for row in status.buttons for button in row}
    assert buttons <= {"Try again", "Tell the owner"}
    assert "Traceback" not in status.text
    assert "127.0.0.1" not in status.text


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("too_many_requests", "slow down. Trying again in 30 s"),
        ("server_error", "does not answer properly. Trying again in 5 s"),
        ("unavailable", "does not answer properly. Trying again in 5 s"),
        ("redirect_loop", "Trying again"),
    ],
)
async def test_what_may_pass_is_tried_again_visibly_and_can_be_cancelled(stage, link, words):
    to = await stage.send_link(link)
    await stage.status(to, words, timeout_s=40)
    await stage.cancel(to)
    await stage.status(to, "Cancelled")


async def test_a_site_that_comes_back_delivers(stage):
    to = await stage.send_link("server_error", times=1)
    await stage.status(to, "Trying again")
    await stage.pick(to, "MB")
    await stage.file(to)


async def test_a_broken_file_is_never_delivered(stage):
    """All at the same time, each in a chat of its own: the tries of a link take half a minute."""
    broken = ("html_as_video", "empty", "cut_always", "too_short")
    async with asyncio.TaskGroup() as tasks:
        for link, user in zip(broken, stages.FRIENDS[-14:-10], strict=True):
            tasks.create_task(_is_told(dataclasses.replace(stage, user=user), link))
        tasks.create_task(_nothing_is_told(stage))


async def _is_told(stage, link):
    to = await stage.send_link(link)
    menu = await stage.dc.wait_message(
        stage.user,
        lambda m: m.out and m.reply_to == to and (is_menu(m) or not is_working(m)),
        timeout_s=60,
    )
    if is_menu(menu):
        await stage.press(menu, menu.buttons[0][0].data)
    status = await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and not is_working(m), timeout_s=100
    )
    assert status.media is None, link
    assert status.text, link


async def _nothing_is_told(stage):
    to = await stage.say("http://127.0.0.1:9/nothing.mp4")
    await stage.status(to, "Trying again", timeout_s=40)
    status = await stage.status(to, "try again later", timeout_s=100)
    buttons = {button.text for row in status.buttons for button in row}
    assert buttons <= {"Try again", "Tell the owner"}


async def test_a_video_over_the_limit_is_refused_before_it_is_fetched(stage):
    to = await stage.send_link("big", size=2100)
    status = await stage.status(to, "too big")
    assert "2.2 GB" in status.text
    assert "up to 2 GB" in status.text


async def test_a_body_without_end_can_be_stopped(stage):
    to = await stage.send_link("endless", rate=5_000_000)
    menu = await stage.menu(to)
    await stage.press(menu, menu.buttons[0][0].data)
    await stage.status(to, "Downloading")
    await stage.cancel(to)
    await stage.status(to, "Cancelled")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello there", "no link"),
        ("ftp://example.com/video.mp4", "http://"),
        ("file:///etc/passwd", "http://"),
        ("http://user:password@example.com/video.mp4", "user name"),
        ("http://169.254.169.254/latest/meta-data", "private"),
        ("http://localhost:8080/x", "private"),
        ("http://[::1]/x", "private"),
        ("http://0x7f.1.2.3/x", "private"),
        ("x" * 4000, "no link"),
        ("http://" + "a" * 3000 + ".com/", "too long"),
    ],
)
async def test_what_is_no_link_for_us_is_told_so(stage, text, words):
    to = await stage.say(text)
    answer = await stage.status(to, words)
    assert not answer.buttons


async def test_two_hundred_links_are_limited_in_one_sentence(stage):
    text = "\n".join(f"http://127.0.0.1:9/{number}" for number in range(200))
    to = await stage.say(text[:4090])
    answer = await stage.status(to, "at a time")
    assert "20" in answer.text


async def test_an_answer_that_got_lost_does_not_send_the_video_twice(stage):
    to = await stage.send_link("progressive", n=77)
    await stage.dc.swallow_answers("messages.sendMedia")
    await stage.pick(to, "MB")
    await stage.file(to)
    await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and m.deleted, timeout_s=60
    )
    sent = [m for m in await stage.dc.messages(stage.user) if m.media and not m.deleted]
    assert len(sent) == 1
