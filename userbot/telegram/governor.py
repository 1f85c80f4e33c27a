"""How fast the bot may speak: sends and edits share Telegram's budgets, sends first.

Telegram's rules (https://core.telegram.org/bots/faq, "My bot is hitting limits"): about one message
a second in a chat, 20 a minute in a group, 30 a second in all. Whether edits count is not
documented, so they do. The windows slide: a bucket that has filled up would allow twice the number.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Priority(IntEnum):
    """Who goes first when the budget is short."""

    ANSWER = 0  # a word to somebody who has just written or pressed: their pace is slow enough
    SEND = 1  # a message that somebody waits for: a video, the end of a job
    STATE = 2  # an edit that says something new: a menu, the next stage
    PROGRESS = 3  # an edit that moves a bar


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` calls in any `seconds`."""

    count: int
    seconds: float


# Below the documented numbers, because calls do not arrive as evenly as they leave: where all cores
# are busy, those of a tenth of a second go at once. The more a call can wait, the more it leaves
# for the others.
_EVERYWHERE = {
    Priority.ANSWER: (Window(26, 1.0),),
    Priority.SEND: (Window(22, 1.0),),
    Priority.STATE: (Window(16, 1.0),),
    Priority.PROGRESS: (Window(10, 1.0),),
}
_PRIVATE = {
    Priority.ANSWER: (),
    Priority.SEND: (Window(3, 3.2),),
    Priority.STATE: (Window(1, 1.05), Window(2, 3.2)),
    Priority.PROGRESS: (Window(1, 1.5), Window(2, 3.2)),
}
_GROUP = {
    Priority.ANSWER: (Window(18, 61.0),),
    Priority.SEND: (Window(3, 3.2), Window(18, 61.0)),
    Priority.STATE: (Window(1, 1.05), Window(2, 3.2), Window(10, 61.0)),
    Priority.PROGRESS: (Window(1, 3.2), Window(8, 61.0)),
}
_LONGEST = 18  # calls that any window looks back on, in one chat
_LONGEST_S = 61.0


class Governor:
    """The budget of one bot. Time is `clock()`, in seconds, monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._everywhere: deque[float] = deque(maxlen=26)
        self._chats: defaultdict[int, deque[float]] = defaultdict(lambda: deque(maxlen=_LONGEST))
        self._paused_until: dict[int, float] = {}
        self._slow_until: dict[int, float] = {}

    def delay_s(self, chat_id: int, priority: Priority, *, is_new: bool = False) -> float:
        """Return for how long a call must wait; 0.0 when it may be made now.

        is_new: it sends a message, where others change one.
        """
        now = self._clock()
        windows = (_GROUP if chat_id < 0 else _PRIVATE)[priority]
        calls = self._chats.get(chat_id, deque())
        waits = [
            self._paused_until.get(chat_id, now) - now,
            self._slow_until.get(chat_id, now) - now if is_new else 0.0,
            *(_wait(self._everywhere, window, now) for window in _EVERYWHERE[priority]),
            *(_wait(calls, window, now) for window in windows),
        ]
        return max(0.0, *waits)

    def charge(self, chat_id: int) -> None:
        """Count a call that is made now."""
        now = self._clock()
        self._everywhere.append(now)
        self._chats[chat_id].append(now)
        self._forget(now)

    def pause(self, chat_id: int, seconds: float) -> None:
        """Make no call in a chat for a time: Telegram said FLOOD_WAIT."""
        until = self._clock() + seconds
        self._paused_until[chat_id] = max(until, self._paused_until.get(chat_id, until))

    def slow(self, chat_id: int, seconds: float) -> None:
        """Send nothing new into a chat for a time: Telegram said SLOWMODE_WAIT."""
        until = self._clock() + seconds
        self._slow_until[chat_id] = max(until, self._slow_until.get(chat_id, until))

    async def permit(self, chat_id: int, priority: Priority, *, is_new: bool = False) -> None:
        """Wait until a call may be made, and count it."""
        while (delay_s := self.delay_s(chat_id, priority, is_new=is_new)) > 0:  # noqa: ASYNC110  only time helps
            await asyncio.sleep(delay_s)
        self.charge(chat_id)

    def _forget(self, now: float) -> None:
        """Drop the chats nobody spoke in, so that months of chats cost no memory."""
        for chat_id in [key for key, calls in self._chats.items() if calls[-1] < now - _LONGEST_S]:
            del self._chats[chat_id]
        for pauses in (self._paused_until, self._slow_until):
            for chat_id in [key for key, until in pauses.items() if until < now]:
                del pauses[chat_id]


def _wait(calls: deque[float], window: Window, now: float) -> float:
    """Return how long until one more call fits into the window."""
    if len(calls) < window.count:
        return 0.0
    return calls[-window.count] + window.seconds - now
