"""The buttons under a status message."""

from collections.abc import Sequence

from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from userbot.domain.jobs import Job, Looking, Menu, Paused, Retrying, View, Waiting, Working
from userbot.domain.records import JobSummary
from userbot.telegram import texts
from userbot.telegram.callbacks import CancelPress, ChoicePress

BUTTONS_PER_ROW = 2


def for_view(job: Job, view: View) -> InlineKeyboardMarkup | None:
    """Return the buttons of a view, None when nothing can be done any more."""
    if isinstance(view, Menu):
        return _menu(job, view)
    if isinstance(view, Looking | Waiting | Working | Retrying | Paused):
        return InlineKeyboardMarkup([[_cancel(job)]])
    return None


def for_queue(jobs: Sequence[JobSummary]) -> InlineKeyboardMarkup | None:
    """Return a Cancel button for each listed job, by its number in the list."""
    buttons = [
        InlineKeyboardButton(f"Cancel {number}", callback_data=CancelPress(item.job.id).pack())
        for number, item in enumerate(jobs, 1)
    ]
    rows = [buttons[start : start + 3] for start in range(0, len(buttons), 3)]
    return InlineKeyboardMarkup(rows) if rows else None


def _menu(job: Job, view: Menu) -> InlineKeyboardMarkup:
    buttons = [
        InlineKeyboardButton(
            texts.menu_button(choice), callback_data=ChoicePress(job.id, index).pack()
        )
        for index, choice in enumerate(view.choices)
    ]
    rows = [
        buttons[start : start + BUTTONS_PER_ROW]
        for start in range(0, len(buttons), BUTTONS_PER_ROW)
    ]
    return InlineKeyboardMarkup([*rows, [_cancel(job)]])


def _cancel(job: Job) -> InlineKeyboardButton:
    return InlineKeyboardButton("Cancel", callback_data=CancelPress(job.id).pack())
