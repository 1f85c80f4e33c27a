"""Every error crosses a process border as it was."""

import pickle
import typing

import pytest

from tests.unit.test_texts import leaves
from userbot.errors import UserbotError

SAMPLES = {bool: True, int: 2, float: 1.5, str: "text"}


def made(kind: type[UserbotError]) -> UserbotError:
    hints = typing.get_type_hints(kind.__init__)
    hints.pop("return", None)
    return kind(*(SAMPLES.get(hint) for hint in hints.values()))


@pytest.mark.parametrize("kind", leaves(UserbotError), ids=lambda kind: kind.__name__)
def test_args_are_the_constructors_arguments(kind):
    error = made(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert kind(*error.args).args == error.args
    assert kind.__doc__
