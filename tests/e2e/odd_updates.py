"""What Telegram might send to a bot, and what it never does: whole bodies, ready to be pushed.

Most of them are messages and presses of people whom the bot serves, so that they come through to
its handlers; the others are of every constructor that TL has for updates, and some are no TL.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Any

from pyrogram import raw

from tests.e2e.odd_values import LONG_EDGES, Values, constructors

_KEPT = 200  # sent bodies that may be sent again
_LINKS = 2000  # in one message
_UNKNOWN = 0x0BADF00D  # no constructor of TL
_EXPRESSION = struct.Struct("<I")


class OddUpdates:
    def __init__(self, values: Values) -> None:
        self._values = values
        self._random = values.random
        self._sent: list[bytes] = []
        self._next_id = 10**8  # far above the numbers of messages that there are
        self._updates: dict[Callable[[], Any], int] = {
            self._private: 30,
            self._in_group: 20,
            self._press: 20,
            self._any_update: 20,
            self._service: 8,
            self._many_links: 1,
        }

    def __iter__(self) -> Iterator[bytes]:
        """Bodies without end."""
        ways = {self._fresh: 84, self._again: 6, self._broken: 8, self._no_updates: 2}
        while True:
            (way,) = self._random.choices(list(ways), list(ways.values()))
            body = way()
            self._sent = [*self._sent[-_KEPT:], body]
            yield body

    # bodies

    def _fresh(self) -> bytes:
        written: bytes = self._envelope(self._random.choice((1, 1, 1, 2, 5))).write()
        return written

    def _again(self) -> bytes:
        """A duplicate, late."""
        return self._random.choice(self._sent) if self._sent else self._fresh()

    def _broken(self) -> bytes:
        """TL that is cut, has other bytes in it, or is none."""
        body = self._fresh()
        unknown = _EXPRESSION.pack(_UNKNOWN)
        at = self._random.randrange(0, len(body), 4)
        return self._random.choice(
            (
                self._values.mutated(body),
                self._values.mutated(body),
                body[:at] + unknown + body[at + 4 :],
                unknown + self._random.randbytes(40),
                _EXPRESSION.pack(0),
                b"",
            )
        )

    def _no_updates(self) -> bytes:
        """A plain object where updates should be; sometimes news of a gap."""
        kind = self._random.choice((raw.types.UpdatesTooLong, raw.types.Chat, raw.types.Pong))
        written: bytes = self._values.made(kind).write()
        return written

    def _envelope(self, count: int) -> Any:
        values, kinds = self._values, raw.types
        updates = [self._update() for _ in range(count)]
        around: Any = {"users": self._users(), "chats": self._chats()}
        if (dice := self._random.random()) < 0.8:
            return values.made(kinds.Updates, updates=updates, **around)
        if dice < 0.9:
            return values.made(kinds.UpdatesCombined, updates=updates, **around)
        if dice < 0.97:
            return values.made(kinds.UpdateShort, update=updates[0])
        return self._random.choice((self._short_message, self._any_envelope))()

    def _short_message(self) -> Any:
        text = self._values.text()
        return self._values.made(raw.types.UpdateShortMessage, message=text, pts=2**31 - 1)

    def _any_envelope(self) -> Any:
        return self._values.any("Updates")

    # updates

    def _update(self) -> Any:
        (make,) = self._random.choices(list(self._updates), list(self._updates.values()))
        return make()

    def _any_update(self) -> Any:
        kind = self._random.choice(constructors("Update"))
        return self._values.made(kind)

    def _private(self) -> Any:
        peer = raw.types.PeerUser(user_id=self._values.user_id())
        from_id = self._random.choice((None, None, peer, self._values.any("Peer")))
        return self._new(peer_id=peer, from_id=from_id)

    def _in_group(self) -> Any:
        sender = raw.types.PeerUser(user_id=self._values.user_id())
        from_id = self._random.choice((sender, sender, None, self._values.any("Peer")))
        return self._new(peer_id=self._values.any("Peer"), from_id=from_id)

    def _service(self) -> Any:
        message = self._values.made(raw.types.MessageService, id=self._id(), out=None)
        return self._told(message)

    def _many_links(self) -> Any:
        words = [f"http://10.9.9.9/{number}" for number in range(_LINKS)]
        entity = raw.types.MessageEntityUrl
        entities = [entity(offset=number * 9, length=9) for number in range(_LINKS)]
        peer = raw.types.PeerUser(user_id=self._values.user_id())
        return self._new(peer_id=peer, from_id=None, message=" ".join(words), entities=entities)

    def _new(self, **fields: Any) -> Any:
        is_out = True if self._random.random() < 0.03 else None
        fields = {"id": self._id(), "out": is_out, **fields}
        message = self._values.made(raw.types.Message, **fields)
        if self._random.random() < 0.02:
            message = self._values.made(raw.types.MessageEmpty)
        return self._told(message)

    def _told(self, message: Any) -> Any:
        kinds = (raw.types.UpdateNewMessage, raw.types.UpdateNewChannelMessage)
        kind = self._random.choice((*kinds, *kinds, raw.types.UpdateEditMessage))
        return self._values.made(kind, message=message)

    def _press(self) -> Any:
        kinds = raw.types
        inline = (kinds.UpdateInlineBotCallbackQuery, kinds.UpdateBusinessBotCallbackQuery)
        kind = self._random.choice((*[kinds.UpdateBotCallbackQuery] * 8, *inline))
        data = self._values.data() if self._random.random() < 0.95 else None
        return self._values.made(kind, data=data)

    def _id(self) -> int:
        """A new number mostly: of those that came before nobody hears twice."""
        self._next_id += 1
        known = self._values.known.messages
        return self._random.choice((self._next_id, self._next_id, *known[:1], 0, -1, 2**31 - 1))

    # who is spoken of

    def _users(self) -> list[Any]:
        if self._random.random() < 0.1:
            return []
        is_strange = self._random.random() < 0.1
        users = [self._person(user_id) for user_id in self._values.known.users]
        return [*users, self._values.any("User")] if is_strange else users

    def _person(self, user_id: int) -> Any:
        return raw.types.User(id=user_id, access_hash=0, first_name="User")

    def _chats(self) -> list[Any]:
        if self._random.random() < 0.1:
            return []
        groups = self._values.known.groups
        chats = [self._group(-group - 10**12) for group in groups if group < -(10**12)]
        is_strange = self._random.random() < 0.1
        return [*chats, self._values.any("Chat")] if is_strange else chats

    def _group(self, channel_id: int) -> Any:
        return raw.types.Channel(
            id=channel_id,
            access_hash=0,
            title=self._values.text()[:128],
            photo=raw.types.ChatPhotoEmpty(),
            date=self._random.choice((0, LONG_EDGES[3])),
            megagroup=True,
        )
