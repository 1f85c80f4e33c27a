"""What /history and /mydata say."""

import html

from userbot.domain.history import HistoryItem
from userbot.domain.media import MediaKind
from userbot.domain.records import JobState
from userbot.services.accounts import Forgotten
from userbot.services.history import HistoryPage
from userbot.telegram.figures import count, cut, day, size

MAX_NAME_UNITS = 80
IN_PRIVATE = "Please send me this in our private chat: it is about you alone."
NOTHING_YET = "You have no finished links yet. Send me one."
NOTHING_KEPT = "I know nothing about you."
OWNER_ALONE = "Only my owner can see this."
NOT_YOURS = "Send /history to see your own links."
GOT_IT = "It is in your history already. Send /history to see it."
HISTORY_TOO_OLD = "This list is too old. Please send /history again."
DATA_TOO_OLD = "This button is too old. Please send /mydata again."
NOTHING_DELETED = "Nothing was deleted."
NOT_DELETED = "I could not delete everything just now. Please send /mydata and try again later."
DELETE = "Delete my data"
DELETE_YES, DELETE_NO = "Yes, delete it", "No, keep it"
SURE = (
    "Delete your name, your settings, your history, your errors and what I know of your finished "
    "links? "
    "This cannot be undone.\n"
    "Videos that I sent stay in your chats. Links that are still open go on: /queue shows them."
)
DATA = (
    "This file has everything that I keep about you: your name, your settings, what you got today, "
    "your open links, your history and your errors.\nIt was made for you alone."
)
TAP_A_NUMBER = "Tap a number and I send it again."
_ENDS = {
    JobState.FAILED: "did not work",
    JobState.CANCELLED: "cancelled",
    JobState.EXPIRED: "no quality picked",
}


def page(shown: HistoryPage, *, may_send: bool = True) -> str:
    """Return a page of a history; may_send: with buttons that send its items again."""
    if not shown.items:
        return NOTHING_YET
    which = f", page {shown.number + 1}" if shown.number or shown.has_more else ""
    lines = [f"<b>Your last links</b>{which}"]
    lines += [_line(number, item) for number, item in enumerate(shown.items, shown.first)]
    return "\n".join([*lines, TAP_A_NUMBER] if may_send else lines)


def again(number: int) -> str:
    """Return the button that sends an item again."""
    return f"Send {number}"


def forgotten(what: Forgotten) -> str:
    """Return what was deleted, and what stays."""
    done = f"Deleted: your name, your settings and {count(what.items, 'link')} of your history."
    stays = "how many videos you got today"
    if what.is_decided:
        stays += ", and what my owner has decided about you"
    lines = [done, f"What stays for now: {stays}."]
    if what.open_jobs:
        are = "is" if what.open_jobs == 1 else "are"
        lines.append(
            f"{count(what.open_jobs, 'link')} {are} still open and will be in your history "
            "when done. /queue shows what is open; cancel there what you do not want."
        )
    return "\n".join(lines)


def _line(number: int, item: HistoryItem) -> str:
    name = html.escape(cut(item.title or item.url, MAX_NAME_UNITS))
    parts = [name, *_facts(item), day(item.ended_at)]
    return f"{number}. {' · '.join(parts)}"


def _facts(item: HistoryItem) -> list[str]:
    if item.result is not JobState.DELIVERED:
        return [_ENDS[item.result]]
    facts = ["audio"] if item.kind is MediaKind.AUDIO else []
    facts += [f"{item.height}p"] if item.height else []
    facts += [size(item.size_bytes)] if item.size_bytes else []
    return facts
