"""The buttons under the bot's messages."""

from pyrogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from userbot.domain.jobs import (
    FINAL_VIEWS,
    Expired,
    Failed,
    Job,
    Menu,
    Remedy,
    View,
)
from userbot.telegram import texts
from userbot.telegram.callbacks import (
    CancelPress,
    ChoicePress,
    ListCancelPress,
    PagePress,
    Press,
    RemedyPress,
)
from userbot.telegram.lists import Page

BUTTONS_PER_ROW = 2
CANCELS_PER_ROW = 4
BACK, FORTH = "‹", "›"  # noqa: RUF001  these, and no brackets


def for_view(job: Job, view: View) -> InlineKeyboardMarkup | None:
    """Return the buttons of a view, None when nothing can be done any more."""
    if isinstance(view, Menu):
        return _menu(job, view)
    if isinstance(view, Failed):
        return _remedies(job, view)
    if isinstance(view, Expired):
        return _markup([[_button(texts.SHOW_MENU, RemedyPress(job.id, Remedy.TRY_AGAIN))]])
    return None if isinstance(view, FINAL_VIEWS) else _markup([[_cancel(job)]])


def for_list(page: Page) -> InlineKeyboardMarkup | None:
    """Return a Cancel button for each listed job, by its number, and those that turn the page."""
    cancels = [
        _button(
            f"{texts.CANCEL} {item.number}",
            ListCancelPress(item.job.job.id, page.number, page.asker_id),
        )
        for item in page.jobs
    ]
    turns = [
        _button(words, PagePress(number, page.asker_id))
        for words, number in ((BACK, page.number - 1), (FORTH, page.number + 1))
        if 0 <= number < page.count
    ]
    return _markup([*_rows(cancels, CANCELS_PER_ROW), *_rows(turns)])


def _menu(job: Job, view: Menu) -> InlineKeyboardMarkup | None:
    buttons = [
        _button(texts.menu_button(choice), ChoicePress(job.id, index))
        for index, choice in enumerate(view.choices)
    ]
    return _markup([*_rows(buttons), [_cancel(job)]])


def _remedies(job: Job, view: Failed) -> InlineKeyboardMarkup | None:
    buttons = [_button(texts.REMEDIES[item], RemedyPress(job.id, item)) for item in view.remedies]
    return _markup(_rows(buttons))


def _cancel(job: Job) -> InlineKeyboardButton:
    return _button(texts.CANCEL, CancelPress(job.id))


def _button(words: str, press: Press) -> InlineKeyboardButton:
    return InlineKeyboardButton(words, callback_data=press.pack())


def _rows(
    buttons: list[InlineKeyboardButton], per_row: int = BUTTONS_PER_ROW
) -> list[list[InlineKeyboardButton]]:
    return [buttons[start : start + per_row] for start in range(0, len(buttons), per_row)]


def _markup(rows: list[list[InlineKeyboardButton]]) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup(rows) if rows else None
