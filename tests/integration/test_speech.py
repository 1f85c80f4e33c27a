"""How the bot speaks over its own client: once, whatever the line does, and in order at the end."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import pytest
import pytest_asyncio
from pyrogram import Client, raw

from tests import telegram_dc
from tests.integration.loopback import ANN, BOB, bots_client
from userbot.domain.jobs import Cancelled, Job, JobId, Looking, Progress, Request, Stage, Working
from userbot.domain.media import KnownFile, MediaFile, MediaKind
from userbot.errors import DeliveryError, FileRefusedError
from userbot.ports import SendSteps
from userbot.telegram import api, failures, once
from userbot.telegram import client as telegram
from userbot.telegram.api import Api, Caption, Target
from userbot.telegram.chat import TelegramChat
from userbot.telegram.early import EarlyUploads
from userbot.telegram.governor import Governor
from userbot.telegram.reporter import Reporter
from userbot.telegram.uploader import UploaderSettings
from userbot.telegram.uploads import Uploads

AHEAD_S = 3600
CLOSE_S = 30


@dataclass
class Speech:
    """What a bot says things with."""

    client: Client
    api: Api
    reporter: Reporter
    chat: TelegramChat


@pytest_asyncio.fixture
async def dc(tmp_path):
    async with telegram_dc.running(tmp_path / "dc") as dc:
        await dc.user(ANN, "Ann", started=True)
        yield dc


@asynccontextmanager
async def speaking(dc):
    """Log in and be ready to speak; at the end of the block everything is closed in order."""

    async def note(_job_id, _message_id):
        pass

    client = bots_client(dc)
    async with asyncio.TaskGroup() as tasks:
        api = Api(client, Governor(time.monotonic), tasks)
        uploads = Uploads(client, tasks, UploaderSettings(), 30)
        reporter = Reporter(
            *(api, uploads, tasks, time.monotonic, note), on_gone=lambda _job, _error: None
        )
        await telegram.start(client)
        chat = TelegramChat(api, reporter, uploads, EarlyUploads(uploads, tasks))
        yield Speech(client, api, reporter, chat)
        await reporter.close(CLOSE_S)
        uploads.close()
        await telegram.stop(client)


def job_of(message_id, name):
    request = Request(ANN, message_id, ANN, is_group=False)
    return Job(JobId(name), request, "https://example.org/1")


async def texts_in(dc):
    return [message.text for message in await dc.messages(ANN) if message.out]


@asynccontextmanager
async def clock_ahead(dc, client):
    """Number messages as if the clock had jumped, until Telegram has refused one for that."""
    known = len(dc.history)
    numbers = client.session.msg_factory  # they are the time, and never go back
    numbers._last_msg_id = int((time.time() + AHEAD_S) * 2**32) & ~0b11
    async with asyncio.TaskGroup() as tasks:
        yield tasks
        await dc.wait_event("violation", since=known, violation="bad_message")
        numbers._last_msg_id = 0


async def test_a_send_that_telegram_did_not_look_at_is_made_again_and_counts_once(dc):
    async with speaking(dc) as speech:
        await speech.client.resolve_peer(ANN)
        async with clock_ahead(dc, speech.client) as tasks:
            sending = tasks.create_task(speech.api.send_text(Target(ANN), Caption("once"), 1))
        assert (await dc.message(ANN, sending.result())).text == "once"
        assert await speech.api.send_text(Target(ANN), Caption("once"), 1) is None, "a repeat"
    assert await texts_in(dc) == ["once"]


async def test_a_file_that_gets_nothing_but_internal_errors_is_left_to_whoever_can_say_so(
    dc, monkeypatch
):
    monkeypatch.setattr(once, "PAUSES_S", (0.01,) * 3)
    async with speaking(dc) as speech:
        await dc.fail_calls("messages.sendMedia", 500, "WORKER_BUSY_TOO_LONG_RETRY", times=4)
        dice = raw.types.InputMediaDice(emoticon="\N{GAME DIE}")
        sending = speech.api.send_media(Target(ANN), dice, Caption("a file"), 5)
        assert await code_of(sending) == failures.NO_ANSWER
    assert (await dc.stats()).rpc["messages.sendMedia"] == 4


async def test_a_question_that_telegram_did_not_look_at_may_be_asked_later(dc):
    async with speaking(dc) as speech:
        send = partial(speech.api.send_text, Target(ANN), Caption("later"), 3)  # who is that?
        async with clock_ahead(dc, speech.client) as tasks:
            failed = tasks.create_task(code_of(send()))
        assert failed.result() in failures.PASSING
        assert await send() is not None
    assert await texts_in(dc) == ["later"]


async def code_of(sending):
    with pytest.raises(DeliveryError) as raised:
        await sending
    return raised.value.code


async def test_a_send_under_an_old_salt_counts_once(dc):
    async with speaking(dc) as speech:
        await dc.rotate_salts()
        assert await speech.api.send_text(Target(ANN), Caption("salted"), 2) is not None
    assert await texts_in(dc) == ["salted"]


async def test_a_view_without_words_harms_no_other_job_and_not_its_own(dc, caplog):
    to = await dc.say(ANN, "two links")
    broken, other = job_of(to, "broken"), job_of(to, "other")
    async with speaking(dc) as speech:
        nonsense = Progress(cast("Stage", "none"), 1, 2)
        speech.reporter.show(broken, Working("Boats", nonsense))
        speech.reporter.show(other, Looking())
        await dc.wait_message(ANN, text="Looking at the link")
        assert "there are no words" in caplog.text
        assert "KeyError" in caplog.text, "with its traceback"
        speech.reporter.show(broken, Working("Boats", Progress(Stage.DOWNLOAD, 1, 2)))
        await dc.wait_message(ANN, text="Downloading 50 %")
        speech.reporter.show(broken, Cancelled())
        assert await speech.reporter.settle(broken)
    assert sorted(await texts_in(dc)) == ["Cancelled.", "Looking at the link …"]


async def test_a_close_says_the_last_words_and_leaves_nothing_running(dc):
    before = asyncio.all_tasks()
    to = await dc.say(ANN, "a link")
    async with asyncio.timeout(4 * CLOSE_S), speaking(dc) as speech:
        await speech.api.answer("Send me a link.", Target(ANN, to))
        speech.reporter.show(job_of(to, "open"), Working("Boats", Progress(Stage.DOWNLOAD, 1, 4)))
    assert any("Downloading 25 %" in text for text in await texts_in(dc))
    assert asyncio.all_tasks() == before


async def test_a_close_does_not_wait_for_a_telegram_that_is_gone(dc):
    before = asyncio.all_tasks()
    to = await dc.say(ANN, "a link")
    async with asyncio.timeout(4 * CLOSE_S):
        async with speaking(dc) as speech:
            await dc.outage(600)
            speech.reporter.show(job_of(to, "open"), Working("x", Progress(Stage.DOWNLOAD, 1, 4)))
            await speech.api.answer("Send me a link.", Target(ANN, to))
            await speech.reporter.close(0.1)
    assert asyncio.all_tasks() == before
    await dc.end_outage()


async def test_whoever_asks_for_many_answers_silences_nobody_else(dc, monkeypatch):
    monkeypatch.setattr(api, "MAX_ANSWERS_EACH", 2)
    monkeypatch.setattr(api, "MAX_ANSWERS", 4)
    await dc.user(BOB, "Bob", started=True)
    to, bobs = await dc.say(ANN, "hello"), await dc.say(BOB, "hello")
    async with speaking(dc) as speech:
        await speech.client.resolve_peer(ANN)
        for number in range(6):
            await speech.api.answer(f"{number}", Target(ANN, to), within_s=60)
        await speech.api.answer("yes", Target(BOB, bobs), within_s=60)
        await dc.wait_message(BOB, lambda m: m.out and m.text == "yes", timeout_s=30)
        await dc.wait_message(ANN, lambda m: m.out and m.text == "1", timeout_s=30)
    assert await texts_in(dc) == ["0", "1"]


def steps_of(random_id):
    async def about_to_send():
        return random_id

    async def note(_words):
        """Nothing is kept."""

    return SendSteps(lambda _progress: None, about_to_send, note)


async def test_all_parts_of_what_telegram_has_are_sent_in_order_and_each_of_them_once(dc, tmp_path):
    job = job_of(await dc.say(ANN, "a link"), "parts")
    sizes = [1000, 2000, 3000]
    async with speaking(dc) as speech:
        ids = []
        for number, size in enumerate(sizes):
            (path := tmp_path / f"{number}.mp3").write_bytes(bytes(size))
            file = MediaFile(
                *(MediaKind.AUDIO, path, size, 1.0, 0, 0, True, "audio/mpeg", False, "Boats")
            )
            ids += (await speech.chat.send(job, file, steps_of(number + 1))).file_ids
        known = KnownFile(MediaKind.AUDIO, "Boats", tuple(ids), sum(sizes))
        for random_id in (2**63 - 1, 2**63 - 1, 160):  # a crash comes between the first two
            sent = await speech.chat.send_known(job, known, steps_of(random_id))
            assert len(sent.file_ids) == len(ids)
        assert await speech.chat.find_sent(job, known) is None
    files = [message for message in await dc.messages(ANN) if message.media]
    assert [message.media.size for message in files] == sizes * 3
    assert [bool(message.text) for message in files] == [True] * 3 + [True, False, False] * 2


async def test_a_part_that_is_no_file_is_found_out_before_any_is_sent(dc):
    job = job_of(await dc.say(ANN, "a link"), "parts")
    async with speaking(dc) as speech:
        known = KnownFile(MediaKind.VIDEO, "Boats", ("BAACAg", "nothing"))
        with pytest.raises(FileRefusedError):
            await speech.chat.send_known(job, known, steps_of(1))
    assert await texts_in(dc) == []
