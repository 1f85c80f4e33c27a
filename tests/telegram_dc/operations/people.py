"""Acting as Telegram's users."""

import asyncio
import random
import time
from dataclasses import dataclass, replace
from typing import Any

from tests.telegram_dc import render, tl, views
from tests.telegram_dc.acting import attachment, entities_from
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.model import Chat, StoredMessage, User
from tests.telegram_dc.server import Server
from tests.telegram_dc.text import with_own_entities
from tests.telegram_dc.wire import Answer, to_json


@dataclass
class People:
    server: Server

    async def user(
        self, user_id: int, first_name: str, username: str | None, *, started: bool
    ) -> None:
        self.server.world.add_user(User(user_id, first_name, username, started=started))

    async def block(self, user_id: int, *, blocked: bool) -> None:
        self.server.world.user(user_id).blocked = blocked

    async def say(self, chat_id: int, sender: int, text: str, **extra: Any) -> int:
        chat = self._place(chat_id, sender)
        message = StoredMessage(
            chat_id,
            sender,
            text,
            with_own_entities(text, entities_from(extra["entities"])),
            reply_to=extra["reply_to"],
            topic=self._topic_of(chat, extra["topic"], extra["reply_to"]),
            forward_from=extra["forward_from"],
        )
        message.date -= int(extra["age_s"])
        if extra["media"]:
            message.media = attachment(self.server, extra["media"], extra["media_path"])
        if chat.kind == "private":
            user = self.server.world.user(sender)
            user.started, user.blocked = True, False
        entry = self.server.world.post(message)
        if extra["is_told"]:
            self.server.publish(entry)
        self.server.note("user_message", message, seen=entry is not None)
        return message.id

    async def edit(
        self, chat_id: int, message_id: int, text: str, entities: list[dict[str, Any]]
    ) -> None:
        message = self._message(chat_id, message_id)
        message.text = text
        message.entities = with_own_entities(text, entities_from(entities))
        self.server.publish(self.server.world.edited(message))
        self.server.note("user_edit", message)

    async def delete(self, chat_id: int, message_ids: list[int]) -> None:
        messages = [self._message(chat_id, message_id) for message_id in message_ids]
        self.server.publish(self.server.world.delete(self.server.world.chat(chat_id), messages))
        for message in messages:
            self.server.note("user_delete", message)

    async def press(
        self,
        chat_id: int,
        message_id: int,
        sender: int,
        data: bytes | None,
        button: str | None,
        timeout_s: float,
    ) -> Answer:
        chat = self._place(chat_id, sender)
        message = self._message(chat_id, message_id)
        if data is None:
            data = _button_data(message, button or "")
        query_id = random.getrandbits(62)
        answered: asyncio.Future[Answer] = self.server.loop.create_future()
        self.server.callbacks[query_id] = answered
        self._push_press(chat, message, sender, data, query_id)
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                answer = await answered
        finally:
            self.server.callbacks.pop(query_id, None)
        return replace(answer, seconds=answer.seconds - started)

    def _push_press(
        self, chat: Chat, message: StoredMessage, sender: int, data: bytes, query_id: int
    ) -> None:
        world = self.server.world
        update = tl.types.UpdateBotCallbackQuery(
            query_id=query_id,
            user_id=sender,
            peer=render.peer(chat),
            msg_id=message.id,
            chat_instance=hash(chat.id),
            data=data,
        )
        users, chats = render.mentioned(world, [message])
        if all(user.id != sender for user in users):
            users.append(render.user(world.user(sender)))
        self.server.push(update, users, chats)
        self.server.note("press", message, sender=sender, data=to_json(data))

    def _place(self, chat_id: int, sender: int) -> Chat:
        chat = self.server.world.chat(chat_id)
        anonymous = sender == chat_id and chat.kind != "private"
        if not anonymous and sender not in chat.members:
            raise ControlError(f"{sender} is no member of {chat_id}")
        return chat

    def _topic_of(self, chat: Chat, topic: int | None, reply_to: int | None) -> int | None:
        if topic is not None and topic not in chat.topics:
            raise ControlError(f"no topic {topic} in {chat.id}")
        replied = self.server.world.message(chat.id, reply_to) if reply_to else None
        return topic if topic is not None or replied is None else replied.topic

    def _message(self, chat_id: int, message_id: int) -> StoredMessage:
        message = self.server.world.message(chat_id, message_id)
        if message is None:
            raise ControlError(f"no message {message_id} in {chat_id}")
        return message


def _button_data(message: StoredMessage, text: str) -> bytes:
    try:
        button = views.message(message).button(text)
    except LookupError as error:
        raise ControlError(str(error)) from error
    if button.data is None:
        raise ControlError(f"the button {button.text!r} carries no data")
    return button.data
