"""One call, and what every family of methods needs: the peers it names."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.telegram_dc import tl
from tests.telegram_dc.auth_keys import AuthKey
from tests.telegram_dc.errors import RpcError, bad
from tests.telegram_dc.model import CHANNEL_BASE, Chat, User
from tests.telegram_dc.session import Session
from tests.telegram_dc.transport import Link
from tests.telegram_dc.world import World

if TYPE_CHECKING:
    from tests.telegram_dc.server import Server

Handler = Callable[["Call", Any], Awaitable[Any]]


@dataclass
class Call:
    server: "Server"
    session: Session
    link: Link
    method: str
    chat_id: int = 0  # where it writes, for the record of floods

    @property
    def world(self) -> World:
        return self.server.world

    def count(self, chat: Chat, items: int = 1) -> None:
        """Counts against the flood limits. Raises FloodError."""
        self.chat_id = chat.id
        self.server.flood.take(chat.id, items)


def check_login(auth: AuthKey) -> None:
    if auth.user_id is None:
        raise RpcError(401, "AUTH_KEY_UNREGISTERED")


def chat_of(call: Call, peer: Any) -> Chat:
    """The chat an InputPeer names. Raises PEER_ID_INVALID or CHANNEL_INVALID."""
    if hasattr(peer, "channel_id"):
        return channel_of(call, peer)
    if hasattr(peer, "chat_id"):
        chat = call.world.chats.get(-peer.chat_id)
        if chat is None or chat.is_channel:
            raise bad("PEER_ID_INVALID")
        return chat
    if not hasattr(peer, "user_id"):
        raise bad("PEER_ID_INVALID")
    chat = call.world.chats.get(user_of(call, peer).id)
    if chat is None:
        raise bad("PEER_ID_INVALID")
    return chat


def channel_of(call: Call, channel: Any) -> Chat:
    """A bot may leave the access hash of a peer it has met at 0; a wrong one is refused."""
    chat = call.world.chats.get(-CHANNEL_BASE - getattr(channel, "channel_id", 0))
    if chat is None or channel.access_hash not in (0, chat.access_hash):
        raise bad("CHANNEL_INVALID")
    return chat


def member_channel(call: Call, channel: Any) -> Chat:
    """As `channel_of`; raises CHANNEL_PRIVATE where the bot is no member."""
    chat = channel_of(call, channel)
    if call.world.bot.id not in chat.members:
        raise bad("CHANNEL_PRIVATE")
    return chat


def user_of(call: Call, user: Any) -> User:
    if isinstance(user, (tl.types.InputUserSelf, tl.types.InputPeerSelf)):
        return call.world.bot
    found = call.world.users.get(getattr(user, "user_id", 0))
    if found is None or user.access_hash not in (0, found.access_hash):
        raise bad("PEER_ID_INVALID")
    return found
