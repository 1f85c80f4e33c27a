"""What people ask about themselves: /history, /mydata, /stats; on both stores."""

import asyncio
import dataclasses
import json
import secrets
import signal

import pytest
import pytest_asyncio

from tests.contract import mongo_server
from tests.e2e import stage as stages
from tests.telegram_dc import control as telegram_dc

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAIT_S = 30


async def answer(stage, command, text="", **more):
    """What the bot answers to a command, once it contains text."""
    asked = await stage.say(command, **more)
    return await stage.dc.wait_message(
        more.get("chat") or stage.user,
        lambda m: m.out and m.reply_to == asked and text in m.text,
        timeout_s=WAIT_S,
    )


async def history_with(stage, text):
    """The history, asked for until it contains text."""
    async with asyncio.timeout(WAIT_S):
        while text not in (shown := await answer(stage, "/history")).text:
            await asyncio.sleep(1)  # it is kept beside the delivery; more would be a flood
        return shown


async def sent_again(stage, shown):
    """The file that answers a history."""
    return await stage.file(shown.id, timeout_s=WAIT_S)


async def press(stage, message, words):
    return await stage.press(message, message.button(words).data)


async def requests_of(stage, word):
    """The numbers of the requests that the site got for a link."""
    return [entry.number for entry in await stage.site.requests() if word in entry.target]


def digest(message):
    assert message.media
    return message.media.sha256


async def test_a_tap_in_the_history_sends_a_file_again_without_asking_the_site(stage):
    first = await stage.deliver("progressive", "MB", n="history-1")
    shown = await history_with(stage, "MB")
    assert first.text.splitlines()[0] in shown.text
    asked = await requests_of(stage, "history-1")
    assert asked
    said = await press(stage, shown, "Send 1")
    again = await sent_again(stage, shown)
    assert said.text == "One moment …"
    assert digest(again) == digest(first)
    assert again.text == first.text
    assert await requests_of(stage, "history-1") == asked


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def apart(site, tmp_path_factory):
    """A bot with a Telegram of its own, which forgets files when a test says so.

    How fast the bot may speak is not what these tests are about; waiting for it would take long.
    """
    home = tmp_path_factory.mktemp("apart")
    async with telegram_dc.running(home / "dc", flood_limits=False) as dc:
        await stages.people_in(dc, stages.FRIENDS[:3])
        async with stages.running(dc, site, home / "bot") as stage:
            yield stage


async def stale(apart, user, name):
    """A person's stage, the file that they got, and a history whose file Telegram has forgotten."""
    stage = dataclasses.replace(apart, user=user)
    first = await stage.deliver("progressive", "MB", n=name)
    shown = await history_with(stage, "MB")
    await stage.dc.expire_file_references()
    return stage, first, shown


async def test_a_file_that_telegram_takes_no_more_becomes_a_new_job(apart):
    stage, first, shown = await stale(apart, stages.FRIENDS[0], "stale")
    await press(stage, shown, "Send 1")
    await stage.pick(shown.id, "MB")
    again = await sent_again(stage, shown)
    assert digest(again) == digest(first)
    await history_with(stage, "2. ")
    assert (await press(stage, shown, "Send 1")).text == "One moment …"


async def test_an_item_that_is_under_way_already_is_not_begun_twice(apart):
    stage, _, shown = await stale(apart, stages.FRIENDS[1], "twice")
    await press(stage, shown, "Send 1")
    menu = await stage.menu(shown.id)
    await press(stage, shown, "Send 1")
    said = await stage.status(shown.id, "already on it")
    assert said.id != menu.id
    assert not stages.is_menu(said)


async def test_an_item_whose_new_job_was_cancelled_goes_on_in_the_same_message(apart):
    stage, first, shown = await stale(apart, stages.FRIENDS[2], "cancelled")
    await press(stage, shown, "Send 1")
    menu = await stage.menu(shown.id)
    await stage.cancel(shown.id)
    await stage.status(shown.id, "Cancelled")
    await history_with(stage, "cancelled")
    await press(stage, shown, "Send 1")
    assert (await stage.pick(shown.id, "MB")).id == menu.id
    assert digest(await sent_again(stage, shown)) == digest(first)


async def test_the_history_has_what_did_not_work_and_pages(stage):
    empty = await answer(stage, "/history")
    assert "no finished links" in empty.text
    for number in range(6):
        to = await stage.send_link("not_found", n=f"page-{number}")
        await stage.status(to, "is gone")
    shown = await history_with(stage, "page 1")
    assert shown.text.count("did not work") == 5
    await press(stage, shown, "▶")
    turned = await stage.dc.wait_message(
        stage.user, lambda m: m.id == shown.id and "page 2" in m.text, timeout_s=WAIT_S
    )
    assert "6. " in turned.text
    await press(stage, turned, "◀")
    await stage.dc.wait_message(
        stage.user, lambda m: m.id == shown.id and "page 1" in m.text, timeout_s=WAIT_S
    )


