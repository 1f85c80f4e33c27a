"""What the person types, line by line: in a terminal by an editor of our own, or from a pipe."""

import asyncio
import codecs
import os
import re
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHUNK_BYTES = 4096
MAX_LINES = 1000
_KEYS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1bO.|\x1b.?|.", re.DOTALL)

Lines = asyncio.Queue[str | None]
"""Typed lines; None is the end of all."""


@contextmanager
def typed_lines(show: Callable[[str | None], None] | None) -> Iterator[Lines]:
    """Read standard input in the block. With `show` it is a terminal, where each change of the
    line is shown: the editor is ours, so that what the bot says does not tear it apart.
    """
    lines: Lines = asyncio.Queue(MAX_LINES)
    if sys.stdin is None:  # it was closed
        lines.put_nowait(None)
        yield lines
        return
    descriptor = sys.stdin.fileno()
    if show is None:
        with _watched(descriptor, _Reader(lines, "").take):
            yield lines
        return
    with _uncooked(descriptor), _watched(descriptor, _Editor(lines, show).take):
        show("")
        try:
            yield lines
        finally:
            show(None)


@contextmanager
def _uncooked(descriptor: int) -> Iterator[None]:
    """Get each key at once and unseen. Ctrl-C stays the signal it is."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _watched(descriptor: int, take: Callable[[bytes], bool]) -> Iterator[None]:
    """Call take with what comes, b"" for the end, as long as it returns True."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            chunk = os.read(descriptor, CHUNK_BYTES)
        except OSError:  # the terminal was closed
            chunk = b""
        if not take(chunk) or not chunk:
            loop.remove_reader(descriptor)

    try:
        loop.add_reader(descriptor, read)
    except PermissionError:  # a plain file, which is always ready
        while take(chunk := os.read(descriptor, CHUNK_BYTES)) and chunk:
            pass
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


class _Reader:
    """Cuts bytes into lines. A line too many ends the input."""

    def __init__(self, lines: Lines, rest: str) -> None:
        self._lines = lines
        self._rest = rest
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, chunk: bytes) -> bool:
        """Queue what is complete; say whether to read on."""
        *whole, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        if not chunk and self._rest:
            whole.append(self._rest)
        for line in whole:
            if self._lines.qsize() >= MAX_LINES - 1:
                chunk = b""
                break
            self._lines.put_nowait(line)
        if not chunk:
            self._lines.put_nowait(None)
        return bool(chunk)


class _Editor:
    """A line with backspace, Ctrl-U, Ctrl-W and Ctrl-D; what else a keyboard has is ignored."""

    def __init__(self, lines: Lines, show: Callable[[str | None], None]) -> None:
        self._lines = lines
        self._show = show
        self._line = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, chunk: bytes) -> bool:
        """Work through keys; say whether to read on."""
        keys = _KEYS.findall(self._decoder.decode(chunk))
        goes_on = bool(chunk) and all(self._press(key) for key in keys)
        if not goes_on:
            self._lines.put_nowait(None)
        self._show(self._line)
        return goes_on

    def _press(self, key: str) -> bool:
        match key:
            case "\n" | "\r":
                if self._lines.qsize() < MAX_LINES - 1:
                    self._lines.put_nowait(self._line)
                self._line = ""
            case "\x04":
                return bool(self._line)
            case "\x7f" | "\b":
                self._line = self._line[:-1]
            case "\x15":
                self._line = ""
            case "\x17":
                self._line = self._line.rstrip().rpartition(" ")[0]
            case _ if key.isprintable():
                self._line += key
        return True
