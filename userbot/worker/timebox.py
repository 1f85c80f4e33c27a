"""Errands that would be nice to have done; what is not done in time is not waited for."""

import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class _Errand(Generic[T]):
    """One task on a thread of its own; a daemon, so that a stuck one does not hold the process."""

    def __init__(self, task: Callable[[], T]) -> None:
        self._task = task
        self._result: T | None = None
        self._error: Exception | None = None
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._result = self._task()
        except Exception as error:  # noqa: BLE001 - raised again in `result`
            self._error = error

    def result(self) -> T | None:
        if self._error is not None:
            raise self._error
        return self._result


def within(limit_s: float, tasks: Sequence[Callable[[], T]]) -> list[T | None]:
    """Run tasks side by side; return their results in order, None for those not done after limit_s.

    An error of a task that is done is raised here.
    """
    ends_at = time.monotonic() + limit_s
    errands = [_Errand(task) for task in tasks]
    for errand in errands:
        errand.thread.join(max(0.0, ends_at - time.monotonic()))
    return [errand.result() for errand in errands]
