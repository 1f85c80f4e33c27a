"""Groups: who is in them, what the bot may do there, and their topics."""

from dataclasses import dataclass
from typing import Any

from tests.telegram_dc import members, render, tl
from tests.telegram_dc.errors import ControlError
from tests.telegram_dc.model import MEDIA_RIGHTS, Chat, StoredMessage, Topic
from tests.telegram_dc.server import Server

_SETTINGS = {"privacy", "writes_refused", "reactions_refused", "bot_banned", "lenient_replies"}
_RIGHTS = {"plain", "media", *MEDIA_RIGHTS.values()}


@dataclass
class Chats:
    server: Server

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
        if settings["forum"] and kind == "basic":
            raise ControlError("only supergroups have topics")
        privacy = settings["privacy"] or world.privacy
        chat = Chat(chat_id, title, kind, roles, privacy=privacy, is_forum=settings["forum"])
        world.add_chat(chat)
        world.note_privacy()

    async def set_chat(self, chat_id: int, **values: bool) -> None:
        chat = self.server.world.chat(chat_id)
        for name, value in values.items():
            if name not in _SETTINGS:
                raise ControlError(f"no setting {name} of a chat")
            setattr(chat, name, value)
        self.server.world.note_privacy()

    async def migrate(self, chat_id: int, new_id: int, *, is_told: bool) -> None:
        """https://core.telegram.org/api/channel#migration"""
        world = self.server.world
        old = world.chat(chat_id)
        if old.kind != "basic" or old.migrated_to is not None:
            raise ControlError(f"{chat_id} is no basic group")
        new = Chat(new_id, old.title, "supergroup", dict(old.members), privacy=old.privacy)
        world.add_chat(new)
        old.migrated_to = new_id
        actor = members.promoter(old, world.bot.id)
        if is_told:
            self._service(old, actor, tl.types.MessageActionChatMigrateTo(channel_id=new.raw_id))
            action = tl.types.MessageActionChannelMigrateFrom(title=old.title, chat_id=old.raw_id)
            self._service(new, actor, action)

    async def privacy(self, *, enabled: bool) -> None:
        self.server.world.privacy = enabled
        self.server.world.bot.reads_all = not enabled

    async def set_member(
        self, chat_id: int, user_id: int | None, role: str | None, by: int | None
    ) -> None:
        """The bot when `user_id` is None; out of the chat when `role` is None."""
        world = self.server.world
        chat = world.chat(chat_id)
        who = world.bot.id if user_id is None else world.user(user_id).id
        before = members.own_participant(world, chat)
        was_there = who in chat.members
        if role is None:
            chat.members.pop(who, None)
        else:
            chat.members[who] = role
        if user_id is not None:
            return
        if not was_there and role is not None:
            chat.privacy = not world.bot.reads_all
        actor = world.user(by).id if by is not None else members.promoter(chat, world.bot.id)
        self._tell_bot(chat, before, actor)
        if not was_there and role is not None:
            self._service(chat, actor, tl.types.MessageActionChatAddUser(users=[world.bot.id]))

    def _tell_bot(self, chat: Chat, before: Any, actor: int) -> None:
        world = self.server.world
        update = members.update(world, chat, before, actor)
        users = [render.user(world.bot, is_self=True)]
        if actor != world.bot.id:
            users.append(render.user(world.user(actor)))
        self.server.push(update, users, [render.chat(world, chat)])

    async def forbid(self, chat_id: int, kinds: list[str]) -> None:
        if unknown := set(kinds) - _RIGHTS:
            raise ControlError(f"no rights {sorted(unknown)}; there are {sorted(_RIGHTS)}")
        self.server.world.chat(chat_id).forbidden.update(kinds)

    async def allow(self, chat_id: int, kinds: list[str]) -> None:
        chat = self.server.world.chat(chat_id)
        chat.forbidden -= set(kinds) or chat.forbidden

    async def slow_mode(self, chat_id: int, seconds: float) -> None:
        chat = self.server.world.chat(chat_id)
        chat.slow_mode_s, chat.next_send_at = seconds, 0.0

    async def open_topic(self, chat_id: int, title: str, by: int | None) -> int:
        world = self.server.world
        chat = self._forum(chat_id)
        actor = world.user(by).id if by is not None else members.promoter(chat, world.bot.id)
        action = tl.types.MessageActionTopicCreate(title=title, icon_color=0x6FB9F0)
        topic = self._service(chat, actor, action)
        chat.topics[topic] = Topic(topic, title)
        return topic

    async def change_topic(self, chat_id: int, topic: int, *, is_closed: bool) -> None:
        chat = self._forum(chat_id)
        self._topic(chat, topic).is_closed = is_closed
        action = tl.types.MessageActionTopicEdit(closed=is_closed)
        self._service(chat, members.promoter(chat, self.server.world.bot.id), action, topic)

    async def delete_topic(self, chat_id: int, topic: int) -> None:
        chat = self._forum(chat_id)
        self._topic(chat, topic).is_deleted = True
        inside = [m for m in chat.messages.values() if topic in (m.topic, m.id)]
        self.server.publish(self.server.world.delete(chat, inside))

    def _service(self, chat: Chat, actor: int, action: Any, topic: int | None = None) -> int:
        message = StoredMessage(chat.id, actor, "", action=action, topic=topic)
        self.server.publish(self.server.world.post(message))
        self.server.note("user_message", message, seen=True)
        return message.id

    def _forum(self, chat_id: int) -> Chat:
        chat = self.server.world.chat(chat_id)
        if not chat.is_forum:
            raise ControlError(f"{chat_id} has no topics")
        return chat

    def _topic(self, chat: Chat, topic: int) -> Topic:
        if topic not in chat.topics:
            raise ControlError(f"no topic {topic} in {chat.id}")
        return chat.topics[topic]
