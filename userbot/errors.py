"""Every error the program knows, by whose fault it is.

UserbotError
├── RequestError                    theirs: what was asked cannot be done
│   ├── LinkRefusedError            not a link we open: scheme, credentials, private address ...
│   ├── TooManyJobsError            more open jobs than one person may have
│   ├── QuotaSpentError             more than one person may have on a day
│   ├── RestartingError             the bot is being stopped
│   ├── TooLargeError               more bytes than may be delivered
│   └── TooLargeForDiskError        more than this disk holds
├── SourceError                     the site's: it does not give us the video
│   ├── UnsupportedError  NoVideoError  PlaylistError  LiveError
│   ├── PrivateError  LoginNeededError  AgeRestrictedError  GeoBlockedError  DrmError
│   ├── RemovedError  ForbiddenError  RateLimitedError  BotCheckError
│   └── SiteDownError  BrokenMediaError
└── InfrastructureError             ours
    ├── WorkerDiedError  WorkerBugError
    ├── DeadlineError  StallError
    │   └── ToolStuckError          a StallError of our own tools, not of the site
    ├── CrashedTwiceError           a job that takes the bot down with it
    ├── AlreadyRunningError         a second bot with the same DATA_DIR
    ├── DamagedError                the stored record of a job cannot be read
    ├── StoreAwayError              the database does not answer just now
    ├── DiskFullError  TooHeavyError  ToolError
    ├── DeliveryError               Telegram does not take the file or the message
    │   ├── ChatGoneError           blocked, kicked, deleted: nothing can be said there any more
    │   ├── NoRightError            the bot may not write there, or not send this kind
    │   ├── TopicClosedError        the topic of a group was closed or deleted
    │   ├── FileRefusedError        Telegram does not take this file
    │   └── ChatBusyError           Telegram takes nothing in this chat for a while
    ├── LoginRefusedError           Telegram does not take API id, API hash or token
    └── LoginEndedError             Telegram has ended a login that was good

Leaves carry numbers and the raw text, never a sentence for a person (`telegram/texts.py` speaks).
`args` equal the constructor's arguments, so every error can cross a process border.
"""


class UserbotError(Exception):
    """The root of every error this program raises on purpose."""


class RequestError(UserbotError):
    """What was asked cannot be done; asking again will not help."""


class LinkRefusedError(RequestError):
    """The link is not one we open. `problem` is a value of `domain.urls.LinkProblem`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class TooManyJobsError(RequestError):
    """One person has `limit` jobs open already."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class QuotaSpentError(RequestError):
    """One person has had `limit` videos today, or else `limit_bytes`; the day ends in `wait_s`."""

    def __init__(self, wait_s: float, limit: int = 0, limit_bytes: int | None = None) -> None:
        super().__init__(wait_s, limit, limit_bytes)
        self.wait_s, self.limit, self.limit_bytes = wait_s, limit, limit_bytes


class RestartingError(RequestError):
    """The bot is being stopped and begins nothing new."""


class TooLargeError(RequestError):
    """More bytes than may be delivered. `size_bytes` is None when only the excess is known."""

    def __init__(self, size_bytes: int | None, limit_bytes: int) -> None:
        super().__init__(size_bytes, limit_bytes)
        self.size_bytes, self.limit_bytes = size_bytes, limit_bytes


class TooLargeForDiskError(RequestError):
    """A job would need `need_bytes`, and the disk has `room_bytes` even with no other job."""

    def __init__(self, need_bytes: int, room_bytes: int) -> None:
        super().__init__(need_bytes, room_bytes)
        self.need_bytes, self.room_bytes = need_bytes, room_bytes


class SourceError(UserbotError):
    """The site does not give us the video. `detail` is its own text, for the owner only."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class UnsupportedError(SourceError):
    """No extractor knows this link."""


class NoVideoError(SourceError):
    """The page is there, a video is not."""


class PlaylistError(SourceError):
    """The link is a list of videos, not one."""


class LiveError(SourceError):
    """The stream is live, or has not begun."""


class PrivateError(SourceError):
    """The video is private or for members only."""


class LoginNeededError(SourceError):
    """The site wants an account."""


class AgeRestrictedError(SourceError):
    """The site wants proof of age."""


class GeoBlockedError(SourceError):
    """The site does not serve the country of this server."""


class DrmError(SourceError):
    """The video is encrypted for a player."""


class RemovedError(SourceError):
    """The page or the video is gone (404, 410)."""


class ForbiddenError(SourceError):
    """The site refuses us (403)."""


class RateLimitedError(SourceError):
    """The site asks us to slow down (429); `retry_after_s` is its own word, None without one."""

    def __init__(self, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.args = (detail, retry_after_s)
        self.retry_after_s = retry_after_s


class BotCheckError(SourceError):
    """The site takes us for a robot."""


class SiteDownError(SourceError):
    """The site does not answer, or answers with 5xx or half a file."""


class BrokenMediaError(SourceError):
    """What arrived is not a video that plays."""


class InfrastructureError(UserbotError):
    """Our own machine or Telegram failed."""


class WorkerDiedError(InfrastructureError):
    """The process of a call ended without an answer. `detail` says how."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class WorkerBugError(WorkerDiedError):
    """A call raised something nobody expected. `detail` is the end of its traceback."""


