"""The buttons under a status message."""

from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from userbot.domain.jobs import Job, Looking, Menu, View, Waiting, Working
from userbot.telegram import texts
from userbot.telegram.callbacks import CancelPress, ChoicePress

BUTTONS_PER_ROW = 2


def for_view(job: Job, view: View) -> InlineKeyboardMarkup | None:
    """Return the buttons of a view, None when nothing can be done any more."""
    if isinstance(view, Menu):
        return _menu(job, view)
    if isinstance(view, Looking | Waiting | Working):
        return InlineKeyboardMarkup([[_cancel(job)]])
    return None


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
