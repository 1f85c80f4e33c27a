"""Groups: who is in them, what the bot may do there, and their topics."""

from collections.abc import Iterable

from tests.telegram_dc.client.remote import Remote


class Chats(Remote):
    async def group(
        self,
        chat_id: int,
        title: str = "Group",
        *,
        members: Iterable[int] = (),
        admins: Iterable[int] = (),
        creator: int | None = None,
        supergroup: bool = True,
        privacy: bool = False,
        forum: bool = False,
    ) -> int:
        """A group with the bot as a member; the bot is an admin when `admins` has its id.

        A supergroup's id is -100..., a basic group's -N. With `privacy` the bot hears only
        commands, mentions and replies to itself, unless it is an admin. A `forum` is a supergroup
        with topics.
        """
        await self._call(
            "group",
            chat_id=chat_id,
            title=title,
            members=list(members),
            admins=list(admins),
            creator=creator,
            supergroup=supergroup,
            privacy=privacy,
            forum=forum,
        )
        return chat_id

    async def set_chat(self, chat_id: int, **settings: bool) -> None:
        """`privacy`, `writes_refused` (403 CHAT_WRITE_FORBIDDEN), `reactions_refused`,
        `bot_banned` (400 USER_BANNED_IN_CHANNEL: a member that an admin has silenced), and
        `lenient_replies`: a reply to a deleted message is sent without being one, as Telegram is
        also known to do, instead of 400 REPLY_MESSAGE_ID_INVALID, as it documents."""
        await self._call("set_chat", chat_id=chat_id, **settings)

    async def migrate(self, chat_id: int, new_id: int, *, is_told: bool = True) -> int:
        """A basic group becomes the supergroup `new_id`, whose messages count from 1.

        Both tell it with a service message, if `is_told`; whoever writes to the old one is refused
        with 400 PEER_ID_INVALID. Nobody can write there any more.
        """
        await self._call("migrate", chat_id=chat_id, new_id=new_id, is_told=is_told)
        return new_id

    async def privacy(self, *, enabled: bool) -> None:
        """The bot's privacy mode, as BotFather sets it: `can_read_all_group_messages` changes at
        once, a group follows when the bot is added to it again."""
        await self._call("privacy", enabled=enabled)

    # members

    async def kick_bot(self, chat_id: int) -> None:
        """Throws the bot out, and tells it. What it then tries there is refused with 400
        CHANNEL_PRIVATE in a supergroup, with 403 CHAT_WRITE_FORBIDDEN in a basic group."""
        await self._call("set_member", chat_id=chat_id, user_id=None, role=None, by=None)

    async def add_bot(self, chat_id: int, role: str = "member", *, by: int | None = None) -> None:
        """Adds the bot or changes its role, and tells it; `role`: member or admin.

        A bot that is new gets a service message, and every change as an update of its own.
        """
        await self._call("set_member", chat_id=chat_id, user_id=None, role=role, by=by)

    async def set_member(self, chat_id: int, user_id: int, role: str | None) -> None:
        """`role`: member, admin, creator; None: not in the chat."""
        await self._call("set_member", chat_id=chat_id, user_id=user_id, role=role, by=None)

    # rights of members; an admin has them all

    async def forbid(self, chat_id: int, *kinds: str) -> None:
        """Takes rights away from members: `plain` (text), `media` (any), `videos`, `audios`,
        `photos`, `docs`, `gifs`, `voices`. The rest stays allowed, and edits of text do.

        Refused with 403 CHAT_SEND_<KIND>_FORBIDDEN.
        """
        await self._call("forbid", chat_id=chat_id, kinds=list(kinds))

    async def allow(self, chat_id: int, *kinds: str) -> None:
        """Gives rights back; all of them when none is named."""
        await self._call("allow", chat_id=chat_id, kinds=list(kinds))

    async def slow_mode(self, chat_id: int, seconds: float) -> None:
        """One message in so many seconds from each member, else 420 SLOWMODE_WAIT_X; 0: off."""
        await self._call("slow_mode", chat_id=chat_id, seconds=seconds)

    # topics of a forum

    async def open_topic(self, chat_id: int, title: str, *, by: int | None = None) -> int:
        """Makes a topic and returns its id, which is that of the service message about it."""
        return int(await self._call("open_topic", chat_id=chat_id, title=title, by=by))

    async def close_topic(self, chat_id: int, topic: int) -> None:
        """Members cannot write there any more: 400 TOPIC_CLOSED. 1 is the topic of no topic."""
        await self._call("change_topic", chat_id=chat_id, topic=topic, is_closed=True)

    async def reopen_topic(self, chat_id: int, topic: int) -> None:
        await self._call("change_topic", chat_id=chat_id, topic=topic, is_closed=False)

    async def delete_topic(self, chat_id: int, topic: int) -> None:
        """With its messages; whoever writes there: 400 TOPIC_DELETED."""
        await self._call("delete_topic", chat_id=chat_id, topic=topic)
