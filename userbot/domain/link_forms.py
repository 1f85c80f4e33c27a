"""The forms of one link: what may differ without leading elsewhere, and how big sites name a video.

What is folded here names a page in caches alone: opened is the link that somebody sent.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, urlsplit

from userbot.domain.tracking import without_fragment_noise, without_tracking

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_PREFIX = re.compile(r"(?:(?:www|m|mobile)\.)+(?=[^.]+\.[^.])")
_YOUTUBE_ID = r"(?!videoseries|live_stream)([\w-]{11})"  # these two stand for something else


@dataclass(frozen=True, slots=True)
class _Site:
    """`hosts` and `forms` are as `_without_prefix` leaves them; a form is of host and path.

    The groups of a form name the video. `selects` are the parameters that matter, and follow the
    path. `has_ids`: what a form names is all there is to a video, and yt-dlp's id as well.
    """

    hosts: re.Pattern[str]
    forms: tuple[re.Pattern[str], ...]
    selects: tuple[str, ...] = ()
    has_ids: bool = False


def _site(hosts: str, *forms: str, selects: str = "", has_ids: bool = False) -> _Site:
    patterns = tuple(re.compile(form, re.ASCII) for form in forms)
    return _Site(re.compile(hosts), patterns, tuple(selects.split()), has_ids)


# By yt-dlp's name of the extractor, in small letters.
_SITES = {
    "youtube": _site(
        r"(?:music\.)?youtube(?:-nocookie)?\.com|youtu\.be",
        rf"youtu\.be/{_YOUTUBE_ID}",
        rf"[^/]+/watch\?v={_YOUTUBE_ID}",
        rf"[^/]+/(?:shorts|embed|live|v|e)/{_YOUTUBE_ID}",
        selects="v",
        has_ids=True,
    ),
    "tiktok": _site(
        r"(?:v[mt]\.)?tiktok\.com",
        r"tiktok\.com/@[^/]*/video/(\d+)",
        r"tiktok\.com/(?:embed(?:/v2)?|v)/(\d+)(?:\.html)?",
        has_ids=True,
    ),
    "instagram": _site(
        r"instagram\.com|instagr\.am",
        r"[^/]+/(?:[\w.]+/)?(?:p|reels?|tv)/([\w-]+)(?:/embed(?:/captioned)?)?",
        selects="img_index",
        has_ids=True,
    ),
    "dailymotion": _site(
        r"dailymotion\.com|dai\.ly",
        r"dai\.ly/([^\W_]+)",
        r"dailymotion\.com/(?:embed/)?video/([^\W_]+)(?:_[^/]*)?",
        has_ids=True,
    ),
    "twitter": _site(
        r"(?:x|twitter)\.com",
        r"[^/]+/(?:\w+|i/web)/status(?:es)?/(\d{1,20})",
    ),
    "vimeo": _site(
        r"(?:player\.)?vimeo\.com",
        r"vimeo\.com/(?:channels/[^/]+/|groups/[^/]+/videos/)?(\d+)(?:/([0-9a-f]+))?",
        r"player\.vimeo\.com/video/(\d+)(?:\?h=([0-9a-f]+))?",
        selects="h",  # the word that opens an unlisted one
    ),
    "reddit": _site(
        r"(?:old\.|new\.|np\.)?reddit\.com|redd\.it",
        r"redd\.it/(\w+)",
        r"[^/]+/(?:(?:r|u|user)/[^/]+/)?comments/(\w+)(?:/[^/]*)?",
    ),
    "facebook": _site(
        r"(?:web\.|mbasic\.|touch\.)?facebook\.com|fb\.(?:com|watch)",
        r"[^/]+/(?:watch|video\.php)\?v=(\d+)",
        r"[^/]+/(?:reel|[^/]+/videos(?:/[^/]+)?)/(\d+)",
        selects="v",
    ),
}


def canonical_link(url: str) -> str:
    """Return what all known forms of a link have in common: a text that names its page.

    Scheme, `www.` and the like, a last slash, the order of parameters and what only tracks make no
    difference. A text that is no link is a name like no other.
    """
    parts = _split(url)
    if parts is None:
        return f"text:{url}"
    for name, site in _SITES.items():
        if video := _video_of(site, parts):
            return f"{name}:{video}"
    query = without_tracking(f"?{parts.query}", parts.hostname or "")[1:]
    items = sorted(filter(None, query.split("&")), key=lambda item: item.partition("=")[0])
    fragment = without_fragment_noise(f"#{parts.fragment}" if parts.fragment else "")
    return f"//{_host(parts)}{parts.path.rstrip('/')}?{'&'.join(items)}{fragment}"


def site_of(url: str) -> str:
    """Return whose link it is: the site's name where several hosts are one site, else the host."""
    parts = _split(url)
    if parts is None:
        return ""
    host = _host(parts)
    return next((name for name, site in _SITES.items() if site.hosts.fullmatch(host)), host)


def video_link(site: str, media_id: str) -> str | None:
    """Return what `canonical_link` makes of all links of a site's video, by yt-dlp's id.

    None where an id is not what links have, or not all that a link must have.
    """
    known = _SITES.get(site)
    return f"{site}:{media_id}" if known and known.has_ids else None


def _video_of(site: _Site, parts: SplitResult) -> str:
    host = _host(parts)
    if not site.hosts.fullmatch(host):
        return ""
    query = parse_qs(parts.query)
    chosen = [f"{name}={query[name][0]}" for name in site.selects if name in query]
    place = f"{host}{parts.path.rstrip('/')}{'?' if chosen else ''}{'&'.join(chosen)}"
    found = next((match for form in site.forms if (match := form.fullmatch(place))), None)
    return "/".join(filter(None, found.groups())) if found else ""


def _host(parts: SplitResult) -> str:
    """Return host and port, without the port and the prefix that everybody may leave out."""
    place = parts.netloc.lower().removesuffix(_DEFAULT_PORTS[parts.scheme])
    prefix = _PREFIX.match(place)
    return place[prefix.end() :] if prefix else place


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.scheme in _DEFAULT_PORTS and parts.netloc else None
