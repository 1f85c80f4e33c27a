"""What is remembered of jobs that have ended, and what is counted of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from userbot.domain.choices import Choice
from userbot.domain.jobs import JobId
from userbot.domain.media import Extraction, MediaKind
from userbot.domain.records import JobRecord, JobState
from userbot.errors import UserbotError

MAX_DETAIL_CHARS = 1000
# For everything else yt-dlp takes extractor and id for one video: its download archive does. As
# some extractors serve any host, the host counts as well (`name_of`).
NAMELESS = frozenset({"", "generic", "html5", "html5mediaembed"})  # ids are parts of addresses
# Sites with several hosts of their own. Of all others the host counts: some extractors (PeerTube,
# Mediasite ...) serve whatever host looks like theirs, and one could speak for another.
ONE_SITE = frozenset({"youtube", "twitter", "tiktok", "instagram", "facebook", "vimeo", "reddit"})


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One job that has ended. Every text but `result` is a site's or a person's, and hostile.

    `site` is the extractor, `media_id` a `name_of`; both and `title` are "" when the page was never
    read, `variant` is "" and `kind` None when nothing was picked. `message_id` is the delivered
    message, None without one or when its number is not known. `seconds` is how long each step took,
    as far as it is known; `JobRecord.steps_s` says which there are. `error` is the class of the
    error that ended it, "" for none. `file_ids` are Telegram's for the bot `bot_id`;
    `is_shareable`: whoever asks for this site, id and variant may be sent them.
    """

    job_id: JobId
    user_id: int
    chat_id: int
    url: str
    result: JobState
    ended_at: datetime
    message_id: int | None = None
    site: str = ""
    media_id: str = ""
    title: str = ""
    variant: str = ""
    kind: MediaKind | None = None
    height: int | None = None
    size_bytes: int = 0
    duration_s: float = 0.0
    seconds: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    file_ids: tuple[str, ...] = ()
    bot_id: int = 0
    is_shareable: bool = False

    @property
    def mark(self) -> "Mark":
        """Where it stands in its person's history."""
        return Mark(self.ended_at, self.job_id)

    @property
    def media(self) -> "MediaKey":
        """What file it was."""
        return MediaKey(self.site, self.media_id, self.variant, self.bot_id)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a history: newest first, then by id."""

    ended_at: datetime
    job_id: JobId


@dataclass(frozen=True, slots=True)
class MediaKey:
    """One file as one bot knows it."""

    site: str
    media_id: str
    variant: str
    bot_id: int


@dataclass(frozen=True, slots=True)
class SentFile:
    """What Telegram has of a file; no ids when it has nothing. `size_bytes` is 0 if unknown."""

    file_ids: tuple[str, ...] = ()
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """A job that ended with an error. `label` is its class, `detail` what the site or we said."""

    job_id: JobId
    user_id: int
    happened_at: datetime
    label: str
    site: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many jobs ended, how many of them with a file and with an error, and all those bytes."""

    jobs: int = 0
    delivered: int = 0
    failed: int = 0
    size_bytes: int = 0


def variant_of(choice: Choice | None) -> str:
    """Return what tells one file of a video from another; "" when nothing was picked."""
    return "" if choice is None else f"{choice.kind}:{'+'.join(choice.format_ids)}"


def has_name(extraction: Extraction) -> bool:
    """Say whether extractor and id tell a video from all others."""
    return bool(extraction.media_id) and extraction.extractor.lower() not in NAMELESS


def name_of(extraction: Extraction) -> str:
    """Return what tells a video from others of its extractor; "" when nothing does."""
    name = extraction.media_id
    if not name or extraction.extractor.lower() in ONE_SITE:
        return name
    try:
        host = urlsplit(extraction.page_url).netloc
    except ValueError:
        host = ""
    return f"{name} {host.removeprefix('www.').removeprefix('m.')}"


def media_of(extraction: Extraction, choice: Choice, bot_id: int) -> MediaKey:
    """Return what file a choice of a video is."""
    return MediaKey(extraction.extractor, name_of(extraction), variant_of(choice), bot_id)


def item_of(record: JobRecord, bot_id: int) -> HistoryItem:
    """Return what is to be remembered of a job that has ended."""
    job, extraction, choice, file = record.job, record.extraction, record.choice, record.file
    sent = file or record.known
    is_delivered = record.state is JobState.DELIVERED
    return HistoryItem(
        job_id=job.id,
        user_id=job.request.user_id,
        chat_id=job.request.chat_id,
        url=job.url,
        result=record.state,
        ended_at=record.changed_at,
        message_id=record.sent_message_id,
        site=extraction.extractor if extraction else "",
        media_id=name_of(extraction) if extraction else "",
        title=(sent.title if sent else "") or (extraction.title if extraction else ""),
        variant=variant_of(choice),
        kind=choice.kind if choice else None,
        height=choice.height if choice else None,
        size_bytes=(sent.size_bytes or 0) if sent and is_delivered else 0,
        duration_s=file.duration_s if file else (extraction and extraction.duration_s) or 0.0,
        seconds=record.steps_s,
        error=record.error or "",
        file_ids=record.file_ids,
        bot_id=bot_id,
        is_shareable=is_delivered and extraction is not None and has_name(extraction),
    )


def error_entry(record: JobRecord, error: UserbotError) -> ErrorEntry:
    """Return what is to be remembered of a job that ended with an error."""
    said = " ".join(str(part) for part in error.args if part not in (None, ""))
    return ErrorEntry(
        job_id=record.job.id,
        user_id=record.job.request.user_id,
        happened_at=record.changed_at,
        label=type(error).__name__,
        site=record.extraction.extractor if record.extraction else "",
        detail=said[:MAX_DETAIL_CHARS],
    )
