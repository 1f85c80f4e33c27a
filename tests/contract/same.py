"""Both stores are asked the same, and must answer alike."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import TypeVar

Store = TypeVar("Store")


async def alike(
    stores: Sequence[Store], ask: Callable[[Store, int], Awaitable[object]], *about: object
) -> list[object]:
    """The answers of all stores; `ask` gets a store and its number. `about` is for the failure."""
    answers = [await ask(store, number) for number, store in enumerate(stores)]
    assert all(answer == answers[0] for answer in answers), (*about, answers)
    return answers


def drawn(random: Random, weights: Mapping[str, float]) -> str:
    """One of the names, the heavier the likelier."""
    (name,) = random.choices(list(weights), list(weights.values()))
    return name
