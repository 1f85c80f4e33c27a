"""Links worth trying, by number and by name; and every other link of the site by its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.video_site import LINKS, VideoSite

SLOW_BYTES_S = 1_500_000  # twenty seconds: enough to watch, and to change one's mind


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line of the list. `link` is a name that the site knows."""

    name: str
    what: str
    link: str
    query: Mapping[str, int] = field(default_factory=dict)


SUGGESTIONS = (
    Suggestion("progressive", "a video file (MP4)", "progressive"),
    Suggestion("page", "a web page with a video in four qualities", "page"),
    Suggestion("hls", "a stream (HLS) with picture and sound apart", "hls"),
    Suggestion("dash", "a stream (DASH) with picture and sound apart", "dash"),
    Suggestion(
        "slow", "a slow site: watch the progress, or cancel", "medium", {"rate": SLOW_BYTES_S}
    ),
    Suggestion("mp3", "a piece of music", "mp3"),
    Suggestion("not_found", "a broken link", "not_found"),
    Suggestion("no_video", "a page without a video", "no_video"),
)


@dataclass(frozen=True, slots=True)
class Links:
    """The links of a running site."""

    site: VideoSite

    def url_of(self, name: str) -> str | None:
        """Return the address behind a name or a suggestion's number, None for anything else."""
        for number, suggestion in enumerate(SUGGESTIONS, 1):
            if name in (suggestion.name, str(number)):
                return self.site.url_of(suggestion.link, **suggestion.query)
        return self.site.url_of(name) if name in LINKS else None

    def file_of(self, url: str) -> Path | None:
        """Return the site's file that url leads to directly, None when it does not."""
        path = url.removeprefix(self.site.url).partition("?")[0]
        for name, link in LINKS.items():
            if path == link.partition("?")[0]:
                try:
                    return self.site.file_of(name)
                except KeyError:
                    return None
        return None
