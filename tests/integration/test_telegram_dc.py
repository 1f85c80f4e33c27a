"""The loopback data centre, spoken to by an unmodified Pyrogram client."""

from typing import Any

import pytest
from pyrogram import raw
from pyrogram.errors import (
    AccessTokenInvalid,
    BadRequest,
    ButtonDataInvalid,
    ChannelPrivate,
    EntityBoundsInvalid,
    MessageNotModified,
    MessageTooLong,
    PeerIdInvalid,
    ReactionInvalid,
    UserIsBlocked,
)
from pyrogram.handlers import CallbackQueryHandler
from pyrogram.types import (
    ReplyParameters,
)

from tests.integration.loopback import ANN, BOB, make_client, received, rows, send_raw, soon

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_wrong_token_and_a_wrong_api_hash_are_refused(dc, tmp_path):
    bad_token = make_client(dc, tmp_path, bot_token="1:x", in_memory=True)
    with pytest.raises(AccessTokenInvalid):
        await bad_token.start()
    bad_hash = make_client(dc, tmp_path, api_hash="0" * 32, in_memory=True)
    with pytest.raises(BadRequest, match="API_ID_INVALID"):
        await bad_hash.start()


async def test_a_users_message_arrives_with_entities_telegram_found(dc, client):
    updates = received(client)
    entity = {"type": "text_link", "offset": 3, "length": 4, "url": "https://hidden.example/v"}
    text = "😀 here or http://127.0.0.1:8080/x.mp4?a=1, example.com/w /go"
    await dc.say(ANN, text, entities=[entity], forward_from=BOB)
    message = await soon(updates, lambda m: m.text == text)
    found = [(e.type.name, text_of(text, e), e.url) for e in message.entities]
    assert found == [
        ("TEXT_LINK", "here", "https://hidden.example/v"),
        ("URL", "http://127.0.0.1:8080/x.mp4?a=1", None),
        ("URL", "example.com/w", None),
        ("BOT_COMMAND", "/go", None),
    ]
    assert message.from_user.id == ANN
    assert message.forward_origin.sender_user.id == BOB


def text_of(text: str, entity: Any) -> str:
    units = text.encode("utf-16-le")
    return units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le")


async def test_send_reply_edit_and_delete(dc, client):
    asked = await dc.say(ANN, "question")
    sent = await client.send_message(
        ANN,
        "one",
        reply_parameters=ReplyParameters(message_id=asked),
        reply_markup=rows(("a", b"1")),
    )
    there = await dc.message(ANN, sent.id)
    assert (there.text, there.reply_to, there.button("a").data) == ("one", asked, b"1")
    await client.edit_message_text(ANN, sent.id, "two")
    edited = await dc.message(ANN, sent.id)
    assert (edited.text, edited.edits, edited.buttons) == ("two", 1, ())
    with pytest.raises(MessageNotModified):
        await client.edit_message_text(ANN, sent.id, "two")
    await client.delete_messages(ANN, sent.id)
    assert (await dc.message(ANN, sent.id)).deleted
    with pytest.raises(BadRequest, match="MESSAGE_ID_INVALID"):
        await client.edit_message_text(ANN, sent.id, "three")


async def test_rules_for_texts_and_buttons(dc, client):
    await dc.flood_limits(enabled=False)
    try:
        with pytest.raises(MessageTooLong):
            await client.send_message(ANN, "😀" * 2049)
        assert await client.send_message(ANN, "😀" * 2048)
        with pytest.raises(ButtonDataInvalid):
            await client.send_message(ANN, "x", reply_markup=rows(("a", "x" * 65)))
        bold = raw.types.MessageEntityBold(offset=1, length=3)
        with pytest.raises(EntityBoundsInvalid):
            await send_raw(client, ANN, "abc", entities=[bold])
        with pytest.raises(BadRequest, match="REPLY_MESSAGE_ID_INVALID"):
            await client.send_message(
                ANN, "x", reply_parameters=ReplyParameters(message_id=999_999)
            )
    finally:
        await dc.flood_limits(enabled=True)


async def test_a_repeated_random_id_is_refused_and_nothing_is_sent_twice(dc, client):
    await send_raw(client, ANN, "only once", random_id=4711)
    with pytest.raises(Exception, match="RANDOM_ID_DUPLICATE"):
        await send_raw(client, ANN, "only once", random_id=4711)
    texts = [message.text for message in await dc.messages(ANN)]
    assert texts.count("only once") == 1


async def test_a_press_waits_for_the_bots_answer(dc, client):
    async def answer(_client: Any, query: Any) -> None:
        await query.answer(f"got {query.data}", show_alert=True)

    client.add_handler(CallbackQueryHandler(answer))
    sent = await client.send_message(ANN, "choose", reply_markup=rows(("720p · 3 MB", "q:720")))
    answer_got = await dc.press(ANN, sent.id, button="720p")
    assert (answer_got.text, answer_got.alert) == ("got q:720", True)
    assert answer_got.seconds < 2


async def test_a_press_nobody_answers_times_out(dc, client):
    sent = await client.send_message(ANN, "choose", reply_markup=rows(("x", "1")))
    with pytest.raises(TimeoutError):
        await dc.press(ANN, sent.id, data=b"1", timeout_s=0.2)


async def test_reactions_are_kept_and_can_be_refused(dc, client):
    asked = await dc.say(ANN, "react")
    await client.send_reaction(ANN, asked, emoji="👀")
    assert await dc.reactions(ANN, asked) == ["👀"]
    with pytest.raises(ReactionInvalid):
        await client.send_reaction(ANN, asked, emoji="✅")
    await dc.set_chat(ANN, reactions_refused=True)
    with pytest.raises(ReactionInvalid):
        await client.send_reaction(ANN, asked, emoji="👍")


async def test_where_the_bot_may_not_write(dc, client):
    await dc.block(BOB)
    with pytest.raises(UserIsBlocked):
        await client.send_message(BOB, "x")
    await dc.user(103, "Stranger")
    with pytest.raises(PeerIdInvalid):
        await client.send_message(103, "x")
    await dc.group(-1002000000001, members=[ANN])
    assert await client.send_message(-1002000000001, "x")
    await dc.kick_bot(-1002000000001)
    with pytest.raises(ChannelPrivate):
        await client.send_message(-1002000000001, "y")
