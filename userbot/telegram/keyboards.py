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
from userbot.domain.people import Preferences
from userbot.services.history import HistoryPage
from userbot.telegram import past_words, settings_words, texts
from userbot.telegram.callbacks import (
    AgainPress,
    CancelPress,
    ChoicePress,
    DataPress,
    DataWish,
    Default,
    FreshPress,
    HistoryPress,
    ListCancelPress,
    PagePress,
    Press,
    RemedyPress,
    SettingsPress,
)
from userbot.telegram.lists import Page

BUTTONS_PER_ROW = 2
CANCELS_PER_ROW = 4
AGAINS_PER_ROW = 5
NEWER, OLDER = "◀", "▶"
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


def for_history(page: HistoryPage, *, may_send: bool = True) -> InlineKeyboardMarkup | None:
    """Return a button for each item, by its number, if may_send, and those that turn the page."""
    asker_id = page.user_id
    items = [
        _button(past_words.again(number), AgainPress(item.job_id, asker_id))
        for number, item in enumerate(page.items if may_send else (), page.first)
    ]
    turns = [_button(NEWER, HistoryPress(page.number - 1, asker_id))] if page.number else []
    turns += [_button(OLDER, HistoryPress(page.number + 1, asker_id))] if page.has_more else []
    return _markup([*_rows(items, AGAINS_PER_ROW), *_rows(turns)])


def for_data(asker_id: int) -> InlineKeyboardMarkup | None:
    """Return the button under what is known about somebody."""
    return _markup([[_button(past_words.DELETE, DataPress(DataWish.DELETE, asker_id))]])


def for_deletion(asker_id: int) -> InlineKeyboardMarkup | None:
    """Return the answers to whether it is to be deleted."""
    yes = _button(past_words.DELETE_YES, DataPress(DataWish.YES, asker_id))
    return _markup([[yes, _button(past_words.DELETE_NO, DataPress(DataWish.NO, asker_id))]])


def for_settings(asker_id: int, preferences: Preferences) -> InlineKeyboardMarkup | None:
    """Return what somebody may want without being asked, each in a row of its own."""
    return _markup(
        [
            [_button(settings_words.button(default, preferences), SettingsPress(default, asker_id))]
            for default in Default
        ]
    )


def _menu(job: Job, view: Menu) -> InlineKeyboardMarkup | None:
    buttons = [
        _button(
            texts.menu_button(choice, is_instant=index in view.instant),
            FreshPress(job.id, index) if view.is_fresh else ChoicePress(job.id, index),
        )
        for index, choice in enumerate(view.choices)
    ]
    fresh = [[_button(texts.FRESH_COPY, FreshPress(job.id))]] if view.instant else []
    return _markup([*_rows(buttons), *fresh, [_cancel(job)]])


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
