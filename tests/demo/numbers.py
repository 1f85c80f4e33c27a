"""The numbers that press buttons. A button keeps its number as long as it is there to press."""

from collections.abc import Callable, Collection, Mapping
from itertools import count

from tests.telegram_dc import Message

GRACE_S = 1.0  # who types a number as its button goes did not mean a link


class Numbers:
    """Numbers from 1 for the buttons of all messages."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: dict[int, dict[bytes, int]] = {}
        self._gone: Collection[int] = ()
        self._gone_at_s = 0.0

    def assign(self, message: Message) -> Mapping[bytes, int]:
        """Return the numbers of a message's buttons.

        A new set of buttons is numbered anew; when some are only taken away the others keep theirs.
        """
        buttons = [] if message.deleted else [b for row in message.buttons for b in row]
        wanted = [button.data for button in buttons if button.data is not None]
        before = self._of.pop(message.id, {})
        if all(data in before for data in wanted):
            numbers = {data: before[data] for data in wanted}
        else:
            taken = {number for others in self._of.values() for number in others.values()}
            free = (number for number in count(1) if number not in taken)
            numbers = dict(zip(wanted, free, strict=False))
        if numbers:
            self._of[message.id] = numbers
        elif before:
            self._gone, self._gone_at_s = before.values(), self._clock()
        return numbers

    def button(self, number: int) -> tuple[int, bytes] | None:
        """Return the message and the data of a number's button, None when there is none."""
        for message_id, numbers in self._of.items():
            for data, given in numbers.items():
                if given == number:
                    return message_id, data
        return None

    def means_a_button(self, number: int) -> bool:
        """Tell whether a number stands for a button: while there are any, and just after."""
        is_just_gone = number in self._gone and self._clock() < self._gone_at_s + GRACE_S
        return bool(self._of) or is_just_gone
