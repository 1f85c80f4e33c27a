"""Who is served, who is refused and how, and who may press a button."""

import secrets

import pytest
import pytest_asyncio

from tests.e2e import stage as stages
from tests.e2e.stage import BOB, EVE, GROUP, OWNER

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOREIGN = -1002147483901  # a group that no setting names
ADMIN, MEMBER = 2199, 2198
TOO_OLD = "This button is too old. Please send the link again."
NO_ACCESS = "Sorry, this bot is private."
NOT_YOURS = "Only the person who sent the link can use this button."


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def groups(bot):
    """A foreign group, and an admin in the authorised one."""
    await bot.dc.group(FOREIGN, "Strangers", members=[OWNER, EVE, BOB])
    await bot.dc.set_member(GROUP, ADMIN, "admin")
    await bot.dc.set_member(GROUP, EVE, "member")


async def _answers(stage, chat, to=None):
    """What the bot wrote into a chat, as answers to one message if `to` is given."""
    messages = await stage.dc.messages(chat)
    return [m for m in messages if m.out and (to is None or m.reply_to == to)]


async def _is_served_meanwhile(stage):
    """Have the bot answer somebody else: what came before has been dealt with by then."""
    to = await stage.say("/start")
    await stage.status(to, "Send me a link")


async def _snapshot(stage, message):
    now = await stage.dc.message(message.chat_id, message.id)
    return now.text, now.buttons, now.edits, now.deleted


# strangers


@pytest.mark.parametrize("words", ["/start", "/help", "hello", "a link"])
async def test_a_stranger_gets_one_refusal_with_their_own_id_whatever_they_write(stage, words):
    stranger = 7_000_000_000 + secrets.randbelow(1_000_000)  # ids passed 2^32 long ago
    await stage.dc.user(stranger, "Stranger")
    text = stage.site.url_of("progressive") if words == "a link" else words
    first = await stage.say(text, chat=stranger, sender=stranger)
    refusal = await stage.status(first, "private", chat=stranger)
    assert str(stranger) in refusal.text
    for more in ("/start", "/help", "please", stage.site.url_of("progressive"), "/start code"):
        await stage.say(more, chat=stranger, sender=stranger)
    await _is_served_meanwhile(stage)
    assert await _answers(stage, stranger) == [refusal]
    assert await stage.dc.reactions(stranger, first) == []


async def test_a_group_that_is_not_authorised_hears_nothing(stage, groups):
    before = await _answers(stage, FOREIGN)
    link = stage.site.url_of("progressive")
    for text in ("/start", "/help", f"/start@{stage.dc.bot_username}", "hi"):
        await stage.say(text, chat=FOREIGN, sender=EVE)
    to = await stage.say(link, chat=FOREIGN, sender=BOB)
    anonymous = await stage.say(link, chat=FOREIGN, sender=FOREIGN)
    await _is_served_meanwhile(stage)
    assert await _answers(stage, FOREIGN) == before
    assert await stage.dc.reactions(FOREIGN, to) == []
    assert await stage.dc.reactions(FOREIGN, anonymous) == []


async def test_a_known_user_in_a_foreign_group_is_not_served(stage, groups):
    await stage.dc.set_member(FOREIGN, stage.user, "member")
    to = await stage.send_link("progressive", chat=FOREIGN)
    await _is_served_meanwhile(stage)
    assert await _answers(stage, FOREIGN, to) == []


# who is served


async def test_the_owner_is_served_in_a_foreign_group_and_nobody_else_presses(stage, groups):
    to = await stage.send_link("progressive", chat=FOREIGN, sender=OWNER)
    menu = await stage.menu(to, chat=FOREIGN)
    assert (await stage.press(menu, menu.buttons[0][0].data, sender=EVE)).text == NOT_YOURS
    await stage.press(menu, menu.buttons[0][0].data, sender=OWNER)
    assert (await stage.file(to, chat=FOREIGN)).reply_to == to


@pytest.mark.parametrize("sender", [BOB, EVE])
async def test_everybody_is_served_in_an_authorised_group(stage, groups, sender):
    to = await stage.send_link("progressive", chat=GROUP, sender=sender, n=f"all-{sender}")
    await stage.pick(to, "MB", chat=GROUP, sender=sender)
    assert (await stage.file(to, chat=GROUP)).reply_to == to


async def test_a_member_of_an_authorised_group_is_a_stranger_in_private(stage, groups):
    to = await stage.send_link("progressive", chat=BOB, sender=BOB)
    assert str(BOB) in (await stage.status(to, "private", chat=BOB)).text


async def test_an_authorised_user_is_served_in_private(stage):
    assert (await stage.deliver("progressive", "MB", n="authorised")).media.kind == "video"


# whom the owner has banned


async def test_whom_the_owner_has_banned_gets_one_refusal_and_no_button_works(site, tmp_path):
    async with stages.alone(site, tmp_path) as first:
        first.user = stages.FRIENDS[0]
        link = await first.send_link("progressive", n="before")
        menu = await first.menu(link)
        history = await first.status(await first.say("/history"), "")
        await first.stop()
        bans = {"BANNED_USERS": first.user}
        async with stages.running(first.dc, site, tmp_path / "bot", **bans) as stage:
            stage.user = first.user
            before = {message.id for message in await _answers(stage, stage.user)}
            for data in [button.data for row in menu.buttons for button in row]:
                assert (await stage.press(menu, data)).text == NO_ACCESS
            assert (await stage.press(history, f"h:0:{stage.user}".encode())).text == NO_ACCESS
            said = ["/start", "/history", "/mydata", "/queue", "hello", site.url_of("progressive")]
            for text in said:
                await stage.say(text)
            in_club = await stage.send_link("progressive", chat=GROUP, n="club")
            to = await stage.say("/start", chat=OWNER, sender=OWNER)
            await stage.status(to, "Send me a link", chat=OWNER)
            refusal = await stage.dc.wait_message(
                stage.user, lambda m: m.out and m.id not in before, timeout_s=30
            )
            assert refusal.text == NO_ACCESS
            new = {message.id for message in await _answers(stage, stage.user)} - before
            assert new == {refusal.id}
            assert await _answers(stage, GROUP, in_club) == []
            assert (await stage.dc.message(stage.user, menu.id)).buttons == menu.buttons


