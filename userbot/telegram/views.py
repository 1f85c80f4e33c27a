"""What the one status message of a job says, for each view of `domain/jobs.py`.

Titles are the site's, and hostile: cut, then escaped.
"""

import html
from collections.abc import Callable

from userbot.domain.choices import Choice
from userbot.domain.jobs import (
    Cancelled,
    Chosen,
    Expired,
    Failed,
    Looking,
    Menu,
    Paused,
    Progress,
    Remedy,
    Retrying,
    Stage,
    View,
    Waiting,
    WaitingForDisk,
    Working,
)
from userbot.domain.media import MediaKind
from userbot.telegram.figures import cut, duration, ordinal, size, time_left
from userbot.telegram.problems import hiccup, problem

MAX_TITLE_UNITS = 200
BAR_CELLS = 10
STAGES = {
    Stage.DOWNLOAD: "Downloading",
    Stage.MERGE: "Putting picture and sound together",
    Stage.CONVERT: "Converting",
    Stage.FINISH: "Finishing",
    Stage.UPLOAD: "Uploading",
}
CHANGE_IN_SETTINGS = "/settings changes what I take for you."
MEASURED = (Stage.DOWNLOAD, Stage.UPLOAD)  # the others tell nothing that a bar could show


def view(shown: View) -> str:
    """Return what a job's status message says."""
    writer: Callable[..., str] = _VIEWS[type(shown)]
    return writer(shown)


def in_line(position: int, left_s: float | None) -> str:
    """Return `2nd in line, about 3 min`; None where nobody can say how long that takes."""
    place = f"{ordinal(position)} in line"
    return place if left_s is None else f"{place}, about {time_left(max(left_s, 60))}"


def quality(choice: Choice) -> str:
    """Return a choice as people call it: `1080p · 145 MB`, and `~145 MB` of an estimate."""
    if choice.kind is MediaKind.AUDIO:
        name = "🎵 Audio"
    elif choice.height is None:
        name = "Video"
    else:
        name = f"{choice.height}p{choice.fps if choice.fps and choice.fps > 31 else ''}"
    if not choice.size_bytes:
        return name
    return f"{name} · {'' if choice.is_size_exact else '~'}{size(choice.size_bytes)}"


def percent(progress: Progress) -> str:
    """Return `37 %`, and nothing while a share means nothing."""
    fraction = progress.fraction
    return "" if fraction is None or progress.stage not in MEASURED else f"{int(fraction * 100)} %"


def _title(text: str) -> str:
    return f"<b>{html.escape(cut(text, MAX_TITLE_UNITS))}</b>"


def _looking(_shown: Looking) -> str:
    return "Looking at the link …"


def _menu(shown: Menu) -> str:
    extraction = shown.extraction
    facts = [
        html.escape(cut(extraction.channel, 100)) if extraction.channel else "",
        duration(extraction.duration_s) if extraction.duration_s else "",
    ]
    lines = [_title(extraction.title), " · ".join(fact for fact in facts if fact)]
    if shown.is_fresh:
        lines.append("Pick a quality, and I download it anew.")
    return "\n".join(line for line in lines if line)


def _chosen(shown: Chosen) -> str:
    return f"{_title(shown.title)}\n{quality(shown.choice)}. {CHANGE_IN_SETTINGS}"


def _waiting(shown: Waiting) -> str:
    lines = [_title(shown.title)] if shown.title else []
    return "\n".join([*lines, f"Waiting: {in_line(shown.position, shown.left_s)}"])


def _waiting_for_disk(shown: WaitingForDisk) -> str:
    need = size(shown.need_bytes)
    return f"{_title(shown.title)}\nWaiting for disk space: needs about {need}"


def _working(shown: Working) -> str:
    progress = shown.progress
    lines = [_title(shown.title), _headline(progress)]
    if progress.stage in MEASURED:
        lines.append(_amounts(progress))
    return "\n".join(line for line in lines if line)


def _headline(progress: Progress) -> str:
    share = percent(progress)
    if not share:
        return f"{STAGES[progress.stage]} …"
    full = round((progress.fraction or 0) * BAR_CELLS)
    return f"{STAGES[progress.stage]} {share}  {'▰' * full}{'▱' * (BAR_CELLS - full)}"


def _amounts(progress: Progress) -> str:
    facts = []
    if progress.total_bytes:
        facts.append(_part_of(progress))
    elif progress.done_bytes:
        facts.append(size(progress.done_bytes))
    if progress.speed_bytes_s:
        facts.append(f"{size(progress.speed_bytes_s)}/s")
    if progress.left_s is not None:
        facts.append(f"{time_left(progress.left_s)} left")
    return " · ".join(facts)


def _part_of(progress: Progress) -> str:
    """Return `54 of 145 MB`: a unit that both share is said once."""
    done, total = size(progress.done_bytes), size(progress.total_bytes or 0)
    if done.endswith(total[-2:]):
        done = done[:-3]
    return f"{done} of about {total}" if progress.is_estimate else f"{done} of {total}"


def _failed(shown: Failed) -> str:
    sentence = problem(shown.error)
    if Remedy.TELL_OWNER not in shown.remedies:
        return sentence
    return f"{sentence}\nNumber for my owner: <code>{shown.job_id}</code>"


def _cancelled(_shown: Cancelled) -> str:
    return "Cancelled."


def _expired(shown: Expired) -> str:
    return f"{_title(shown.title)}\nNobody picked a quality, so I stopped."


def _retrying(shown: Retrying) -> str:
    return f"{hiccup(shown.error)} Trying again in {time_left(shown.pause_s)} …"


def _paused(_shown: Paused) -> str:
    return "I am being restarted. This goes on by itself when I am back."


_VIEWS: dict[type, Callable[..., str]] = {
    Looking: _looking,
    Menu: _menu,
    Chosen: _chosen,
    Waiting: _waiting,
    WaitingForDisk: _waiting_for_disk,
    Working: _working,
    Failed: _failed,
    Cancelled: _cancelled,
    Expired: _expired,
    Retrying: _retrying,
    Paused: _paused,
}
