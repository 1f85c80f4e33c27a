"""The .env file: what it sets, and changing it without losing what somebody wrote there."""

import io
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dotenv.parser import Binding, parse_stream


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file holds: its settings, and the numbers of the lines that are none."""

    values: Mapping[str, str]
    broken_lines: tuple[int, ...] = ()


def read(path: Path) -> EnvFile:
    """Return what path holds; nothing when it is not there.

    Raises OSError, or UnicodeDecodeError, when it cannot be read.
    """
    values: dict[str, str] = {}
    broken: list[int] = []
    for binding in _bindings(path):
        if binding.error or (binding.key and binding.value is None):
            broken.append(_first_line(binding))
        elif binding.key:
            values[binding.key] = binding.value or ""
    return EnvFile(values, tuple(broken))


def update(path: Path, values: Mapping[str, str]) -> None:
    """Set values in path, which only its owner may read afterwards.

    Everything else stays as it was written; a name that was not there is added at the end. The file
    is replaced at once or not at all. Raises OSError, or UnicodeDecodeError, when that cannot be.
    """
    path = path.resolve()  # a link to a file stays a link
    left = dict(values)
    lines: list[str] = []
    for binding in reversed(_bindings(path)):  # the last one of a name counts
        value = left.pop(binding.key, None) if binding.key else None
        lines.append(binding.original.string if value is None else _replaced(binding, value))
    text = "".join(reversed(lines))
    if text and not text.endswith("\n"):
        text += "\n"
    _replace(path, text + "".join(f"{name}={value}\n" for name, value in left.items()))


def _bindings(path: Path) -> list[Binding]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return list(parse_stream(io.StringIO(text)))


def _first_line(binding: Binding) -> int:
    blank = len(binding.original.string) - len(binding.original.string.lstrip())
    return binding.original.line + binding.original.string[:blank].count("\n")


def _replaced(binding: Binding, value: str) -> str:
    """Write the line of binding anew; blank lines before it belong to its text."""
    original = binding.original.string
    blank = original[: len(original) - len(original.lstrip())]
    return f"{blank}{binding.key}={value}\n"


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
