"""The moments between two steps of a job, as they can be seen from outside.

Each is an async iterator over what reaches it, without end: so one can wait for the third job that
does. The store is looked at every few milliseconds, the data centre tells by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

from tests.e2e.mortal import Row
from tests.e2e.people import CANCEL, Play, is_menu
from tests.e2e.stage import is_file
from tests.telegram_dc.wire import Event, plain

LOOK_S = 0.003
Boundary = Callable[[Play], AsyncIterator[Hashable]]


async def reached(boundary: Boundary, play: Play, count: int) -> None:
    """Return when so many jobs have reached a boundary."""
    seen: set[Hashable] = set()
    async with aclosing(boundary(play)) as keys:  # type: ignore[type-var]  # all are generators
        async for key in keys:
            seen.add(key)
            if len(seen) >= count:
                return


async def _in_store(play: Play, *, fits: Callable[[Row], bool]) -> AsyncIterator[Hashable]:
    while True:
        for row in play.rows():
            if fits(row):
                yield row.id
        await asyncio.sleep(LOOK_S)


async def _in_chat(
    play: Play, *, kind: str, fits: Callable[[Event], bool] = lambda _event: True
) -> AsyncIterator[Hashable]:
    async for event in play.dc.events(play.since):
        if event.chat_id in play.chats and event.kind == kind and fits(event):
            yield event.index


async def _in_folder(play: Play) -> AsyncIterator[Hashable]:
    """A job whose download has begun to write."""
    while True:
        busy = {row.id for row in play.rows() if row.state == "queued" and row.is_claimed}
        for folder in play.bot.folders:
            if folder.name in busy and any(_has_bytes(folder)):
                yield folder.name
        await asyncio.sleep(LOOK_S)


def _has_bytes(folder):
    for path in folder.rglob("*"):
        try:
            yield path.is_file() and path.stat().st_size > 0
        except FileNotFoundError:
            continue


async def _ffmpeg(play: Play) -> AsyncIterator[Hashable]:
    """A merge, or another pass of ffmpeg."""
    while True:
        for pid in _descendants(play.bot.stage.pid):
            if _text(f"/proc/{pid}/comm").startswith("ffmpeg"):
                yield pid
        await asyncio.sleep(LOOK_S)


def _descendants(pid: int) -> Iterator[int]:
    """Much quicker than asking every process for its parent: a merge takes 50 ms."""
    for child in map(int, _text(f"/proc/{pid}/task/{pid}/children").split()):
        yield child
        yield from _descendants(child)


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _parts(play: Play) -> AsyncIterator[Hashable]:
    """Every part of a file that Telegram got."""
    before = (await play.dc.stats()).parts
    while True:
        for number in range(before, (await play.dc.stats()).parts):
            yield number
        await asyncio.sleep(LOOK_S)


def _state(*states: str, is_claimed: bool | None = None) -> Boundary:
    def fits(row: Row) -> bool:
        return row.state in states and is_claimed in (None, bool(row.is_claimed))

    return partial(_in_store, fits=fits)


def _is_menu(event: Event) -> bool:
    return event.message is not None and is_menu(event.message)


def _says(words: str) -> Boundary:
    def fits(event: Event) -> bool:
        return event.message is not None and words in event.message.text

    return partial(_in_chat, kind="edit", fits=fits)


def _is_cancel(event: Event) -> bool:
    return bool(plain(event.data["data"]).startswith(CANCEL))


async def _cancel_taken(play: Play) -> AsyncIterator[Hashable]:
    """A Cancel that the bot has taken of a job that is open yet: its file is being sent."""
    while True:
        for post in list(play.cancelled):
            if not all(row.has_ended for row in play.rows_of(post)):
                yield post
        await asyncio.sleep(LOOK_S)


async def _refused(play: Play) -> AsyncIterator[Hashable]:
    """A file that Telegram does not take yet."""
    async for event in play.dc.events(play.since):
        if event.kind == "rpc" and "WAIT_" in event.data["error"]:
            yield event.index


def _is_file(event: Event) -> bool:
    return event.message is not None and is_file(event.message)


BOUNDARIES: dict[str, Boundary] = {
    "kept": _state("new"),
    "seen": partial(_in_chat, kind="reaction"),
    "extracting": _state("new", is_claimed=True),
    "offered": _state("offered"),
    "menu shown": partial(_in_chat, kind="send", fits=_is_menu),
    "pressed": partial(_in_chat, kind="press"),
    "picked": _state("queued"),
    "in line": _says("in line"),
    "trying again": _says("Trying again"),
    "no room": _says("disk space"),
    "downloading": _in_folder,
    "merging": _ffmpeg,
    "downloaded": _state("fetched"),
    "uploading": _parts,
    "about to send": _state("sending"),
    "asked to wait": _refused,
    "chat takes none": _state("fetched", "sending", is_claimed=False),
    "cancelling": partial(_in_chat, kind="press", fits=_is_cancel),
    "cancel taken": _cancel_taken,
    "sent": partial(_in_chat, kind="send", fits=_is_file),
    "status cleared": partial(_in_chat, kind="delete"),
    "delivered": _state("delivered"),
    "failed": _state("failed"),
}