async def test_forged_and_foreign_presses_do_nothing(stage):
    await stage.deliver("progressive", "MB", n="forged")
    shown = await history_with(stage, "MB")
    data = shown.button("Send 1").data
    kind, job, _ = data.decode().split(":")
    other = f"{kind}:{job}:{stages.OWNER}".encode()
    assert "your own" in (await stage.press(shown, other)).text
    forged = f"{kind}:00000000:{stage.user}".encode()
    assert "too old" in (await stage.press(shown, forged)).text
    wiped = f"d:y:{stage.user}".encode()
    assert "too old" in (await stage.press(shown, wiped)).text
    assert "MB" in (await answer(stage, "/history")).text


async def test_in_a_group_nobodys_history_is_shown(stage):
    said = await answer(stage, "/history", chat=stages.GROUP)
    assert "private chat" in said.text
    assert "private chat" in (await answer(stage, "/mydata", chat=stages.GROUP)).text


async def test_the_numbers_are_the_owners_alone(stage, bot):
    await stage.deliver("progressive", "MB", n="numbers")
    assert "Only my owner" in (await answer(stage, "/stats")).text
    await history_with(stage, "MB")
    shown = await answer(stage, "/stats", chat=stages.OWNER, sender=stages.OWNER)
    assert "Today" in shown.text
    assert "delivered" in shown.text


async def data_of(stage, sent):
    return json.loads(sent.media.path.read_text())


async def test_mydata_shows_everything_and_deletes_it(stage):
    await stage.deliver("progressive", "MB", n="mydata")
    await history_with(stage, "MB")
    sent = await answer(stage, "/mydata", "everything")
    assert sent.media.kind == "document"
    data = await data_of(stage, sent)
    assert data["person"]["id"] == stage.user
    assert data["person"]["name"] == f"User {stage.user}"
    (item,) = data["history"]
    assert "mydata" in item["url"]
    assert item["result"] == "delivered"
    assert set(item["seconds"]) >= {"wait", "extract", "upload"}
    assert item["file_ids"]
    await press(stage, sent, "Delete my data")
    sure = await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == sent.id, timeout_s=WAIT_S
    )
    await press(stage, sure, "Yes, delete it")
    done = await stage.dc.wait_message(
        stage.user, lambda m: m.id == sure.id and "Deleted" in m.text, timeout_s=WAIT_S
    )
    assert "1 link" in done.text
    assert "no finished links" in (await answer(stage, "/history")).text


async def test_whoever_says_no_keeps_their_data(stage):
    await stage.deliver("progressive", "MB", n="kept")
    await history_with(stage, "MB")
    sent = await answer(stage, "/mydata", "everything")
    await press(stage, sent, "Delete my data")
    sure = await stage.dc.wait_message(
        stage.user, lambda m: m.out and m.reply_to == sent.id, timeout_s=WAIT_S
    )
    await press(stage, sure, "No, keep it")
    await stage.dc.wait_message(
        stage.user, lambda m: m.id == sure.id and "Nothing was deleted" in m.text, timeout_s=WAIT_S
    )
    assert "MB" in (await answer(stage, "/history")).text


async def test_a_stranger_about_whom_nothing_is_known_is_turned_away_once(bot):
    stranger = 7_100_000_000 + secrets.randbelow(1_000_000)
    await bot.dc.user(stranger, "Stranger")
    said = await answer(bot, "/mydata", "private", chat=stranger, sender=stranger)
    for command in ("/mydata", "/history", "/mydata"):
        await bot.say(command, chat=stranger, sender=stranger)
    await answer(bot, "/start", chat=stages.OWNER, sender=stages.OWNER)
    assert [m for m in await bot.dc.messages(stranger) if m.out] == [said]


async def test_who_uses_the_bot_in_a_group_alone_sees_their_history_in_private(bot):
    person = 7_200_000_000 + secrets.randbelow(1_000_000)
    await bot.dc.user(person, "Member")
    await bot.dc.set_member(stages.GROUP, person, "member")
    to = await bot.send_link("progressive", chat=stages.GROUP, sender=person, n="group-alone")
    await bot.pick(to, "MB", chat=stages.GROUP, sender=person)
    await bot.file(to, chat=stages.GROUP)
    stage = dataclasses.replace(bot, user=person)
    shown = await history_with(stage, "MB")
    assert shown.buttons == ()
    assert "Tap" not in shown.text


@pytest_asyncio.fixture(loop_scope="session")
async def mongo(tmp_path):
    folder = tmp_path / "mongo"
    folder.mkdir()
    async with mongo_server.running(folder) as server:
        yield server


async def test_history_and_data_live_in_mongodb_and_survive_kill_9(site, tmp_path, mongo):
    settings = {"MONGO_URL": mongo.url, "RETENTION_DAYS": 7}
    async with telegram_dc.running(tmp_path / "dc") as dc:
        await stages.people_in(dc, stages.FRIENDS[:1])
        async with stages.running(dc, site, tmp_path / "bot", **settings) as stage:
            first = await stage.deliver("progressive", "MB", n="mongo")
            stage.process.send_signal(signal.SIGKILL)
            await stage.process.wait()
        async with stages.running(dc, site, tmp_path / "bot", **settings) as stage:
            shown = await history_with(stage, "MB")
            await press(stage, shown, "Send 1")
            again = await sent_again(stage, shown)
            assert digest(again) == digest(first)
            sent = await answer(stage, "/mydata", "everything")
            assert len((await data_of(stage, sent))["history"]) == 1
            shown = await answer(stage, "/stats")
            assert "1 link, 1 delivered" in shown.text
