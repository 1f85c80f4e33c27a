"""Every error crosses a process border as it was."""

import pickle

import pytest

from tests.unit.test_texts import SAMPLES, leaves
from userbot.errors import UserbotError


@pytest.mark.parametrize("kind", leaves(UserbotError), ids=lambda kind: kind.__name__)
def test_args_are_the_constructors_arguments(kind):
    error = kind(*SAMPLES.get(kind, ()))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert kind(*error.args).args == error.args
    assert kind.__doc__
