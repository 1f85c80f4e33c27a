"""What /stats says: an owner reads how much was done, for whom, and what went wrong."""

import html
from datetime import datetime

from userbot.domain.history import ErrorEntry, Tally
from userbot.services.usage_report import UsageReport
from userbot.telegram.figures import count, cut, day, size

MAX_SITE_UNITS = 40
MAX_DETAIL_UNITS = 100
NO_SITE = "pages that I could not read"
# By the class of an error. `tests/unit/test_past_words.py` finds what is missing.
_TROUBLES = {
    "LinkRefusedError": "a link that I do not open",
    "TooManyJobsError": "too many open links of one person",
    "QuotaSpentError": "enough for one day",
    "RestartingError": "I was being restarted",
    "TooLargeError": "the video was too big for Telegram",
    "TooLargeForDiskError": "the video was too big for my disk",
    "RequestError": "something that I cannot do",
    "UnsupportedError": "no video found behind the link",
    "NoVideoError": "the page had no video",
    "PlaylistError": "a list of videos",
    "LiveError": "a live stream",
    "PrivateError": "the video was private",
    "LoginNeededError": "the site wants a login",
    "AgeRestrictedError": "the site asks for the age",
    "GeoBlockedError": "not for the country of my server",
    "DrmError": "the video was copy-protected",
    "RemovedError": "the video was gone",
    "ForbiddenError": "the site did not let me have it",
    "RateLimitedError": "the site said I ask too often",
    "BotCheckError": "the site took me for a robot",
    "SiteDownError": "the site did not answer properly",
    "BrokenMediaError": "what came was not a video that plays",
    "SourceError": "the site did not give me the video",
    "WorkerDiedError": "a download broke off on my side",
    "WorkerBugError": "a mistake of mine, or of yt-dlp",
    "DeadlineError": "it took too long",
    "StallError": "nothing moved any more",
    "ToolStuckError": "could not be put together",
    "TooHeavyError": "too much for my memory",
    "ChatBusyError": "Telegram slowed the chat down for too long",
    "CrashedTwiceError": "I crashed twice over the link",
    "AlreadyRunningError": "another bot has my folder",
    "DamagedError": "what I had written down was damaged",
    "StoreAwayError": "my database did not answer",
    "DiskFullError": "my disk was full",
    "ToolError": "ffmpeg could not do it",
    "DeliveryError": "Telegram did not take the video",
    "ChatGoneError": "I could not write in the chat any more",
    "NoRightError": "I was not allowed to send it in the chat",
    "TopicClosedError": "the topic was closed",
    "FileRefusedError": "Telegram did not accept the file",
    "LoginRefusedError": "Telegram did not let me in",
    "LoginEndedError": "Telegram ended my login",
    "InfrastructureError": "something went wrong on my side",
    "UserbotError": "something went wrong",
}


def report(shown: UsageReport) -> str:
    """Return the whole report."""
    parts = [
        ("Today", [_tally(shown.today)]),
        ("The last 7 days", [_tally(shown.week)]),
        ("Day by day", [f"{day(when)}: {_tally(tally)}" for when, tally in shown.days]),
        ("Sites", [f"{_site(name)}: {count(tally.jobs, 'link')}" for name, tally in shown.sites]),
        ("People", [_person(user_id, tally) for user_id, tally in shown.users]),
        ("What went wrong", [f"{trouble(label)}: {times}" for label, times in shown.errors]),
        ("The last of it", [_error(entry) for entry in shown.last_errors]),
    ]
    lines = [line for title, part in parts if part for line in (f"<b>{title}</b>", *part)]
    return "\n".join([*lines, "Days begin at midnight UTC."])


def trouble(label: str) -> str:
    """Return an error in plain words; what another version has written, as it stands there."""
    return _TROUBLES.get(label) or html.escape(cut(label, MAX_SITE_UNITS))


def _tally(tally: Tally) -> str:
    return (
        f"{count(tally.jobs, 'link')}, {tally.delivered} delivered, "
        f"{tally.failed} did not work, {_size(tally)}"
    )


def _person(user_id: int, tally: Tally) -> str:
    return f"<code>{user_id}</code>: {count(tally.jobs, 'link')}, {_size(tally)}"


def _error(entry: ErrorEntry) -> str:
    """Return when and where something went wrong, and what the site or a tool said."""
    lines = [f"{_time(entry.happened_at)}, {_site(entry.site)}: {trouble(entry.label)}"]
    detail = " ".join(entry.detail.split())
    lines += [f"<code>{html.escape(cut(detail, MAX_DETAIL_UNITS))}</code>"] if detail else []
    return "\n".join(lines)


def _time(when: datetime) -> str:
    return f"{day(when)} {when:%H:%M}"


def _size(tally: Tally) -> str:
    return size(tally.size_bytes) if tally.size_bytes else "0 MB"


def _site(name: str) -> str:
    return html.escape(cut(name, MAX_SITE_UNITS)) or NO_SITE
