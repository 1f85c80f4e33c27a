"""One plain sentence for each error. What went wrong in detail is for the log and the owner."""

import math
from collections.abc import Callable

from userbot import errors
from userbot.domain.media import MAX_UPLOAD_BYTES
from userbot.domain.urls import LinkProblem
from userbot.services.quota import Spent
from userbot.telegram import pace_words
from userbot.telegram.figures import size


def problem(error: errors.UserbotError) -> str:
    """Return one plain sentence for an error."""
    for kind in type(error).__mro__:
        if writer := _PROBLEMS.get(kind):
            return writer(error)
    return "Something went wrong on my side. Please try again later."


def hiccup(error: errors.UserbotError) -> str:
    """Return one short sentence for an error that may pass by itself."""
    for kind in type(error).__mro__:
        if sentence := _HICCUPS.get(kind):
            return sentence
    return "Something went wrong."


def _link_refused(error: errors.LinkRefusedError) -> str:
    return _LINK_PROBLEMS.get(error.problem, "This does not look like a link I can open.")


def _too_many(error: errors.TooManyJobsError) -> str:
    if error.limit == 1:
        return "You have a link open already. Please wait until it is done."
    return f"You have {error.limit} links open already. Please wait until some are done."


def _quota_spent(error: errors.QuotaSpentError) -> str:
    return pace_words.spent(Spent(error.wait_s, error.limit, 0, error.limit_bytes))


def _too_large(error: errors.TooLargeError) -> str:
    limit = "2 GB" if error.limit_bytes == MAX_UPLOAD_BYTES else size(error.limit_bytes)
    if error.size_bytes is None:
        return f"This video is too big: Telegram takes files up to {limit}."
    return f"This video is too big: {_above(error)}, but Telegram takes up to {limit}."


def _above(error: errors.TooLargeError) -> str:
    """Return a size that reads larger than the limit, also where it is not by much."""
    size_bytes = error.size_bytes or 0
    if size(size_bytes) == size(error.limit_bytes) and size_bytes >= 1e9:
        return f"{math.ceil(size_bytes / 1e7) / 100:.2f} GB"
    return size(size_bytes)


def _too_large_for_disk(error: errors.TooLargeForDiskError) -> str:
    need, room = size(error.need_bytes), size(error.room_bytes)
    return f"This video needs about {need} of disk space, but I have only {room}."


def _no_right(error: errors.NoRightError) -> str:
    return f"I may not send {error.what} in this chat. An admin can change that."


def _fixed(sentence: str) -> Callable[[errors.UserbotError], str]:
    return lambda _error: sentence


_HICCUPS: dict[type, str] = {
    errors.RateLimitedError: "The site asks me to slow down.",
    errors.SiteDownError: "The site does not answer properly.",
    errors.StallError: "Nothing moves any more.",
    errors.DeliveryError: "Telegram does not answer.",
    errors.ChatBusyError: "Telegram asks me to slow down in this chat.",
}
_LINK_PROBLEMS: dict[str, str] = {
    LinkProblem.SCHEME: "I can only open links that start with http:// or https://.",
    LinkProblem.CREDENTIALS: "This link has a user name in it. Please send it without one.",
    LinkProblem.PRIVATE: "This link points into a private network. I only open public ones.",
    LinkProblem.TOO_LONG: "This link is too long.",
    LinkProblem.BAD_PORT: "This link has an unusual port. I only open ordinary web addresses.",
}
# By class, the most exact one first found along the class tree.
_PROBLEMS: dict[type, Callable[..., str]] = {
    errors.LinkRefusedError: _link_refused,
    errors.TooManyJobsError: _too_many,
    errors.QuotaSpentError: _quota_spent,
    errors.RestartingError: _fixed("I am being restarted. Please try again in a minute."),
    errors.TooLargeError: _too_large,
    errors.TooLargeForDiskError: _too_large_for_disk,
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
    errors.TooHeavyError: _fixed("What the site sent is too much for my memory."),
    errors.SourceError: _fixed("The site did not give me the video."),
    errors.DeadlineError: _fixed("This took too long, so I stopped."),
    errors.ToolStuckError: _fixed("I could not put this video together, so I stopped."),
    errors.StallError: _fixed("Nothing moved any more, so I stopped."),
    errors.CrashedTwiceError: _fixed(
        "I crashed twice over this link, so I stopped trying. My owner can see why."
    ),
    errors.DiskFullError: _fixed("My disk is full right now. Please try again later."),
    errors.StoreAwayError: _fixed(
        "I cannot write anything down just now. Please try again in a minute."
    ),
    errors.DeliveryError: _fixed("Telegram did not take the video. Please try again later."),
    errors.ChatBusyError: _fixed(
        "Telegram lets me send nothing in this chat for too long. Please try again later."
    ),
    errors.ChatGoneError: _fixed("I cannot write in that chat any more."),
    errors.NoRightError: _no_right,
    errors.TopicClosedError: _fixed("This topic is closed, so I cannot send the video here."),
    errors.FileRefusedError: _fixed("Telegram does not accept this file."),
}
