"""Every word the bot says, in the markup of `markup.py`. Nobody else builds a sentence.

Titles and everything else from a site are escaped here, and cut before they are escaped.
"""

import html
import math
from collections.abc import Callable, Sequence

from userbot import errors
from userbot.domain.choices import Choice
from userbot.domain.jobs import (
    Cancelled,
    Expired,
    Failed,
    Looking,
    Menu,
    Paused,
    Progress,
    Retrying,
    Stage,
    View,
    Waiting,
    Working,
)
from userbot.domain.media import MediaFile, MediaKind
from userbot.domain.records import JobState, JobSummary
from userbot.domain.urls import LinkProblem
from userbot.telegram.markup import utf16_units

MAX_CAPTION_UNITS = (
    1024  # UTF-16; https://core.telegram.org/api/config#caption-length-limit-default
)
MAX_TITLE_UNITS = 200
BAR_CELLS = 10

COMMANDS = {"start": "Say hello", "help": "How it works", "queue": "Your open links"}
START = (
    "Hi! Send me a link to a video, pick a quality, and I send you the video.\n\n"
    "Most sites work. /help tells you more."
)
HELP = (
    "<b>How it works</b>\n"
    "1. Send a link (several in one message are fine).\n"
    "2. Tap the quality you want.\n"
    "3. The video arrives as an answer to your link.\n\n"
    "Tap <b>Cancel</b> at any time to stop; /queue shows your open links.\n"
    "A video can have up to 2 GB. "
    "Live streams and whole playlists do not work yet: send the links of single videos."
)
GROUP_HINT = "In this group: send a link and I answer it with the video."
PRIVACY_HINT = (
    "Telegram hides links in this group from me. To change that, do one of these:\n"
    "• make me an admin of this group, or\n"
    "• open @BotFather, send /setprivacy, choose me, tap “Disable”, "
    "then remove me from the group and add me again."
)
NO_LINK = "I see no link in this message. Send me a link to a video, for example https://…"
LINK_TOO_OLD = "I was away when you sent this link. Please send it again if you still want it."
OWNER_WELCOME = "You are now the owner of this bot. Send me a link to try it."
PRESS_TOO_OLD = "This button is too old. Please send the link again."
PRESS_NOT_YOURS = "Only the person who sent the link can use this button."


def refusal(user_id: int) -> str:
    """Return what a stranger is told, once: why, and the number that the owner needs."""
    return (
        "Sorry, this bot is private.\n"
        f"If you know its owner, send them this number: <code>{user_id}</code>"
    )


def too_many_links(found: int, limit: int) -> str:
    """Return what is said when a message has more links than are taken."""
    return (
        f"Your message has {found} links. I take {limit} at a time, so I started with the first "
        f"{limit}. Please send the others later."
    )


def queue(jobs: Sequence[JobSummary], total: int, user_id: int) -> str:
    """Return the list of open jobs; whose they are, where they are not all user_id's."""
    if not jobs:
        return "Nothing is waiting. Send me a link."
    lines = [_queue_line(number, item, user_id) for number, item in enumerate(jobs, 1)]
    if total > len(jobs):
        lines.append(f"… and {total - len(jobs)} more")
    return "\n".join(lines)


def view(shown: View) -> str:
    """Return what a job's status message says."""
    writer: Callable[..., str] = _VIEWS[type(shown)]
    return writer(shown)


def menu_button(choice: Choice) -> str:
    """Return a quality button: `1080p · 145 MB`."""
    if choice.kind is MediaKind.AUDIO:
        name = "🎵 Audio"
    elif choice.height is None:
        name = "Video"
    else:
        name = f"{choice.height}p{choice.fps if choice.fps and choice.fps > 31 else ''}"
    return f"{name} · {size(choice.size_bytes)}" if choice.size_bytes else name


def caption(file: MediaFile, page_url: str) -> str:
    """Return the text under a delivered file: its title in bold, then the link."""
    link = page_url if len(page_url) <= MAX_CAPTION_UNITS // 2 else ""
    room = MAX_CAPTION_UNITS - utf16_units(link) - 2
    title = html.escape(cut(file.title, room))
    return f"<b>{title}</b>\n{html.escape(link)}".strip()


