"""Acting as Telegram's users, and reading what the bot did. Standard library only."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from tests.telegram_dc.wire import (
    Answer,
    Event,
    Message,
    Stats,
    event_from,
    message_from,
    plain,
    stats_from,
    to_json,
)

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 15
_CALL_TIMEOUT_S = 30
_ROOT = Path(__file__).resolve().parents[2]

Predicate = Callable[[Message], bool]


class DataCentreError(Exception):
    """The data centre refused what the control asked, or is gone."""


class _Lines(asyncio.Protocol):
    """The control's connection: answers to their futures, events to the list of all."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.lost = False
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        for future in self.waiting.values():
            if not future.done():
                future.set_exception(DataCentreError("the data centre is gone"))
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            self._line(plain(json.loads(line)))

    def _line(self, value: dict[str, Any]) -> None:
        if "event" in value:
            self.events.append(event_from(value["event"]))
            self._wake()
            return
        future = self.waiting.pop(value["id"], None)
        if future is None or future.done():
            return
        if "error" in value:
            kind = TimeoutError if value.get("timeout") else DataCentreError
            future.set_exception(kind(value["error"]))
        else:
            future.set_result(value["ok"])

    def _wake(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()


class DataCentre:
    """A running data centre. Chat ids are the Bot API's; a private chat's id is the user's."""

    def __init__(self, ready: dict[str, Any], lines: _Lines) -> None:
        self.address: str = ready["address"]
        self.public_key = Path(ready["public_key"])
        self.api_id: int = ready["api_id"]
        self.api_hash: str = ready["api_hash"]
        self.bot_token: str = ready["bot_token"]
        self.bot_id: int = ready["bot_id"]
        self.bot_username: str = ready["bot_username"]
        self._lines = lines
        self._next_id = 0

    # users and chats

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
    ) -> int:
        """A group with the bot as a member; the bot is an admin when `admins` has its id.

        A supergroup's id is -100..., a basic group's -N. With `privacy` the bot hears only
        commands, mentions and replies to itself, unless it is an admin.
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
        )
        return chat_id

    async def set_chat(self, chat_id: int, **settings: bool) -> None:
        """`privacy`, `writes_refused`, `reactions_refused`."""
        await self._call("set_chat", chat_id=chat_id, **settings)

    async def block(self, user_id: int) -> None:
        """The user blocks the bot."""
        await self._call("block", user_id=user_id, blocked=True)

    async def unblock(self, user_id: int) -> None:
        await self._call("block", user_id=user_id, blocked=False)

    async def kick_bot(self, chat_id: int) -> None:
        await self._call("set_member", chat_id=chat_id, user_id=None, role=None)

    async def add_bot(self, chat_id: int, role: str = "member") -> None:
        """`role`: member or admin."""
        await self._call("set_member", chat_id=chat_id, user_id=None, role=role)

    async def set_member(self, chat_id: int, user_id: int, role: str | None) -> None:
        """`role`: member, admin, creator; None: not in the chat."""
        await self._call("set_member", chat_id=chat_id, user_id=user_id, role=role)

    # acting as a user

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
    ) -> int:
        """Sends as `sender` (in a private chat: its user) and returns the message's id.

        Links, commands and mentions become entities by themselves; `entities` adds others, such as
        {"type": "text_link", "offset": 0, "length": 4, "url": ...} in UTF-16 units. `media` is
        photo, video or document. A sender that is the group's own id is an anonymous admin.
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
            within_s=timeout_s + _CALL_TIMEOUT_S,
            chat_id=chat_id,
            message_id=message_id,
            sender=chat_id if sender is None else sender,
            data=data,
            button=button,
            timeout_s=timeout_s,
        )
        return Answer(**answer)

    # reading

    async def messages(self, chat_id: int) -> list[Message]:
        """All of a chat in order, the users' and the bot's, deleted ones too."""
        return [message_from(item) for item in await self._call("messages", chat_id=chat_id)]

    async def message(self, chat_id: int, message_id: int) -> Message:
        for message in await self.messages(chat_id):
            if message.id == message_id:
                return message
        raise DataCentreError(f"no message {message_id} in {chat_id}")

    async def reactions(self, chat_id: int, message_id: int) -> list[str]:
        """The bot's reactions to a message."""
        answer: list[str] = await self._call("reactions", chat_id=chat_id, message_id=message_id)
        return answer

    async def wait_message(
        self,
        chat_id: int,
        predicate: Predicate | None = None,
        *,
        timeout_s: float = 10,
        **wanted: Any,
    ) -> Message:
        """The first message of a chat, now or as it comes or changes, that fits.

        Without a predicate deleted messages do not fit, unless `deleted=True`; `wanted` compares
        fields: `text` by containment, `media` by kind (True: any), others by equality. Raises
        TimeoutError that tells what was there instead.
        """
        fits = predicate or _matcher(wanted)
        start = len(self._lines.events)
        try:
            async with asyncio.timeout(timeout_s):
                for message in await self.messages(chat_id):
                    if fits(message):
                        return message
                async for event in self.events(start):
                    if event.chat_id == chat_id and event.message and fits(event.message):
                        return event.message
        except TimeoutError:
            there = [m for m in await self.messages(chat_id) if not m.deleted]
            raise TimeoutError(
                f"no such message within {timeout_s} s; last: {there[-3:]}"
            ) from None
        raise DataCentreError("the data centre is gone")

    async def wait_event(
        self, kind: str, *, since: int = 0, timeout_s: float = 10, **wanted: Any
    ) -> Event:
        """The first event of a kind from number `since` on; `wanted` compares fields and data."""
        async with asyncio.timeout(timeout_s):
            async for event in self.events(since):
                values = event.data | {"method": event.method, "chat_id": event.chat_id}
                if event.kind == kind and all(values.get(k) == v for k, v in wanted.items()):
                    return event
        raise DataCentreError("the data centre is gone")

    async def events(self, since: int = 0) -> AsyncIterator[Event]:
        """Everything that happened from event number `since` on, in order, without end."""
        position = since
        while True:
            while position < len(self._lines.events):
                yield self._lines.events[position]
                position += 1
            if self._lines.lost:
                return
            await self._lines.news.wait()

    @property
    def history(self) -> list[Event]:
        """What has been heard of so far."""
        return list(self._lines.events)

    async def stats(self) -> Stats:
        return stats_from(await self._call("stats"))

    async def wait_online(self, timeout_s: float = 10) -> None:
        """Until a session of the bot is connected and gets updates."""
        await self._call("wait_online", within_s=timeout_s + _CALL_TIMEOUT_S, timeout_s=timeout_s)

    # trouble

    async def faults(self, **values: float) -> None:
        """`latency_ms` (one way), `bandwidth_bytes_s` (per connection), `drop_after_bytes`,
        `refuse_connections`, `unanswered_parts`, `premium_wait_parts`, `premium_wait_s`."""
        await self._call("faults", **values)

    async def clear_faults(self) -> None:
        await self._call("clear_faults")

    async def fail_calls(self, method: str, code: int, text: str, *, times: int = 1) -> None:
        """The next calls of a method ("messages.sendMedia") are answered with an error."""
        await self._call("fail_calls", method=method, times=times, code=code, text=text)

    async def swallow_answers(self, method: str, *, times: int = 1) -> None:
        """The next calls of a method are executed, and their answers never sent."""
        await self._call("swallow_answers", method=method, times=times)

    async def drop_connections(self, which: str = "all") -> int:
        """Resets connections: `all`, those that carried `parts`, or the `main` ones; how many."""
        return int(await self._call("drop_connections", which=which))

    async def flood_limits(self, **values: float) -> None:
        """`enabled`, `chat_messages`, `chat_window_s`, `group_messages`, `group_window_s`,
        `total_messages`, `total_window_s`."""
        await self._call("flood_limits", **values)

    async def clear_flood(self) -> None:
        """Forgets what was sent so far."""
        await self._call("clear_flood")

    async def rotate_salts(self) -> None:
        await self._call("rotate_salts")

    async def forget_auth_keys(self) -> None:
        """Ends every login, and drops the connections."""
        await self._call("forget_auth_keys")

    async def forget_random_ids(self) -> None:
        await self._call("forget_random_ids")

    async def expire_file_references(self) -> None:
        await self._call("expire_file_references")

    async def expire_parts(self) -> None:
        await self._call("expire_parts")

    async def _call(self, op: str, /, within_s: float = _CALL_TIMEOUT_S, **args: Any) -> Any:
        lines = self._lines
        if lines.lost or lines.transport is None:
            raise DataCentreError("the data centre is gone")
        self._next_id += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lines.waiting[self._next_id] = future
        request = {"id": self._next_id, "op": op, "args": to_json(args)}
        lines.transport.write(json.dumps(request).encode() + b"\n")
        async with asyncio.timeout(within_s):
            return await future


