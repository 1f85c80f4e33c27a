"""What people read who ask too often, or have had enough for a day."""

import math

from userbot.domain.limits import Operation
from userbot.services.quota import Spent
from userbot.telegram.figures import size, time_left

_NEXT = {
    Operation.LINK: "send the next link",
    Operation.DOWNLOAD: "pick the next video",
    Operation.COMMAND: "write to me again",
    Operation.BUTTON: "tap the next button",
}


def too_often(operation: Operation, wait_s: float, cost: int = 1) -> str:
    """Return when the next time is possible, as in `You can send the next link in 12 s.`."""
    if operation is Operation.LINK and cost > 1:
        return f"I took none of your links. You can send them again in {_wait(wait_s)}."
    return f"You can {_NEXT[operation]} in {_wait(wait_s)}."


def spent(spent: Spent) -> str:
    """Return why there is no more today, and when a new day begins."""
    begins = f"A new day begins in {_wait(spent.wait_s)}, at midnight UTC."
    if spent.limit_bytes is not None:
        return f"You have had your {size(spent.limit_bytes)} for today. {begins}"
    if spent.left == 0:
        return f"You have had your {videos(spent.limit)} for today. {begins}"
    return f"You can get {spent.left} more today, so I took none of these links. {begins}"


def videos(number: int) -> str:
    """Return `one video`, `2 videos` ..."""
    return "one video" if number == 1 else f"{number} videos"


def _wait(seconds: float) -> str:
    """Return a time that is long enough: never rounded down."""
    if seconds <= 59:
        return time_left(math.ceil(seconds))
    return time_left(math.ceil(seconds / 60) * 60) if seconds < 3600 else time_left(seconds + 180)