class TooHeavyError(InfrastructureError):
    """A call needed more memory than one may have. Trying again would end the same way."""


class DeadlineError(InfrastructureError):
    """A call ran longer than `limit_s` seconds and was ended."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.limit_s = limit_s


class StallError(InfrastructureError):
    """A call made no progress for `limit_s` seconds and was ended."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(limit_s)
        self.limit_s = limit_s


class ToolStuckError(StallError):
    """The site has given everything, and what is made of it does not get on."""


class CrashedTwiceError(InfrastructureError):
    """The bot died `times` times while it worked on the same step of a job."""

    def __init__(self, times: int) -> None:
        super().__init__(times)
        self.times = times


class AlreadyRunningError(InfrastructureError):
    """Another bot holds `data_dir`."""

    def __init__(self, data_dir: str) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir


class DamagedError(InfrastructureError):
    """The stored record of job `job_id` is not what this program writes."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class StoreAwayError(InfrastructureError):
    """The database does not answer, or others hold it: it will be back. `detail` says how."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class DiskFullError(InfrastructureError):
    """No space left on the device of the job folder."""


class ToolError(InfrastructureError):
    """ffmpeg failed or is missing. `detail` is the end of what it said."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class DeliveryError(InfrastructureError):
    """Telegram does not take the file or the message. `code` is its own error name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ChatGoneError(DeliveryError):
    """Nothing can be said in the chat any more: blocked, kicked, left, deactivated, deleted."""


class NoRightError(DeliveryError):
    """The bot may not send `what` there: "anything", "text", "media", "videos", "audio" ..."""

    def __init__(self, code: str, what: str = "anything") -> None:
        super().__init__(code)
        self.args = (code, what)
        self.what = what

    @property
    def may_write(self) -> bool:
        """Whether the chat can at least be told so."""
        return self.what not in ("anything", "text")


class TopicClosedError(DeliveryError):
    """The topic of a group was closed or deleted."""


class FileRefusedError(DeliveryError):
    """Telegram does not take this file, whoever sends it."""

    @property
    def is_incomplete(self) -> bool:
        """Whether Telegram misses or mixes up parts of it: uploading it anew helps."""
        return self.code.startswith("FILE_PART_") or self.code in (
            "FILE_ID_INVALID",
            "INPUT_FILE_INVALID",
            "MD5_CHECKSUM_INVALID",
        )


class ChatBusyError(DeliveryError):
    """Telegram takes nothing in this chat for `wait_s` seconds.

    `is_unsent`: every try so far was refused, so nothing of it can be in the chat.
    """

    def __init__(self, code: str, wait_s: float, is_unsent: bool) -> None:
        super().__init__(code)
        self.args = (code, wait_s, is_unsent)
        self.wait_s, self.is_unsent = wait_s, is_unsent


class LoginRefusedError(InfrastructureError):
    """Telegram does not take the API id, the API hash or the bot token. `code` is its own word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LoginEndedError(InfrastructureError):
    """Telegram has ended the bot's login, not the token. `code` is its word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


PERMANENT: tuple[type[UserbotError], ...] = (
    UnsupportedError,  # until yt-dlp learns the site
    NoVideoError,  # what a page is does not change while people look at it
    PlaylistError,
    PrivateError,
    LoginNeededError,
    AgeRestrictedError,
    GeoBlockedError,  # our server stays where it is
    DrmError,
    RemovedError,
)
"""What a link may be remembered for, for a while: the same question would get the same answer.

Not in it, of what a site says: LiveError (a stream begins and ends), ForbiddenError and
BotCheckError (they are about our address and pass), RateLimitedError and SiteDownError (they pass
by themselves), BrokenMediaError (another quality may be whole), SourceError itself (nobody knows).
TooLargeError belongs to one quality, not to the link. Of ours, every error may pass.
"""
