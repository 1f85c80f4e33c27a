"""What owners decide about people in the chat, and what people choose once for all their links."""

import dataclasses
import secrets

import pytest
import pytest_asyncio

from tests.e2e.stage import GROUP, OWNER

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def tell(stage, command, *, chat=OWNER, sender=OWNER, **more):
    """What somebody reads who has sent a command."""
    to = await stage.say(command, chat=chat, sender=sender, **more)
    return (await stage.status(to, chat=chat)).text


async def refused(stage, words):
    to = await stage.send_link("progressive", n=secrets.token_hex(4))
    return await stage.status(to, words)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(stage):
    user = 7_100_000_000 + secrets.randbelow(1_000_000)
    await stage.dc.user(user, "Stranger")
    return dataclasses.replace(stage, user=user)


async def test_a_ban_ends_what_is_open_and_shuts_out_until_it_is_lifted(stage):
    to = await stage.send_link("hls", n=secrets.token_hex(4))
    await stage.menu(to)
    said = await tell(stage, f"/ban {stage.user} too loud")
    assert (
        said
        == f"{stage.user} is banned: I do nothing for them any more. 1 open link was cancelled."
    )
    await stage.status(to, "Cancelled")
    await refused(stage, "private")
    assert "not banned any more" in await tell(stage, f"/unban {stage.user}")
    await stage.menu(await stage.send_link("hls", n=secrets.token_hex(4)))


async def test_a_reply_in_a_group_is_about_whoever_wrote_there(stage):
    before = await stage.say("hello", chat=GROUP)
    assert str(stage.user) in await tell(stage, "/ban", chat=GROUP, reply_to=before)
    own = await stage.say("/unban", chat=GROUP, sender=OWNER, reply_to=await bot_message(stage))
    assert "/unban 123456789" in (await stage.status(own, chat=GROUP)).text
    assert "not banned" in await tell(stage, "/unban", chat=GROUP, reply_to=before)


async def bot_message(stage):
    """The number of something that the bot wrote in the group."""
    to = await stage.say("/queue", chat=GROUP, sender=OWNER)
    return (await stage.status(to, chat=GROUP)).id


async def test_a_stranger_is_let_in_and_out_again(stranger):
    await refused(stranger, "private")
    assert "may use me in private now" in await tell(stranger, f"/allow {stranger.user}")
    await stranger.menu(await stranger.send_link("hls", n=secrets.token_hex(4)))
    assert "any more" in await tell(stranger, f"/disallow {stranger.user}")


async def test_a_limit_holds_from_the_next_link_on(stage):
    assert "gets one video a day" in await tell(stage, f"/limit {stage.user} 1")
    await stage.menu(await stage.send_link("hls", n=secrets.token_hex(4)))
    await refused(stage, "You have had your one video for today")
    assert "gets 500 videos a day" in await tell(stage, f"/limit {stage.user} off")
    await stage.menu(await stage.send_link("hls", n=secrets.token_hex(4)))


async def test_what_an_owner_sends_by_mistake_is_explained_and_others_command_nothing(stage):
    assert "/limit 123456789 20" in await tell(stage, f"/limit {stage.user} many")
    assert "reply to a message" in await tell(stage, "/ban somebody")
    assert "owner" in await tell(stage, f"/ban {OWNER}")
    assert "Only my owner" in await tell(stage, f"/ban {OWNER}", chat=stage.user, sender=stage.user)


async def test_who_has_chosen_a_quality_once_is_not_asked_again(stage):
    to = await stage.say("/settings")
    shown = await stage.status(to, "What shall I take")
    await stage.press(shown, shown.button("Audio only").data)
    await stage.dc.wait_message(
        stage.user, lambda m: m.id == shown.id and "✓ Audio" in str(m.buttons)
    )
    file = await stage.file(await stage.send_link("dash", n=secrets.token_hex(4)))
    assert file.media.kind == "audio"
    slow = await stage.send_link("dash", n=secrets.token_hex(4), rate=20_000)
    working = await stage.status(slow, "Downloading")
    assert working.text.endswith("/settings changes what I take for you.")
    await stage.cancel(slow)
    await stage.press(shown, shown.button("Ask me each time").data)
    await stage.menu(await stage.send_link("hls", n=secrets.token_hex(4)))