def size(size_bytes: float) -> str:
    """Return bytes as people write them: `950 kB`, `8.2 MB`, `145 MB`, `1.4 GB`."""
    for unit, step in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= step * 0.9995:
            value = size_bytes / step
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{math.ceil(size_bytes / 1e3)} kB"


def duration(seconds: float) -> str:
    """Return a length as players show it: `0:07`, `4:05`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def cut(text: str, units: int) -> str:
    """Return text cut to units UTF-16 units, with an ellipsis where something went."""
    if utf16_units(text) <= units:
        return text
    raw = text.encode("utf-16-le", "surrogatepass")[: (units - 1) * 2]
    return raw.decode("utf-16-le", "ignore").rstrip() + "…"


def _queue_line(number: int, item: JobSummary, user_id: int) -> str:
    name = html.escape(cut(item.title or item.job.url, 80))
    state = "at work" if item.is_claimed else _QUEUE_STATES[item.state]
    owner = item.job.request.user_id
    whose = "" if owner == user_id else f" · <code>{owner}</code>"
    return f"{number}. {name} · {state}{whose}"


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
    return "\n".join(line for line in lines if line)


def _waiting(shown: Waiting) -> str:
    left = _time_left(max(shown.left_s, 60))
    return f"{_title(shown.title)}\nWaiting: {_ordinal(shown.position)} in line, about {left}"


def _working(shown: Working) -> str:
    progress = shown.progress
    lines = [_title(shown.title), _headline(progress)]
    if progress.stage in (Stage.DOWNLOAD, Stage.UPLOAD):
        lines.append(_amounts(progress))
    return "\n".join(line for line in lines if line)


def _headline(progress: Progress) -> str:
    fraction = progress.fraction
    word = _STAGES[progress.stage]
    if fraction is None or progress.stage not in (Stage.DOWNLOAD, Stage.UPLOAD):
        return f"{word} …"
    full = round(fraction * BAR_CELLS)
    return f"{word} {int(fraction * 100)} %  {'▰' * full}{'▱' * (BAR_CELLS - full)}"


def _amounts(progress: Progress) -> str:
    facts = []
    if progress.total_bytes:
        facts.append(_part_of(progress))
    elif progress.done_bytes:
        facts.append(size(progress.done_bytes))
    if progress.speed_bytes_s:
        facts.append(f"{size(progress.speed_bytes_s)}/s")
    if progress.left_s is not None:
        facts.append(f"{_time_left(progress.left_s)} left")
    return " · ".join(facts)


def _part_of(progress: Progress) -> str:
    """Return `54 of 145 MB`: a unit that both share is said once."""
    done, total = size(progress.done_bytes), size(progress.total_bytes or 0)
    if done.endswith(total[-2:]):
        done = done[:-3]
    return f"{done} of about {total}" if progress.is_estimate else f"{done} of {total}"


def _time_left(seconds: float) -> str:
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _failed(shown: Failed) -> str:
    return f"{problem(shown.error)}\n<code>{shown.job_id}</code>"


def _cancelled(_shown: Cancelled) -> str:
    return "Cancelled."


def _expired(shown: Expired) -> str:
    return f"{_title(shown.title)}\nNobody picked a quality, so I stopped. Send the link again."


def _retrying(shown: Retrying) -> str:
    reason = next(
        (text for kind, text in _HICCUPS.items() if isinstance(shown.error, kind)),
        "Something went wrong.",
    )
    return f"{reason} Trying again in {_time_left(shown.pause_s)} …"


def _paused(_shown: Paused) -> str:
    return "I am being restarted. This goes on by itself in a moment."


def _restarting(_error: errors.RestartingError) -> str:
    return "I am being restarted. Please send the link again in a minute."


def problem(error: errors.UserbotError) -> str:
    """Return one plain sentence for an error."""
    for kind in type(error).__mro__:
        if writer := _PROBLEMS.get(kind):
            return writer(error)
    return "Something went wrong on my side. Please try again later."


def _link_refused(error: errors.LinkRefusedError) -> str:
    return _LINK_PROBLEMS.get(error.problem, "This does not look like a link I can open.")


def _too_large(error: errors.TooLargeError) -> str:
    limit = size(error.limit_bytes)
    if error.size_bytes is None:
        return f"This video is too big: Telegram takes files up to {limit}."
    return f"This video is too big: {size(error.size_bytes)}, but Telegram takes up to {limit}."


def _fixed(sentence: str) -> Callable[[errors.UserbotError], str]:
    return lambda _error: sentence


_STAGES = {
    Stage.DOWNLOAD: "Downloading",
    Stage.MERGE: "Putting picture and sound together",
    Stage.CONVERT: "Converting",
    Stage.FINISH: "Finishing",
    Stage.UPLOAD: "Uploading",
}
_HICCUPS: dict[type, str] = {
    errors.RateLimitedError: "The site asks me to slow down.",
    errors.SiteDownError: "The site does not answer properly.",
    errors.StallError: "Nothing moves any more.",
    errors.DeliveryError: "Telegram does not answer.",
}
_QUEUE_STATES = {
    JobState.NEW: "to be looked at",
    JobState.OFFERED: "pick a quality",
    JobState.QUEUED: "waiting",
    JobState.FETCHED: "waiting for the upload",
    JobState.SENDING: "being sent",
}
_VIEWS: dict[type, Callable[..., str]] = {
    Looking: _looking,
    Menu: _menu,
    Waiting: _waiting,
    Working: _working,
    Failed: _failed,
    Cancelled: _cancelled,
    Expired: _expired,
    Retrying: _retrying,
    Paused: _paused,
}
_LINK_PROBLEMS: dict[str, str] = {
    LinkProblem.SCHEME: "I can only open links that start with http:// or https://.",
    LinkProblem.CREDENTIALS: "This link has a user name in it. Please send it without one.",
    LinkProblem.PRIVATE: "This link points into a private network. I only open public ones.",
    LinkProblem.TOO_LONG: "This link is too long.",
}
_PROBLEMS: dict[type, Callable[..., str]] = {
    errors.LinkRefusedError: _link_refused,
    errors.RestartingError: _restarting,
    errors.TooManyJobsError: lambda error: (
        f"You have {error.limit} links open already. Please wait until some are done."
    ),
    errors.TooLargeError: _too_large,
    errors.UnsupportedError: _fixed("I cannot find a video behind this link."),
    errors.NoVideoError: _fixed("There is no video behind this link."),
    errors.PlaylistError: _fixed(
        "This link is a list of videos. Please send the links of single videos."
    ),
    errors.LiveError: _fixed("This is a live stream or has not started yet, so I cannot save it."),
    errors.PrivateError: _fixed("This video is private."),
    errors.LoginNeededError: _fixed("This site shows the video only to people who log in."),
    errors.AgeRestrictedError: _fixed("This site asks for your age first, so I cannot get it."),
    errors.GeoBlockedError: _fixed("This video is not available in the country my server is in."),
    errors.DrmError: _fixed("This video is copy-protected, so I cannot save it."),
    errors.RemovedError: _fixed("This video is gone: the site does not have it any more."),
    errors.ForbiddenError: _fixed("The site does not let me have this video."),
    errors.RateLimitedError: _fixed(
        "The site says I ask too often. Please try again in a few minutes."
    ),
    errors.BotCheckError: _fixed("The site thinks I am a robot and does not let me in right now."),
    errors.SiteDownError: _fixed("The site does not answer properly. Please try again later."),
    errors.BrokenMediaError: _fixed("What the site sent is not a video that plays."),
    errors.SourceError: _fixed("The site did not give me the video."),
    errors.DeadlineError: _fixed("This took too long, so I stopped."),
    errors.StallError: _fixed("Nothing moved any more, so I stopped."),
    errors.CrashedTwiceError: _fixed(
        "I crashed twice over this link, so I stopped trying. My owner can see why."
    ),
    errors.DiskFullError: _fixed("My disk is full right now. Please try again later."),
    errors.DeliveryError: _fixed("Telegram did not take the video. Please try again later."),
}
