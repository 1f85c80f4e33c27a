"""The control: JSON lines over loopback TCP, to act as users and to read what the bot did.

A request is {"id", "op", "args"}; its answer {"id", "ok"} or {"id", "error", "timeout"}. Every
event is sent as {"event"} to every connection, from the first event on.
"""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from tests.telegram_dc import render, tl
from tests.telegram_dc.acting import attachment, entities_from
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.faults import MethodFault
from tests.telegram_dc.model import Chat, StoredMessage, User
from tests.telegram_dc.server import Server
from tests.telegram_dc.text import with_own_entities
from tests.telegram_dc.transport import Link
from tests.telegram_dc.wire import Answer, Event, plain, to_json

log = logging.getLogger(__name__)

_DROP: dict[str, Callable[[Link], bool]] = {
    "all": lambda _link: True,
    "parts": lambda link: link.carried_parts,
    "main": lambda link: link.is_main,
}


@dataclass
class Control:
    """Every public method is an operation; its parameters are the request's arguments."""

    server: Server

    # users and chats

    async def user(
        self, user_id: int, first_name: str, username: str | None, *, started: bool
    ) -> None:
        self.server.world.add_user(User(user_id, first_name, username, started=started))

    async def group(
        self,
        chat_id: int,
        title: str,
        members: list[int],
        admins: list[int],
        **settings: Any,
    ) -> None:
        world = self.server.world
        roles = dict.fromkeys(members, "member")
        roles |= dict.fromkeys(admins, "admin")
        if creator := settings.get("creator"):
            roles[creator] = "creator"
        for user_id in roles:
            world.user(user_id)
        roles.setdefault(world.bot.id, "member")
        kind = "supergroup" if settings["supergroup"] else "basic"
        world.add_chat(Chat(chat_id, title, kind, roles, privacy=settings["privacy"]))
        self._note_privacy()

    async def block(self, user_id: int, *, blocked: bool) -> None:
        self.server.world.user(user_id).blocked = blocked

    async def set_member(self, chat_id: int, user_id: int | None, role: str | None) -> None:
        """The bot when `user_id` is None; out of the chat when `role` is None."""
        world = self.server.world
        members = world.chat(chat_id).members
        who = world.bot.id if user_id is None else world.user(user_id).id
        if role is None:
            members.pop(who, None)
        else:
            members[who] = role

    async def set_chat(self, chat_id: int, **values: bool) -> None:
        chat = self.server.world.chat(chat_id)
        for name, value in values.items():
            if name not in {"privacy", "writes_refused", "reactions_refused"}:
                raise ControlError(f"no setting {name} of a chat")
            setattr(chat, name, value)
        self._note_privacy()

    def _note_privacy(self) -> None:
        """Privacy mode belongs to a bot; here it is set by chat, and on when any chat has it."""
        world = self.server.world
        world.bot.reads_all = not any(chat.privacy for chat in world.chats.values())

    # acting as a user

    async def say(self, chat_id: int, sender: int, text: str, **extra: Any) -> int:
        chat = self._place(chat_id, sender)
        message = StoredMessage(
            chat_id,
            sender,
            text,
            with_own_entities(text, entities_from(extra["entities"])),
            reply_to=extra["reply_to"],
            forward_from=extra["forward_from"],
        )
        if extra["media"]:
            message.media = attachment(self.server, extra["media"], extra["media_path"])
        if chat.kind == "private":
            user = self.server.world.user(sender)
            user.started, user.blocked = True, False
        entry = self.server.world.post(message)
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

    def _message(self, chat_id: int, message_id: int) -> StoredMessage:
        message = self.server.world.message(chat_id, message_id)
        if message is None:
            raise ControlError(f"no message {message_id} in {chat_id}")
        return message

    # reading

    async def messages(self, chat_id: int) -> Any:
        """All of a chat, in order, deleted ones too."""
        chat = self.server.world.chat(chat_id)
        return [render.plain_message(message) for message in chat.messages.values()]

    async def reactions(self, chat_id: int, message_id: int) -> list[str]:
        return self._message(chat_id, message_id).reactions

    async def stats(self) -> dict[str, Any]:
        server, journal = self.server, self.server.journal
        return {
            "rpc": dict(journal.rpc),
            "floods": journal.floods,
            "violations": journal.violations,
            "bytes_received": server.bytes_received,
            "connections": len(server.links),
            "connections_made": server.connections_made,
            "parts": server.files.parts,
        }

    async def wait_online(self, timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            await self.server.wait_online()

    # trouble

    async def faults(self, **values: Any) -> None:
        self.server.faults.change(values)

    async def clear_faults(self) -> None:
        self.server.faults.clear()

    async def fail_calls(self, method: str, times: int, code: int, text: str) -> None:
        self.server.faults.add_method(MethodFault(method, times, code, text))

    async def swallow_answers(self, method: str, times: int) -> None:
        self.server.faults.add_method(MethodFault(method, times))

    async def drop_connections(self, which: str) -> int:
        if which not in _DROP:
            raise ControlError(f"drop all, parts or main; not {which}")
        chosen = [link for link in self.server.links if _DROP[which](link)]
        for link in chosen:
            link.abort()
        return len(chosen)

    async def flood_limits(self, **values: Any) -> None:
        limits = self.server.flood.limits
        for name, value in values.items():
            if not hasattr(limits, name):
                raise ControlError(f"no flood limit {name}")
            setattr(limits, name, value)

    async def clear_flood(self) -> None:
        self.server.flood.clear()

    async def rotate_salts(self) -> None:
        self.server.keys.rotate_salts()

    async def forget_auth_keys(self) -> None:
        """Every session file becomes worthless, as when Telegram ends a session."""
        self.server.keys.forget_all()
        await self.drop_connections("all")

    async def forget_random_ids(self) -> None:
        self.server.world.random_ids.clear()

    async def expire_file_references(self) -> None:
        self.server.world.expire_file_references()

    async def expire_parts(self) -> None:
        self.server.files.expire_parts()


def _button_data(message: StoredMessage, text: str) -> bytes:
    try:
        button = render.plain_message(message).button(text)
    except LookupError as error:
        raise ControlError(str(error)) from error
    if button.data is None:
        raise ControlError(f"the button {button.text!r} carries no data")
    return button.data


class ControlProtocol(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._control = Control(server)
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        for event in self._server.journal.events:
            self._tell(event)
        self._server.journal.listeners.append(self._tell)

    def connection_lost(self, _error: Exception | None) -> None:
        self._server.journal.listeners.remove(self._tell)

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._server.tasks.create_task(self._handle(json.loads(line)))

    async def _handle(self, request: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": request["id"]}
        try:
            answer["ok"] = to_json(await self._operation(request["op"])(**plain(request["args"])))
        except TimeoutError:
            answer |= {"error": f"{request['op']}: not in time", "timeout": True}
        except Exception as error:
            if not isinstance(error, ControlError):
                log.exception("control: %s failed", request["op"])
            answer["error"] = f"{type(error).__name__}: {error}"
        self._send(answer)

    def _operation(self, name: str) -> Callable[..., Awaitable[Any]]:
        operation = getattr(self._control, name, None)
        if not re.fullmatch("[a-z][a-z_]*", name) or not callable(operation):
            raise ControlError(f"no operation {name}")
        found: Callable[..., Awaitable[Any]] = operation
        return found

    def _tell(self, event: Event) -> None:
        self._send({"event": to_json(event)})

    def _send(self, value: dict[str, Any]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(json.dumps(value).encode() + b"\n")
