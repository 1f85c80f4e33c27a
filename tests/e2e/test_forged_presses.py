"""Buttons of others, buttons that are over, and buttons that never were: they change nothing."""

import asyncio
import dataclasses
import itertools
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import GROUP, Stage
from tests.telegram_dc.wire import Message
from userbot.telegram import past_words, texts
from userbot.telegram.callbacks import CancelPress, ListCancelPress, unpack

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BOB, CAT, DAN = stages.FRIENDS[:4]
NO = {
    texts.PRESS_TOO_OLD,
    texts.PRESS_NOT_YOURS,
    texts.CANCELLED_ALREADY,
    texts.LIST_NOT_YOURS,
    past_words.NOT_YOURS,
    past_words.HISTORY_TOO_OLD,
    past_words.DATA_TOO_OLD,
}
UNKNOWN_JOB = "00000000"


@dataclass(frozen=True)
class Things:
    """One message with each sort of buttons, of one person, and what all the buttons carry."""

    stage: Stage
    chat_id: int
    messages: tuple[Message, ...]

    @property
    def presses(self) -> list[bytes]:
        """With those that are shown only when others were pressed."""
        person = self.stage.user
        shown = [b.data for m in self.messages for row in m.buttons for b in row if b.data]
        return [*shown, *(f"d:{wish}:{person}".encode() for wish in "yn"), f"p:0:{person}".encode()]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bot(site, tmp_path_factory):
    """A bot of this module's own: what is looked at is everything in a chat."""
    async with stages.alone(site, tmp_path_factory.mktemp("forged")) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def anns(bot):
    return await things_of(dataclasses.replace(bot, user=ANN), ANN)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bobs(bot):
    return await things_of(dataclasses.replace(bot, user=BOB), BOB)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def anns_in_group(bot):
    """Histories and data are in private alone."""
    stage = dataclasses.replace(bot, user=ANN)
    return Things(stage, GROUP, (await with_buttons(stage, GROUP, "hls", "MB"),))


async def things_of(stage: Stage, chat_id: int) -> Things:
    failed = await with_buttons(stage, chat_id, "forbidden", "Tell the owner")
    menu = await with_buttons(stage, chat_id, "hls", "MB")
    listed = await asked(stage, chat_id, "/queue", "Cancel 1")
    history = await asked(stage, chat_id, "/history", "Send 1")
    data = await asked(stage, chat_id, "/mydata", "Delete")
    return Things(stage, chat_id, (failed, menu, listed, history, data))


async def with_buttons(stage: Stage, chat_id: int, link: str, button: str) -> Message:
    to = await stage.send_link(link, chat=chat_id, n=f"forged-{stage.user}")
    return await answer(stage, chat_id, to, button)


async def asked(stage: Stage, chat_id: int, command: str, button: str) -> Message:
    """What a command brings; a history is written beside what it is about."""
    async with asyncio.timeout(60):
        while True:
            to = await stage.say(command, chat=chat_id)
            said = await answer(stage, chat_id, to)
            if any(button in label for label in labels(said)):
                return said
            await asyncio.sleep(0.5)


async def answer(stage: Stage, chat_id: int, to: int, button: str = "") -> Message:
    return await stage.dc.wait_message(
        chat_id,
        lambda m: (
            m.out
            and m.reply_to == to
            and (not button or any(button in label for label in labels(m)))
        ),
        timeout_s=40,
    )


def labels(message: Message) -> list[str]:
    return [button.text for row in message.buttons for button in row]


async def everything(bot: Stage, *chats: int) -> list[Message]:
    return list(itertools.chain.from_iterable([await bot.dc.messages(chat) for chat in chats]))


async def refused(stage: Stage, on: Message, data: bytes, sender: int) -> bool:
    said = await stage.press(on, data, sender=sender)
    return said.text in NO and not said.alert


async def test_what_belongs_to_somebody_else_is_refused_under_ones_own_messages(bot, anns, bobs):
    before = await everything(bot, ANN, BOB)
    for data, on in zip(anns.presses, itertools.cycle(bobs.messages), strict=False):
        assert await refused(bot, on, data, BOB), (data, on)
    assert await everything(bot, ANN, BOB) == before


async def test_what_belongs_to_somebody_else_is_refused_under_each_message(bot, anns, bobs):
    menu_of_ann = next(data for data in anns.presses if data.startswith(b"q:"))
    before = await everything(bot, ANN, BOB)
    for on in bobs.messages:
        assert await refused(bot, on, menu_of_ann, BOB), on
    assert await everything(bot, ANN, BOB) == before


