"""What /history, /mydata and /stats say."""

import html
import re
from datetime import datetime

from userbot.domain.history import HistoryItem, Tally
from userbot.domain.media import MediaKind
from userbot.domain.records import JobState
from userbot.services.accounts import Forgotten
from userbot.services.history import HistoryPage
from userbot.services.numbers import Numbers
from userbot.telegram.figures import cut, size

MAX_NAME_UNITS = 80
MAX_SITE_UNITS = 40
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
    "Delete your name, your settings, your history and what I know of your finished links? "
    "This cannot be undone.\n"
    "Videos that I sent stay in your chats. Links that are still open go on: /queue shows them."
)
DATA = (
    "This file has everything that I keep about you: your name, your settings, your open links and "
    "your history.\nIt was made for you alone."
)
TAP_A_NUMBER = "Tap a number and I send it again."
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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
    done = f"Deleted: your name, your settings and {_count(what.items, 'link')} of your history."
    if not what.open_jobs:
        return f"{done}\nNothing about you is left but how many videos you got today."
    stay = "is" if what.open_jobs == 1 else "are"
    return (
        f"{done}\n{_count(what.open_jobs, 'link')} {stay} still open and will be in your history "
        "when done. /queue shows what is open; cancel there what you do not want."
    )


def numbers(shown: Numbers) -> str:
    """Return what an owner reads: how much, which sites, who, and what went wrong."""
    lines = [
        "<b>Today</b>",
        _tally(shown.today),
        "<b>The last 7 days</b>",
        _tally(shown.week),
    ]
    lines += ["<b>Sites</b>"] if shown.sites else []
    lines += [f"{_site(name)}: {_count(tally.jobs, 'link')}" for name, tally in shown.sites]
    lines += ["<b>People</b>"] if shown.users else []
    lines += [
        f"<code>{user_id}</code>: {_count(tally.jobs, 'link')}, {_size(tally)}"
        for user_id, tally in shown.users
    ]
    lines += ["<b>What went wrong</b>"] if shown.errors else []
    lines += [f"{_trouble(label)}: {times}" for label, times in shown.errors]
    return "\n".join([*lines, "Days begin at midnight UTC."])


def _line(number: int, item: HistoryItem) -> str:
    name = html.escape(cut(item.title or item.url, MAX_NAME_UNITS))
    parts = [name, *_facts(item), _day(item.ended_at)]
    return f"{number}. {' · '.join(parts)}"


def _facts(item: HistoryItem) -> list[str]:
    if item.result is not JobState.DELIVERED:
        return [_ENDS[item.result]]
    facts = ["audio"] if item.kind is MediaKind.AUDIO else []
    facts += [f"{item.height}p"] if item.height else []
    facts += [size(item.size_bytes)] if item.size_bytes else []
    return facts


def _day(when: datetime) -> str:
    return f"{when.day} {MONTHS[when.month - 1]}"


def _tally(tally: Tally) -> str:
    return (
        f"{_count(tally.jobs, 'link')}, {tally.delivered} delivered, "
        f"{tally.failed} did not work, {_size(tally)}"
    )


def _size(tally: Tally) -> str:
    return size(tally.size_bytes) if tally.size_bytes else "0 MB"


def _site(name: str) -> str:
    return html.escape(cut(name, MAX_SITE_UNITS)) or "never read"


def _trouble(label: str) -> str:
    """Return an error's name as words: `site down` of SiteDownError."""
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", label.removesuffix("Error"))
    return html.escape(words.lower())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
