"""Cancel works at every stage: the message says so at once, and nothing of the job is left."""

import asyncio
import dataclasses
import itertools
import logging
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.cancelling import cancelled, no_workers, runs_ffmpeg, waiting_ffmpeg

pytestmark = pytest.mark.asyncio(loop_scope="session")

log = logging.getLogger(__name__)

SAYS_SO_S = 3  # a second is the promise; the machine that runs the suite may be busy
ALREADY = {"This is cancelled already.", "I am already on it."}
TOO_OLD = "This button is too old. Please send the link again."
MEDIUM_S = 30


async def _is_cancelled(stage, to):
    """Press Cancel; check that the message says so and that nothing of the job is left."""
    status = await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == to and bool(m.buttons), timeout_s=20
    )
    assert (stage.home / "data/jobs" / stages.job_of(status)).is_dir()
    end = await cancelled(stage, to, says_so_s=SAYS_SO_S)
    assert end.note is None
    assert end.is_cancelled
    assert not end.said.buttons
    log.info(
        "answered in %.3f s, said so in %.3f s, gone in %.3f s",
        *(end.answered_s, end.said_s, end.gone_s),
    )


async def _downloading(stage, **query):
    to = await stage.send_link("medium", **query)
    await stage.pick(to, "MB")
    await stage.status(to, "Downloading")
    return to


async def test_a_stuck_extraction(stage):
    to = await stage.send_link("stuck", hang=f"stuck-{stage.user}")
    await stage.site.held(f"stuck-{stage.user}")
    await stage.status(to, "Looking")
    assert stage.workers()
    await _is_cancelled(stage, to)
    await no_workers(stage)


async def test_at_the_menu(stage):
    to = await stage.send_link("hls", n=stage.user)
    await stage.menu(to)
    await _is_cancelled(stage, to)
    await no_workers(stage)


async def test_while_downloading_and_the_other_job_goes_on(stage):
    other = await _downloading(stage, rate=12_000_000, n=f"{stage.user}-other")
    to = await _downloading(stage, rate=200_000, n=stage.user)
    await _is_cancelled(stage, to)
    assert (await stage.file(other, timeout_s=MEDIUM_S)).media.kind == "video"
    await no_workers(stage)


async def test_a_stalled_download(stage):
    hold = f"stall-{stage.user}"
    to = await stage.send_link("stalled", stall_after=5_000_000, hold=hold)
    await stage.pick(to, "MB")
    await stage.site.held(hold)
    await stage.status(to, "Downloading")
    await _is_cancelled(stage, to)
    await no_workers(stage)


@pytest.mark.parametrize("link", ["hls", "dash"])
async def test_segments_that_do_not_come(stage, link):
    hold = f"{link}-{stage.user}"
    to = await stage.send_link(link, **{"media.hang": hold})
    await stage.pick(to, "720p")
    await stage.site.held(hold)
    await stage.status(to, "Downloading")
    await _is_cancelled(stage, to)
    await no_workers(stage)


async def test_while_uploading(stage):
    to = await stage.send_link("medium", n=stage.user)
    await stage.dc.faults(bandwidth_bytes_s=60_000)
    try:
        await stage.pick(to, "MB")
        await stage.status(to, "Uploading")
        await _is_cancelled(stage, to)
    finally:
        await stage.dc.clear_faults()
    await no_workers(stage)
    assert await _is_quiet(stage, to)


async def test_while_nobody_knows_yet_that_the_video_is_in_the_chat(stage):
    """It was delivered then: nothing says Cancelled, and nobody is offered another try."""
    to = await stage.send_link("progressive", n=f"{stage.user}-unknown")
    await stage.dc.swallow_answers("messages.sendMedia")
    menu = await stage.pick(to, "MB")
    await stage.file(to)
    folder = stage.home / "data/jobs" / stages.job_of(menu)
    answer = await stage.press(menu, menu.button("Cancel").data)
    assert answer.text is None
    status = await stage.dc.wait_message(
        stage.user, lambda m: m.id == menu.id and m.deleted, timeout_s=20
    )
    assert "ancelled" not in status.text
    await stages.until(lambda: not folder.exists(), "the folder is gone")
    said = [event.message for event in stage.dc.history if event.message is not None]
    answers = [m for m in said if (m.chat_id, m.reply_to) == (stage.user, to)]
    assert not [m for m in answers if "ancelled" in m.text]
    files = {m.id for m in answers if stages.is_file(m) and not m.deleted}
    assert len(files) == 1


async def _is_quiet(stage, to):
    """Whether the file stays away: a job after it is delivered, and this one is not."""
    later = await stage.send_link("progressive", n=f"{stage.user}-later")
    await stage.pick(later, "MB")
    await stage.file(later)
    messages = await stage.dc.messages(stage.user)
    return not [m for m in messages if m.reply_to == to and m.media and not m.deleted]