# buttons in a group


async def _menu_in_group(stage, sender):
    to = await stage.send_link("hls", chat=GROUP, sender=sender, n=secrets.token_hex(4))
    return to, await stage.menu(to, chat=GROUP)


async def test_only_the_requester_picks_and_only_an_admin_besides_cancels(stage, groups):
    to, menu = await _menu_in_group(stage, stage.user)
    before = await _snapshot(stage, menu)
    for row in menu.buttons:
        for button in row:
            assert (await stage.press(menu, button.data, sender=BOB)).text == NOT_YOURS
    for button in menu.buttons[0]:
        assert (await stage.press(menu, button.data, sender=ADMIN)).text == NOT_YOURS
    assert await _snapshot(stage, menu) == before
    cancel = menu.button("Cancel").data
    assert (await stage.press(menu, cancel, sender=ADMIN)).text is None
    await stage.status(to, "Cancelled", chat=GROUP)


async def test_a_link_of_an_anonymous_admin_belongs_to_the_admins(stage, groups):
    to, menu = await _menu_in_group(stage, GROUP)
    assert (await stage.press(menu, menu.buttons[0][0].data, sender=BOB)).text == NOT_YOURS
    assert (await stage.press(menu, menu.button("Cancel").data, sender=BOB)).text == NOT_YOURS
    assert (await stage.press(menu, menu.buttons[0][0].data, sender=ADMIN)).text is None
    assert (await stage.file(to, chat=GROUP)).reply_to == to


def _forgeries(job_id: str) -> list[bytes]:
    return [
        secrets.token_bytes(64),
        b"\x00",
        b"\xff" * 64,
        b"q" * 64,
        b"x:",
        b"x:00000000",
        b"q:00000000:0",
        f"q:{job_id}".encode(),
        f"q:{job_id}:".encode(),
        f"q:{job_id}:99".encode(),
        f"q:{job_id}:100".encode(),
        f"q:{job_id}:-1".encode(),
        f"q:{job_id}:0 ".encode(),
        f"q:{job_id}:\u0661".encode(),
        f"x:{job_id}\n".encode(),
        f"x:{job_id.upper()}0".encode(),
        f"y:{job_id}".encode(),
        f"x:{job_id}:0".encode(),
    ]


async def test_forged_presses_are_answered_kindly_and_change_nothing(stage):
    to = await stage.send_link("hls", n=f"forged-{stage.user}")
    menu = await stage.menu(to)
    before = await _snapshot(stage, menu)
    for data in _forgeries(stages.job_of(menu)):
        answer = await stage.press(menu, data)
        assert (answer.text, answer.alert) == (TOO_OLD, False), data
    assert await _snapshot(stage, menu) == before
    await stage.cancel(to)
    await stage.status(to, "Cancelled")


async def test_a_job_of_another_chat_is_out_of_reach(stage, groups):
    to = await stage.send_link("hls", n=f"mine-{stage.user}")
    menu = await stage.menu(to)
    job_id = stages.job_of(menu)
    _, other = await _menu_in_group(stage, EVE)
    for data, sender in (
        (f"x:{job_id}", EVE),
        (f"q:{job_id}:0", EVE),
        (f"q:{job_id}:0", stage.user),
    ):
        assert (await stage.press(other, data.encode(), sender=sender)).text == NOT_YOURS
    assert (await stage.dc.message(stage.user, menu.id)).buttons == menu.buttons
    await stage.press(other, other.button("Cancel").data, sender=EVE)
    await stage.cancel(to)


# the first owner


async def test_the_first_who_brings_the_code_becomes_the_owner(site, tmp_path):
    settings = {"OWNER_IDS": "", "AUTHORIZED_USERS": "", "AUTHORIZED_CHATS": ""}
    async with stages.alone(site, tmp_path, **settings) as stage:
        link = f"https://t.me/{stage.dc.bot_username}?start="
        await stages.until(lambda: link in stage.log(), "the link is in the log")
        code = stage.log().partition(link)[2].split()[0]
        for wrong in (code[:-1], code + "x", "ünïcode"):
            to = await stage.say(f"/start {wrong}", chat=EVE, sender=EVE)
        in_group = await stage.say(f"/start {code}", chat=GROUP, sender=BOB)
        await stage.say(f"/start {code}", chat=OWNER, sender=OWNER)
        await stage.dc.wait_message(OWNER, text="owner", out=True)
        to = await stage.say(f"/start {code}", chat=BOB, sender=BOB)
        await stage.status(to, "private", chat=BOB)
        again = await stage.say(f"/start {code}", chat=OWNER, sender=OWNER)
        await stage.status(again, "Send me a link", chat=OWNER)
        assert len(await _answers(stage, EVE)) == 1
        assert await _answers(stage, GROUP, in_group) == []
        assert (await stage.deliver("progressive", "MB")).media
        env_file = stage.home / "none.env"
        assert f"OWNER_IDS={OWNER}" in env_file.read_text()
        assert env_file.stat().st_mode & 0o777 == 0o600
