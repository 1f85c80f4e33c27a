"""What the loopback data centre does with groups and with floods."""

import pytest
from pyrogram import enums, raw, utils
from pyrogram.errors import FloodWait, PeerIdInvalid, UserNotParticipant

from tests.integration.loopback import ANN, BOB, received, soon

SUPERGROUP = -1002147483648 - 77  # a new, large id
BASIC = -555

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_fourth_message_at_once_has_to_wait_for_true_seconds(dc, client):
    for number in range(3):
        await client.send_message(BOB, f"{number}")
    with pytest.raises(FloodWait) as flood:
        await client.send_message(BOB, "too many")
    assert 1 <= int(str(flood.value.value)) <= 3
    last = (await dc.stats()).floods[-1]
    assert (last.method, last.chat_id) == ("messages.sendMessage", BOB)


async def test_a_group_takes_twenty_messages_a_minute(dc, client):
    await dc.group(SUPERGROUP, "Videos", members=[ANN])
    await dc.flood_limits(chat_messages=100, total_messages=100)
    try:
        for number in range(20):
            await client.send_message(SUPERGROUP, f"{number}")
        with pytest.raises(FloodWait) as flood:
            await client.send_message(SUPERGROUP, "21st")
        assert 50 <= int(str(flood.value.value)) <= 60
    finally:
        await dc.flood_limits(chat_messages=3, total_messages=30)


@pytest.mark.parametrize("chat_id", [SUPERGROUP, BASIC])
async def test_members_of_groups(dc, client, chat_id):
    await dc.group(
        chat_id, members=[ANN], admins=[BOB], creator=None, supergroup=chat_id == SUPERGROUP
    )
    ann = await client.get_chat_member(chat_id, ANN)
    bob = await client.get_chat_member(chat_id, BOB)
    assert ann.status is enums.ChatMemberStatus.MEMBER
    assert bob.status is enums.ChatMemberStatus.ADMINISTRATOR
    await dc.user(104)
    with pytest.raises(UserNotParticipant):
        await client.get_chat_member(chat_id, 104)


@pytest.mark.parametrize("chat_id", [SUPERGROUP, BASIC])
async def test_groups_deliver_to_the_bot_and_take_its_messages(dc, client, chat_id):
    await dc.group(chat_id, "Videos", members=[ANN], supergroup=chat_id == SUPERGROUP)
    updates = received(client)
    asked = await dc.say(chat_id, "in a group", sender=ANN)
    message = await soon(updates, lambda m: m.text == "in a group")
    assert (message.chat.id, message.from_user.id, message.id) == (chat_id, ANN, asked)
    await dc.say(chat_id, "as the group", sender=chat_id)
    anonymous = await soon(updates, lambda m: m.text == "as the group")
    assert (anonymous.from_user, anonymous.sender_chat.id) == (None, chat_id)
    answer = await message.reply("answer")
    assert (await dc.message(chat_id, answer.id)).reply_to == asked
    fetched = await client.get_messages(chat_id, [asked, answer.id, 9999])
    assert [m.text for m in fetched] == ["in a group", "answer", None]
    await answer.edit_text("changed")
    await answer.delete()
    assert (await dc.message(chat_id, answer.id)).deleted


async def test_privacy_mode_hides_what_is_not_for_the_bot(dc, client):
    chat = await dc.group(-1002000000002, members=[ANN], privacy=True)
    updates = received(client)
    await dc.say(chat, "https://hidden.example", sender=ANN)
    await dc.say(chat, "/seen", sender=ANN)
    assert (await soon(updates)).text == "/seen"
    sent = await client.send_message(chat, "mine")
    await dc.say(chat, "reply", sender=ANN, reply_to=sent.id)
    assert (await soon(updates)).text == "reply"
    await dc.add_bot(chat, "admin")
    await dc.say(chat, "now everything", sender=ANN)
    assert (await soon(updates)).text == "now everything"


async def test_a_group_that_becomes_a_supergroup_takes_nothing_under_its_old_id(dc, client):
    old = await dc.group(-556, "Videos", members=[ANN], creator=BOB, supergroup=False)
    asked = await dc.say(old, "before", sender=ANN)
    updates = received(client)
    new = await dc.migrate(old, -1002000000009)
    told = [await soon(updates, lambda m: m.service) for _ in range(2)]
    assert {(m.chat.id, m.migrate_to_chat_id, m.migrate_from_chat_id) for m in told} == {
        (old, new, None),
        (new, None, old),
    }
    with pytest.raises(PeerIdInvalid):
        await client.send_message(old, "x")
    (chat,) = (await client.invoke(raw.functions.messages.GetChats(id=[-old]))).chats
    assert chat.deactivated
    assert utils.get_channel_id(chat.migrated_to.channel_id) == new
    assert (await client.get_messages(old, asked)).text == "before", "what was said is still there"
    sent = await client.send_message(new, "after")
    assert (await dc.message(new, sent.id)).text == "after"