async def test_cancelling_twice_and_after_the_end_is_answered_kindly(stage):
    to = await stage.send_link("hls", n=f"{stage.user}-twice")
    menu = await stage.menu(to)
    presses = [stage.press(menu, menu.button("Cancel").data) for _ in range(2)]
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(press) for press in presses]
    said = [task.result().text for task in answers]
    assert None in said
    assert {*said} & ALREADY
    await stage.status(to, "Cancelled")
    assert (await stage.press(menu, menu.button("Cancel").data)).text in ALREADY
    late = await stage.press(menu, menu.buttons[0][0].data)
    assert late.text == TOO_OLD
    assert (await stage.status(to)).text == "Cancelled."


async def test_a_second_tap_on_a_menu_is_answered_kindly(stage):
    to = await stage.send_link("progressive", n=f"{stage.user}-done")
    menu = await stage.pick(to, "MB")
    again = await stage.press(menu, menu.buttons[0][0].data)
    assert again.text in (None, TOO_OLD)
    await stage.file(to)


async def test_a_quality_is_picked_once(stage):
    to = await stage.send_link("hls", n=f"{stage.user}-once")
    menu = await stage.menu(to)
    async with asyncio.TaskGroup() as tasks:
        presses = [
            tasks.create_task(stage.press(menu, button.data))
            for row in menu.buttons[:1]
            for button in row
        ]
    assert None in [task.result().text for task in presses]
    await stage.file(to)
    files = [m for m in await stage.dc.messages(stage.user) if m.reply_to == to and m.media]
    assert len([m for m in files if m.media.kind == "video"]) == 1


# a bot of its own: one download at a time, and an ffmpeg that waits


PEOPLE = itertools.cycle(stages.FRIENDS[7:10])


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def narrow(site, tmp_path_factory):
    home = tmp_path_factory.mktemp("narrow")
    path, wait = waiting_ffmpeg(home)
    async with stages.alone(site, home, MAX_DOWNLOADS=1, MENU_TIMEOUT_S=20, PATH=path) as stage:
        yield stage, wait


@pytest.mark.parametrize(
    ("link", "button", "words"),
    [
        ("hls", "480p", "Putting picture and sound together"),
        ("dash", "720p", "Putting picture and sound together"),
        ("moov_at_end", "MB", "Finishing"),
        ("webm", "", "Converting"),
    ],
)
async def test_while_ffmpeg_does_not_end(narrow, link, button, words):
    bot, wait = narrow
    stage = dataclasses.replace(bot, user=next(PEOPLE))
    wait.touch()
    try:
        to = await stage.send_link(link, n=f"ffmpeg-{link}")
        await stage.pick(to, button)
        await stage.status(to, words)
        await stages.until(lambda: runs_ffmpeg(stage), "ffmpeg runs")
        await _is_cancelled(stage, to)
        await no_workers(stage)
    finally:
        Path(wait).unlink()


async def test_waiting_in_line_and_the_others_keep_their_places(narrow):
    stage, _ = narrow
    people = [dataclasses.replace(stage, user=user) for user in stages.FRIENDS[:4]]
    ahead = await _downloading(people[0], rate=300_000, n="ahead")
    line = []
    for person in people[1:]:
        line.append(await person.send_link("medium", n=f"line-{person.user}"))
        await person.pick(line[-1], "MB")
    for place, person in enumerate(people[1:]):
        await person.status(line[place], ("1st", "2nd", "3rd")[place] + " in line")
    await _is_cancelled(people[2], line[1])
    await people[3].status(line[2], "2nd in line")
    await people[0].cancel(ahead)
    for to, person in ((line[0], people[1]), (line[2], people[3])):
        assert (await person.file(to)).media.kind == "video"
    await no_workers(stage)


async def test_a_slot_is_free_again_after_a_cancel(narrow):
    stage, _ = narrow
    for user in stages.FRIENDS[4:6]:
        person = dataclasses.replace(stage, user=user)
        to = await _downloading(person, rate=200_000, n=f"slot-{user}")
        await person.cancel(to)
        await person.status(to, "Cancelled", timeout_s=SAYS_SO_S)
    await dataclasses.replace(stage, user=stages.FRIENDS[6]).deliver("progressive", "MB", n="slot")


async def test_a_menu_nobody_taps_says_so_and_leaves_nothing(site, tmp_path):
    async with stages.alone(site, tmp_path, MENU_TIMEOUT_S=2) as stage:
        to = await stage.send_link("hls")
        menu = await stage.menu(to)
        expired = await stage.status(to, "Nobody picked a quality")
        assert [button.text for row in expired.buttons for button in row] == ["Show the menu again"]
        late = await stage.press(menu, menu.buttons[0][0].data)
        assert late.text == TOO_OLD
        await stages.until(lambda: not stage.jobs, "the folder is gone")
