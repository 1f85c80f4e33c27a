"""What can be wrong with the settings."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One setting that cannot be used. `wrong` never holds the value of a secret."""

    name: str
    wrong: str
    expected: str
    is_missing: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.wrong}; expected: {self.expected}"


class SettingsError(Exception):
    """The settings cannot be used; every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(f"  {problem}" for problem in self.problems)
