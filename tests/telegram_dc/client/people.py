"""Acting as Telegram's users."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.telegram_dc.client.remote import CALL_TIMEOUT_S, Remote
from tests.telegram_dc.wire import Answer


class People(Remote):
    """Chat ids are the Bot API's; a private chat's id is the user's."""

    async def user(
        self,
        user_id: int,
        first_name: str = "Ann",
        username: str | None = None,
        *,
        started: bool = False,
    ) -> int:
        """Makes a user, and returns the id. Until they `started` the bot (their first `say` does
        it) the bot cannot write to them."""
        await self._call(
            "user", user_id=user_id, first_name=first_name, username=username, started=started
        )
        return user_id

    async def block(self, user_id: int) -> None:
        """The user blocks the bot: sends and edits are refused with 403 USER_IS_BLOCKED."""
        await self._call("block", user_id=user_id, blocked=True)

    async def unblock(self, user_id: int) -> None:
        await self._call("block", user_id=user_id, blocked=False)

    async def say(
        self,
        chat_id: int,
        text: str = "",
        *,
        sender: int | None = None,
        entities: Iterable[dict[str, Any]] = (),
        media: str | None = None,
        media_path: Path | None = None,
        caption: str | None = None,
        forward_from: int | None = None,
        reply_to: int | None = None,
        topic: int | None = None,
        age_s: float = 0,
        is_told: bool = True,
    ) -> int:
        """Sends as `sender` (in a private chat: its user) and returns the message's id.

        Links, commands and mentions become entities by themselves; `entities` adds others, such as
        {"type": "text_link", "offset": 0, "length": 4, "url": ...} in UTF-16 units. `media` is
        photo, video or document. A sender that is the group's own id is an anonymous admin. In a
        forum a message belongs to `topic`, or to that of the message it replies to, or to none.
        Unless it `is_told` the bot gets no update, and finds it when it asks what it missed.
        `age_s` ago is what Telegram then says of when it was sent.
        """
        answer = await self._call(
            "say",
            chat_id=chat_id,
            sender=chat_id if sender is None else sender,
            text=text if caption is None else caption,
            entities=list(entities),
            media=media,
            media_path=media_path,
            forward_from=forward_from,
            reply_to=reply_to,
            topic=topic,
            age_s=age_s,
            is_told=is_told,
        )
        return int(answer)

    async def edit(
        self, chat_id: int, message_id: int, text: str, *, entities: Iterable[dict[str, Any]] = ()
    ) -> None:
        """A user edits their message."""
        await self._call(
            "edit", chat_id=chat_id, message_id=message_id, text=text, entities=list(entities)
        )

    async def delete(self, chat_id: int, *message_ids: int) -> None:
        """A user deletes messages; the bot's too, as anybody may in a private chat."""
        await self._call("delete", chat_id=chat_id, message_ids=list(message_ids))

    async def press(
        self,
        chat_id: int,
        message_id: int,
        *,
        sender: int | None = None,
        data: bytes | None = None,
        button: str | None = None,
        timeout_s: float = 10,
    ) -> Answer:
        """Presses the button with this `data`, or the first whose text contains `button`.

        Raises TimeoutError when the bot does not answer within `timeout_s`.
        """
        answer = await self._call(
            "press",
            within_s=timeout_s + CALL_TIMEOUT_S,
            chat_id=chat_id,
            message_id=message_id,
            sender=chat_id if sender is None else sender,
            data=data,
            button=button,
            timeout_s=timeout_s,
        )
        return Answer(**answer)
