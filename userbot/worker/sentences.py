"""What sites and yt-dlp's extractors say in words, and what it means: two tables, read in order.

The first pattern that is found wins, so the narrow ones stand before the wide ones.
`tests/unit/worker_messages.py` holds the real sentences that they were made from.
"""

import re

from userbot.errors import (
    AgeRestrictedError,
    BotCheckError,
    BrokenMediaError,
    DrmError,
    GeoBlockedError,
    LiveError,
    LoginNeededError,
    NoVideoError,
    PrivateError,
    RateLimitedError,
    RemovedError,
    SiteDownError,
    SourceError,
    ToolError,
    UnsupportedError,
)

BUG = "please report this issue"  # how yt-dlp marks what its extractor did not expect

Told = type[SourceError] | type[ToolError]
Rules = tuple[tuple[re.Pattern[str], Told], ...]

_THING = (
    r"(?:video|content|media|clip|recording|broadcast|tweet|post|track|song|vod|channel|playlist"
    r"|space|show|program|page|album|user|account|story|reel|photo|episode)"
)


def _rules(*sentences: tuple[str, Told]) -> Rules:
    return tuple((re.compile(pattern, re.IGNORECASE), told) for pattern, told in sentences)


OWN_WORDS = _rules(
    (r"(?:web)?site is (?:not|no longer) supported", UnsupportedError),
    (r"\bDRM\b", DrmError),
    (
        r"rate.?limit|too many requests|play limit|quota exceeded|wait (?:and|before) (?:and )?try"
        r"|wait a few minutes",
        RateLimitedError,
    ),
    (
        r"not a (?:bot|robot)|as a bot|captcha|anti-bot|are you human|security check|JS challenge"
        r"|TLS fingerprint|\bIP (?:address )?(?:\w+ ){0,3}(?:blocked|unable|banned)"
        r"|(?:blocked|rejected) by (?:the )?server",
        BotCheckError,
    ),
    (
        r"age.?(?:restrict|verif|gate|limit)|(?:confirm|verify) your age|inappropriate for some"
        r"|older than \d|adult verification|sensitive content setting|cannot access NSFW"
        r"|(?:available|after|from) 2[0-3]:00",
        AgeRestrictedError,
    ),
    (
        r"geo.?(?:restrict|block)|country on copyright|unavailable for legal reasons"
        r"|(?:in|from|for|to|outside) (?:of )?(?:this|your) (?:country|location|region)"
        r"|available in (?-i:[A-Z])[\w ]+ only|only available in (?-i:[A-Z])"
        r"|licensed to users in|by decision of the Russian|blocked by Indian",
        GeoBlockedError,
    ),
    (
        r"\bis (?:likely )?(?:either )?private\b|are private\b"
        r"|private (?:\w+ )?(?:video|account|post|content|subreddit|playlist|list)"
        r"|password.protected|protected by a pass(?:word|code)|--video-password|video password"
        r"|protected tweet|privacy settings|supporter-only|embed-only|made available to anyone"
        r"|members[- ]only|join this channel|for (?:subscribers|members) only"
        r"|(?:available|visible) (?:only )?(?:to|for) (?:[\w']+ ){0,2}"
        r"(?:members|subscribers|followers|supporters|patrons)",
        PrivateError,
    ),
    (
        r"registered users|premium\b|--cookies|--username|\bsign in\b|account credentials"
        r"|\blog(?:ged)?.?in (?:to|is|required|first|needed|failed)|needs? (?:to )?log.?in"
        r"|logged.?in\b|failed to log in|(?:video|contents) (?:[\w-]+ )?(?:is )?locked"
        r"|requires? (?:an? )?(?:login|account|authentication|subscription|payment|purchase)"
        r"|authentication is required|purchase is required|not have (?:access|tickets)"
        r"|need to purchase|not subscribed|subscription needed|subscribe to|is not free"
        r"|participating TV|VIP accounts",
        LoginNeededError,
    ),
    (
        r"not downloadable yet|(?:archive|video) will be available|not (?:been )?available yet"
        r"|not yet (?:available|started|begun|been)|available after|(?:is|still) (?:be )?processing"
        r"|uploading or processing|processing this video|will (?:start|begin) (?:at|in|on)"
        r"|scheduled (?:for|to start)|not (?:yet )?started|premieres? (?:in|on|will)"
        r"|not (?:currently )?(?:live|on.?air)\b|waiting for .{0,30}\blive\b|private show",
        LiveError,
    ),
    (r"token\b[^.]*\bexpired|temporarily unavailable|service unavailable", SiteDownError),
    (
        rf"\b{_THING}s?\b[^.;]{{0,60}}?"
        r"\b(?:(?:isn.t|not) (?:available|found(?! (?:in|on)))|un(?:available|reachable))"
        r"|no longer (?:available|exists?)|video in no longer|(?:does not|doesn.t) exist|copyright"
        r"|\bexpired\b|(?<!ffmpeg )could not be found|no such|may be deleted"
        r"|(?:has been|was|been) (?:\w+ )?(?:removed|deleted|taken down|closed)"
        r"|(?:live|event|space|stream|broadcast)\w* (?:has |was |have )?(?:been )?ended"
        r"|neither archive nor live",
        RemovedError,
    ),
    (
        r"live ?(?:stream|event|broadcast)|\bis live\b|\boffline\b|currently live",
        LiveError,
    ),
)
"""For what an extractor says itself. It knows more than the status that came with the page."""

ANY_WORDS = _rules(
    (
        r"is not a valid URL|unsupported url scheme|unusual and will be skipped"
        r"|Invalid (?:IPv6|URL)|Failed to parse",
        UnsupportedError,
    ),
    (r"AES (?:key|data)|decrypt|padding|file is empty|any data blocks", BrokenMediaError),
    (
        r"timed out|certificate verify failed|connection (?:reset|refused|aborted|broken)"
        r"|name or service|temporary failure|failed to (?:resolve|connect)|no route to host"
        r"|network is unreachable|network error|IncompleteRead|more expected|incomplete data"
        r"|\bfragment \d+ not found|on server.side|server error|internal error"
        r"|returned (?:an )?error|empty (?:response|page)|something (?:went )?wrong"
        r"|needs to be reloaded|try again(?: later|\.|$)",
        SiteDownError,
    ),
    (r"ffmpeg (?:is not|not found|exited|could not)", ToolError),
    (
        r"\bno (?:[\w/-]+ ){0,3}(?:videos?|audio|media|formats?|songs?|clips?|streams?|sources?"
        r"|\w*Url)\b|format is not available|not (?:a|an?) (?:video|file)"
        r"|n.t (?:contain|have|include) (?:an? |any )?(?:video|audio)"
        r"|not (?:contain|have|include) (?:an? |any )?(?:video|audio)|bytes of page",
        NoVideoError,
    ),
    (f"{BUG}|unable to extract", UnsupportedError),  # an extractor that no longer knows its site
)
"""For errors that carry no status."""
