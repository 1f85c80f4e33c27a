"""What /queue says: a page of open links, and how far each of them is."""

import html
from dataclasses import dataclass

from userbot.domain.jobs import Retrying, View, Waiting, WaitingForDisk, Working
from userbot.domain.records import JobState, JobSummary
from userbot.telegram.figures import cut
from userbot.telegram.views import STAGES, in_line, percent

PAGE_SIZE = 8
MAX_NAME_UNITS = 80
NOTHING_WAITS = "Nothing is waiting. Send me a link."
_STATES = {
    JobState.NEW: "to be looked at",
    JobState.OFFERED: "pick a quality",
    JobState.QUEUED: "waiting",
    JobState.FETCHED: "waiting for the upload",
    JobState.SENDING: "being sent",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One job of a list. `number` counts from 1 through all pages.

    `view` is what its status message says, None when that is not known; `place` its place in line,
    None for a job that is not waiting for its turn.
    """

    number: int
    job: JobSummary
    view: View | None
    place: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page, counted from 0, of the list of `total` jobs that `asker_id` has asked for."""

    asker_id: int
    number: int
    total: int
    jobs: tuple[Listed, ...]

    @property
    def count(self) -> int:
        """How many pages the list has; an empty one has one."""
        return max(-(-self.total // PAGE_SIZE), 1)


def listing(page: Page) -> str:
    """Return a page; whose a link is, where it is not the asker's."""
    if not page.jobs:
        return NOTHING_WAITS
    lines = [_line(item, page.asker_id) for item in page.jobs]
    if page.count > 1:
        lines.insert(0, f"<b>{page.total} open links</b>, page {page.number + 1} of {page.count}")
    return "\n".join(lines)


def _line(item: Listed, asker_id: int) -> str:
    job = item.job.job
    name = html.escape(cut(item.job.title or job.url, MAX_NAME_UNITS))
    whose = "" if job.request.user_id == asker_id else f" · <code>{job.request.user_id}</code>"
    return f"{item.number}. {name} · {_state(item)}{whose}"


def _state(item: Listed) -> str:
    view = item.view
    if isinstance(view, WaitingForDisk):
        return "waiting for disk space"
    if isinstance(view, Retrying):
        return "trying again soon"
    if item.place is not None:
        return in_line(item.place, _left_s(view, item.place))
    return _work(item) if item.job.is_claimed else _STATES[item.job.state]


def _left_s(view: View | None, place: int) -> float | None:
    """Return the estimate that was shown, as long as it is about the same place."""
    return view.left_s if isinstance(view, Waiting) and view.position == place else None


def _work(item: Listed) -> str:
    if item.job.state is JobState.NEW:
        return "looking at the link"
    if not isinstance(item.view, Working):
        return "at work"
    progress = item.view.progress
    return f"{STAGES[progress.stage].lower()} {percent(progress)}".strip()