def _matcher(wanted: dict[str, Any]) -> Predicate:
    expected = {"deleted": False} | wanted

    def fits(message: Message) -> bool:
        for name, value in expected.items():
            actual = getattr(message, name)
            if name == "text":
                fitting = value in actual
            elif name == "media":
                fitting = bool(actual) and value in (True, actual.kind)
            else:
                fitting = actual == value
            if not fitting:
                return False
        return True

    return fits


@asynccontextmanager
async def running(
    state_dir: Path,
    *,
    flood_limits: bool = True,
    native_crypto: bool = False,
    **options: float,
) -> AsyncIterator[DataCentre]:
    """Starts a data centre in a process of its own and stops it at the end.

    `options` are those of the command line (`port=0`, `chat_messages=3`, ...). The same `state_dir`
    gives the same key, the same logins and, after an orderly stop, the same chats. `native_crypto`
    makes the server's share of a benchmark small, where there is a C compiler.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.telegram_dc", "--dir", str(state_dir)]
    command += ["--until-stdin-closes", *([] if flood_limits else ["--no-flood-limits"])]
    command += ["--native-crypto"] if native_crypto else []
    command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    with (state_dir / "log.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        ready = await _ready(process, state_dir)
        async with connected(ready) as centre:
            yield centre
    finally:
        await _stop(process)


@asynccontextmanager
async def connected(ready: dict[str, Any]) -> AsyncIterator[DataCentre]:
    """The control of a data centre that runs already; `ready` is the line it printed."""
    host, port = ready["control"].split(":")
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_START_TIMEOUT_S):
        transport, lines = await loop.create_connection(_Lines, host, int(port))
    try:
        yield DataCentre(ready, lines)
    finally:
        transport.close()


async def _ready(process: asyncio.subprocess.Process, state_dir: Path) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(_START_TIMEOUT_S):
        line = await process.stdout.readline()
    if not line:
        log = (state_dir / "log.txt").read_text()[-2000:]
        raise DataCentreError(f"the data centre did not start:\n{log}")
    ready: dict[str, Any] = json.loads(line)
    return ready


async def _stop(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
