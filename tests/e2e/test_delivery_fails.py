"""Telegram does not take the video or the message: each kind ends, or goes on, as one expects."""

import dataclasses

import pytest
import pytest_asyncio

from tests.e2e import stage as stages

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLUBS = iter(range(-1002147484000, -1002147485000, -1))


@pytest_asyncio.fixture(loop_scope="session")
async def club(stage):
    """A group of its own, so that what happens to it hurts no other test."""
    chat_id = await stage.dc.group(next(CLUBS), "A club", members=[stages.OWNER])
    return dataclasses.replace(stage, user=stages.OWNER), chat_id


async def test_who_blocks_the_bot_at_the_menu_has_no_job_any_more(stage):
    to = await stage.send_link("medium", n="blocked", rate=300_000)
    await stage.pick(to, "MB")
    status = await stage.status(to, "Downloading")
    job = stages.job_of(status)
    await stage.dc.block(stage.user)
    try:
        await stages.until(lambda: _is_gone(stage, job), "its folder is gone", timeout_s=10)
    finally:
        await stage.dc.unblock(stage.user)
    await stages.until(lambda: "USER_IS_BLOCKED" in stage.log(), "the log tells why")


async def test_a_video_for_who_has_blocked_the_bot_ends_without_a_second_upload(stage):
    await stage.dc.fail_calls("messages.sendMedia", 403, "USER_IS_BLOCKED")
    to = await stage.send_link("progressive", n="blocked-late")
    await stage.pick(to, "MB")
    status = await _last_word(stage, to)
    assert "Trying again" not in status.text


async def test_a_bot_that_is_kicked_stops_working_for_the_group(club):
    stage, chat_id = club
    to = await stage.send_link("medium", n="kicked", rate=300_000, chat=chat_id)
    await stage.pick(to, "MB", chat=chat_id)
    job = stages.job_of(await stage.status(to, "Downloading", chat=chat_id))
    await stage.dc.kick_bot(chat_id)
    await stages.until(lambda: _is_gone(stage, job), "its folder is gone", timeout_s=10)


async def test_a_group_that_takes_no_videos_is_told_so(club):
    stage, chat_id = club
    await stage.dc.forbid(chat_id, "videos")
    to = await stage.send_link("progressive", n="no-videos", chat=chat_id)
    await stage.pick(to, "MB", chat=chat_id)
    status = await _last_word(stage, to, chat=chat_id)
    assert status.text


async def test_a_group_that_takes_no_text_gets_its_menu_under_a_picture(club):
    stage, chat_id = club
    await stage.dc.forbid(chat_id, "plain")
    to = await stage.send_link("page", n="no-text", chat=chat_id)
    menu = await stage.pick(to, "p", chat=chat_id)
    assert menu.media is not None
    await stage.file(to, chat=chat_id)


async def test_a_menu_that_can_be_shown_nowhere_ends_its_job(club):
    stage, chat_id = club
    await stage.dc.forbid(chat_id, "plain")
    await stage.send_link("progressive", n="no-menu", chat=chat_id)
    await stages.until(
        lambda: "ended: NoRightError('CHAT_SEND_PLAIN_FORBIDDEN'" in stage.log(),
        "its job has ended",
        timeout_s=10,
    )


async def test_a_topic_that_was_closed_meanwhile_ends_its_job_with_a_sentence(stage):
    chat_id = await stage.dc.group(next(CLUBS), "A forum", members=[stages.OWNER], forum=True)
    topic = await stage.dc.open_topic(chat_id, "Films")
    owner = dataclasses.replace(stage, user=stages.OWNER)
    url = stage.site.url_of("medium", n="topic", rate=8_000_000)
    to = await owner.say(url, chat=chat_id, topic=topic)
    await owner.pick(to, "MB", chat=chat_id)
    await owner.status(to, "Downloading", chat=chat_id)
    await stage.dc.close_topic(chat_id, topic)
    await stages.until(
        lambda: "ended: TopicClosedError" in stage.log(), "its job has ended", timeout_s=20
    )


async def test_a_slow_group_gets_its_video_when_it_is_time(club):
    stage, chat_id = club
    await stage.dc.slow_mode(chat_id, 4)
    to = await stage.send_link("progressive", n="slow", chat=chat_id)
    await stage.pick(to, "MB", chat=chat_id)
    await stage.file(to, chat=chat_id)


@pytest.mark.parametrize("code", ["SLOWMODE_WAIT_12", "FLOOD_WAIT_2"])
async def test_a_wait_after_the_upload_does_not_upload_again(stage, code):
    await stage.dc.fail_calls("messages.sendMedia", 420, code)
    before = await _parts(stage)
    to = await stage.send_link("progressive", n=code)
    await stage.pick(to, "MB")
    file = await stage.file(to)
    sent = await _parts(stage) - before
    assert sent <= 3 + -(-file.media.size // 524288), "video, preview and cover, once"
    assert "_X" not in stage.log(), "a wait is no failure"


@pytest.mark.parametrize("code", ["FILE_PART_2_MISSING", "FILE_PART_INVALID", "FILE_ID_INVALID"])
async def test_parts_that_telegram_lost_are_uploaded_once_more(stage, code):
    await stage.dc.fail_calls("messages.sendMedia", 400, code)
    to = await stage.send_link("progressive", n=code)
    await stage.pick(to, "MB")
    message = await stage.file(to)
    assert message.media.size == stage.site.file_of("progressive").stat().st_size


@pytest.mark.parametrize(("code", "times"), [("FILE_PARTS_INVALID", 1), ("FILE_PART_INVALID", 2)])
async def test_a_file_that_telegram_refuses_is_not_uploaded_for_ever(stage, code, times):
    await stage.dc.fail_calls("messages.sendMedia", 400, code, times=times)
    to = await stage.send_link("progressive", n=f"refused-{times}")
    await stage.pick(to, "MB")
    await _last_word(stage, to)


async def test_the_video_comes_although_its_link_was_deleted(stage):
    to = await stage.send_link("medium", n="link-deleted", rate=3_000_000)
    await stage.pick(to, "MB")
    await stage.status(to, "Downloading")
    await stage.dc.delete(stage.user, to)
    await stage.dc.wait_message(
        stage.user, lambda m: m.out and not m.deleted and stages.is_file(m), timeout_s=60
    )


async def test_a_status_that_was_deleted_is_said_anew(stage):
    to = await stage.send_link("medium", n="status-deleted", rate=1_000_000)
    await stage.pick(to, "MB")
    first = await stage.status(to, "Downloading")
    await stage.dc.delete(stage.user, first.id)
    second = await stage.dc.wait_message(
        stage.user,
        lambda m: m.out and m.reply_to == to and m.id != first.id and "Downloading" in m.text,
        timeout_s=20,
    )
    await stage.press(second, second.button("Cancel").data)
    await stage.status(to, "Cancelled")


def _is_gone(stage, job):
    return not any(folder.name == job for folder in stage.jobs)


async def _last_word(stage, to, chat=None):
    """What is said when nothing can be done with the job as it was."""
    return await stage.dc.wait_message(
        chat or stage.user,
        lambda m: m.out and m.reply_to == to and not m.deleted and not _has_cancel(m),
        timeout_s=40,
    )


def _has_cancel(message):
    return any(button.text == "Cancel" for row in message.buttons for button in row)


async def _parts(stage):
    rpc = (await stage.dc.stats()).rpc
    return rpc.get("upload.saveBigFilePart", 0) + rpc.get("upload.saveFilePart", 0)