async def test_in_a_group_nobody_uses_the_buttons_of_others(bot, anns, anns_in_group):
    (menu,) = anns_in_group.messages
    before = await everything(bot, ANN, GROUP)
    for data in (*anns_in_group.presses, *anns.presses):
        assert await refused(bot, menu, data, BOB), data
    assert await everything(bot, ANN, GROUP) == before


async def test_what_was_sent_in_private_does_nothing_in_a_group(bot, anns, anns_in_group):
    """But Cancel, which is for whoever sent the link, anywhere."""
    (menu,) = anns_in_group.messages
    before = await everything(bot, ANN, GROUP)
    for data in anns.presses:
        if data[:1] not in b"xc":
            assert await refused(bot, menu, data, ANN), data
    assert await everything(bot, ANN, GROUP) == before


def mutations(data: bytes, person: int) -> set[bytes]:
    """The same of another job, of another person, with more of it and with less."""
    job = next((word for word in data.split(b":") if len(word) == 8), b"\0")
    words = {data.replace(job, UNKNOWN_JOB.encode()), data.replace(job, job.upper()[::-1])}
    words |= {data.replace(str(person).encode(), str(other).encode()) for other in (0, -1, BOB)}
    return (words | {data + b":0", data + b"\n", data[:-1], data.upper(), b" " + data}) - {data}


async def test_mutated_buttons_are_refused_under_ones_own_messages(bot, anns):
    before = await everything(bot, ANN)
    kinds = {data[:1]: data for data in anns.presses}  # one of each sort
    ways = [data for press in kinds.values() for data in sorted(mutations(press, ANN))]
    ways = [data for data in ways if not is_anns(data, anns.presses)]
    for data, on in zip(ways, itertools.cycle(anns.messages), strict=False):
        assert await refused(bot, on, data, ANN), (data, on.text)
    assert await everything(bot, ANN) == before


def is_anns(data: bytes, presses: list[bytes]) -> bool:
    """Whether a mutation is a button of hers: Cancel is, whichever list it says it is on."""
    press = unpack(data)
    if isinstance(press, CancelPress | ListCancelPress):
        return any(press.job_id.encode() in own for own in presses)
    return data in presses or getattr(press, "asker_id", None) == ANN


async def test_buttons_of_a_job_that_is_over_are_refused(bot):
    cat = dataclasses.replace(bot, user=CAT)
    menu = await with_buttons(cat, CAT, "hls", "MB")
    listed = await asked(cat, CAT, "/queue", "Cancel 1")
    over = [b.data for m in (menu, listed) for row in m.buttons for b in row if b.data]
    await cat.press(menu, menu.button("Cancel").data)
    await cat.status(menu.reply_to or 0, "Cancelled")
    before = await everything(bot, CAT)
    for data in over:
        assert await refused(bot, menu, data, CAT), data
    assert await everything(bot, CAT) == before


async def test_what_is_pressed_twice_happens_once(bot):
    dan = dataclasses.replace(bot, user=DAN)
    menu = await with_buttons(dan, DAN, "progressive", "MB")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(dan.press(menu, menu.buttons[0][0].data))
    file = await dan.file(menu.reply_to or 0)
    history = await asked(dan, DAN, "/history", "Send 1")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(dan.press(history, history.button("Send 1").data))
    await dan.file(history.id)
    await dan.status(await dan.say("/start"), "Send me a link")
    files = [m for m in await bot.dc.messages(DAN) if stages.is_file(m)]
    assert [m.reply_to for m in files] == [file.reply_to, history.id]


async def test_data_is_deleted_by_the_button_that_asked_alone_and_once(bot):
    dan = dataclasses.replace(bot, user=DAN)
    data = await asked(dan, DAN, "/mydata", "Delete")
    assert await refused(bot, data, f"d:y:{DAN}".encode(), DAN)
    await dan.press(data, data.button("Delete").data)
    sure = await answer(dan, DAN, data.id, "Yes")
    yes = sure.button("Yes").data
    await dan.press(sure, yes)
    await dan.dc.wait_message(DAN, lambda m: m.id == sure.id and "Deleted" in m.text, timeout_s=40)
    before = await everything(bot, DAN)
    assert yes
    assert await refused(bot, sure, yes, DAN)
    assert await everything(bot, DAN) == before
