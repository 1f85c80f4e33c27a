"""What happens to messages later: edits, deletions, reactions, answers to buttons."""

import time
from typing import Any

from tests.telegram_dc import render, tl
from tests.telegram_dc.errors import bad, forbidden
from tests.telegram_dc.model import Chat, StoredMedia, StoredMessage
from tests.telegram_dc.rpc.call import Call, Handler, member_channel
from tests.telegram_dc.rpc.media import stored_media
from tests.telegram_dc.rpc.messages import checked_markup, updates_of
from tests.telegram_dc.rpc.rights import check_kind, reachable_chat, writable_chat
from tests.telegram_dc.text import check_caption, check_text, with_own_entities
from tests.telegram_dc.wire import Answer

_MAX_ANSWER_CHARACTERS = 200
_EMOJI_PRESENTATION = "\ufe0f"  # a variation selector that makes no difference
_MAX_REACTIONS = 1  # of a bot, per message

# https://core.telegram.org/bots/api#reactiontypeemoji
_EMOJI = """
❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌
🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿
🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
"""
_REACTIONS = frozenset(_EMOJI.split())


async def _edit(call: Call, query: Any) -> Any:
    chat = writable_chat(call, query.peer)
    message = _own(call, chat, query.id)
    markup = checked_markup(query.reply_markup)
    media = message.media
    if query.media is not None:
        media = await stored_media(call, query.media)
        check_kind(call, chat, media)
    text, entities = message.text, message.entities
    if query.message is not None or query.media is not None:
        text = query.message or ""
        entities = with_own_entities(text, query.entities)
    (check_caption if media else check_text)(text)
    if _same(message, text, entities, markup, media):
        raise bad("MESSAGE_NOT_MODIFIED")
    call.count(chat)
    message.text, message.entities = text, entities
    message.markup, message.media = markup, media
    entry = call.world.edited(message)
    call.server.publish(entry, but=call.session)
    call.server.note("edit", message, call.method)
    updates = [render.update(call.world, entry)] if entry else []
    return updates_of(call, updates, [message])


def _own(call: Call, chat: Chat, message_id: int) -> StoredMessage:
    message = call.world.message(chat.id, message_id)
    if message is None:
        raise bad("MESSAGE_ID_INVALID")
    if not message.out:
        raise forbidden("MESSAGE_AUTHOR_REQUIRED")
    return message


def _same(
    message: StoredMessage, text: str, entities: list[Any], markup: Any, media: StoredMedia | None
) -> bool:
    return (
        text == message.text
        and [tl.dump(e) for e in entities] == [tl.dump(e) for e in message.entities]
        and (markup and tl.dump(markup)) == (message.markup and tl.dump(message.markup))
        and media is message.media
    )


async def _delete(call: Call, query: Any) -> Any:
    found = [m for i in query.id if (m := call.world.common.get(i)) is not None]
    pts = call.world.log.pts
    count = 0
    for chat_id in dict.fromkeys(message.chat_id for message in found):
        chat = call.world.chats[chat_id]
        count += _deleted(call, chat, [m for m in found if m.chat_id == chat_id])
        pts = call.world.log.pts
    return tl.types.messages.AffectedMessages(pts=pts, pts_count=count)


async def _delete_in_channel(call: Call, query: Any) -> Any:
    chat = member_channel(call, query.channel)
    found = [m for i in query.id if (m := chat.messages.get(i)) is not None]
    count = _deleted(call, chat, found)
    return tl.types.messages.AffectedMessages(pts=chat.log.pts, pts_count=count)


def _deleted(call: Call, chat: Chat, messages: list[StoredMessage]) -> int:
    """How many were deleted. Raises MESSAGE_DELETE_FORBIDDEN for others' without the right."""
    may = chat.kind == "private" or chat.members.get(call.world.bot.id) in {"admin", "creator"}
    if not may and not all(message.out for message in messages):
        raise forbidden("MESSAGE_DELETE_FORBIDDEN")
    alive = [message for message in messages if not message.deleted]
    entry = call.world.delete(chat, alive)
    call.server.publish(entry, but=call.session)
    for message in alive:
        call.server.note("delete", message, call.method)
    return len(alive)


async def _react(call: Call, query: Any) -> Any:
    chat = reachable_chat(call, query.peer)
    message = call.world.message(chat.id, query.msg_id)
    if message is None:
        raise bad("MESSAGE_ID_INVALID")
    wanted = [r for r in query.reaction or [] if not isinstance(r, tl.types.ReactionEmpty)]
    if len(wanted) > _MAX_REACTIONS:
        raise bad("REACTIONS_TOO_MANY")
    emoji = [getattr(reaction, "emoticon", "") for reaction in wanted]
    plain = [e.replace(_EMOJI_PRESENTATION, "") for e in emoji]
    if any(e not in _REACTIONS for e in plain) or (emoji and chat.reactions_refused):
        raise bad("REACTION_INVALID")
    message.reactions = emoji
    call.server.note("reaction", message, call.method)
    counts = [tl.types.ReactionCount(reaction=r, count=1, chosen_order=0) for r in wanted]
    update = tl.types.UpdateMessageReactions(
        peer=render.peer(chat),
        msg_id=message.id,
        reactions=tl.types.MessageReactions(results=counts),
    )
    return updates_of(call, [update], [message])


async def _answer_button(call: Call, query: Any) -> Any:
    if len(query.message or "") > _MAX_ANSWER_CHARACTERS:
        raise bad("MESSAGE_TOO_LONG")
    pressed = call.server.callbacks.pop(query.query_id, None)
    if pressed is None or pressed.done():
        raise bad("QUERY_ID_INVALID")
    answer = Answer(query.message, bool(query.alert), query.url, time.monotonic())
    pressed.set_result(answer)
    call.server.journal.add(
        "answer", method=call.method, text=query.message, alert=bool(query.alert)
    )
    return True


HANDLERS: dict[Any, Handler] = {
    tl.functions.messages.EditMessage: _edit,
    tl.functions.messages.DeleteMessages: _delete,
    tl.functions.channels.DeleteMessages: _delete_in_channel,
    tl.functions.messages.SendReaction: _react,
    tl.functions.messages.SetBotCallbackAnswer: _answer_button,
}
