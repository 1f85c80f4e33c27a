"""The terminal: lines that stay, blocks that change in place above the prompt - or plain lines."""

import io
import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, TextIO

from tests.demo import words

LABEL_COLUMNS = 6
PROMPT = "> "
USUAL_SIZE = os.terminal_size((80, 24))  # where a terminal says that it has none


class Look(StrEnum):
    """How a line looks where a terminal can show it."""

    PLAIN = ""
    BOLD = "\x1b[1m"
    DIM = "\x1b[2m"


_END_OF_LOOK = "\x1b[0m"
_ERASE_BELOW = "\x1b[J"


class Line(NamedTuple):
    """A line of the conversation; `label` says whose words begin there."""

    text: str
    look: Look = Look.PLAIN
    label: str = ""
    is_indented: bool = False


class Screen:
    """Writes to `out`. Only on a terminal do blocks change in place and the prompt exist."""

    def __init__(self, out: TextIO, *, is_terminal: bool, has_looks: bool) -> None:
        self._out = out
        self._is_terminal = is_terminal
        self._has_looks = has_looks
        self._blocks: dict[int, Sequence[Line]] = {}
        self._typed: str | None = None
        self._rows_above = 0

    @property
    def is_terminal(self) -> bool:
        """Whether blocks change in place."""
        return self._is_terminal

    def say(self, *lines: Line) -> None:
        """Write lines that stay."""
        self._redraw(lines)

    def show(self, key: int, lines: Sequence[Line]) -> None:
        """Make a block say lines. Without a terminal what is new of it is written."""
        before = self._blocks.get(key)
        self._blocks[key] = lines
        self._redraw(() if self._is_terminal else _news(before, lines))

    def keep(self, key: int, lines: Sequence[Line]) -> None:
        """Write the last words of a block, which change no more."""
        before = self._blocks.pop(key, None)
        self._redraw(lines if self._is_terminal else _news(before, lines))

    def drop(self, key: int) -> None:
        """Take a block away."""
        if self._blocks.pop(key, None) is not None:
            self._redraw(())

    def prompt(self, typed: str | None) -> None:
        """Show what is typed so far; None takes the prompt away."""
        self._typed = typed
        self._redraw(())

    def settle(self) -> None:
        """Leave what is shown as it is, and the cursor below it."""
        blocks, self._blocks, self._typed = self._blocks, {}, None
        self._redraw([line for lines in blocks.values() for line in lines] * self._is_terminal)

    def mute(self) -> None:
        """Write nowhere from now on."""
        self._out = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the process ends
        sys.stdout = self._out

    def _redraw(self, lines: Iterable[Line]) -> None:
        written = "".join(f"{self._formatted(line)}\n" for line in lines)
        if self._is_terminal:
            written = f"{self._erased()}{written}{self._changing()}"
        self._out.write(written)
        self._out.flush()

    def _erased(self) -> str:
        up = f"\x1b[{self._rows_above}A" if self._rows_above else ""
        return f"\r{up}{_ERASE_BELOW}"

    def _changing(self) -> str:
        """Return the blocks and the prompt, no row wider or more than the terminal has."""
        size = os.get_terminal_size(self._out.fileno())
        columns = max((size.columns or USUAL_SIZE.columns) - 1, 20)
        most = max((size.lines or USUAL_SIZE.lines) - 2, 1)
        lines = [line for block in self._blocks.values() for line in block][-most:]
        self._rows_above = len(lines)
        rows = [f"{self._formatted(line, columns)}\n" for line in lines]
        if self._typed is None:
            return "".join(rows)
        prompt = self._looking(PROMPT, Look.BOLD)
        return "".join(rows) + prompt + words.tail(self._typed, columns - len(PROMPT))

    def _formatted(self, line: Line, columns: int | None = None) -> str:
        is_column = bool(line.label) or line.is_indented
        label = f"{line.label:<{LABEL_COLUMNS}}" if is_column else ""
        text = words.safe(line.text)
        if columns is not None:
            text = words.cut(text, columns - len(label))
        return (self._looking(label, Look.BOLD) + self._looking(text, line.look)).rstrip()

    def _looking(self, text: str, look: Look) -> str:
        if not self._has_looks or not look or not text.strip():
            return text
        return f"{look}{text}{_END_OF_LOOK}"


def own_screen() -> Screen:
    """Return the screen of this process, which may be a file, a pipe or nothing at all."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the process ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    has_looks = is_terminal and not os.environ.get("NO_COLOR")
    return Screen(sys.stdout, is_terminal=is_terminal, has_looks=has_looks)


def _news(before: Sequence[Line] | None, lines: Sequence[Line]) -> Sequence[Line]:
    """Return lines as they are the first time, later what changed of them, labelled "edit"."""
    if before is None:
        return lines
    changed = [line._replace(label="", is_indented=True) for line in lines if line not in before]
    return [changed[0]._replace(label="edit"), *changed[1:]] if changed else []
