"""The site's HTML pages and its feed, as text."""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlencode

from tests.video_site.recipes import DURATION_S, HEIGHTS

TITLE = "Harbour at dawn"
DESCRIPTION = "Ten seconds of boats & gulls, filmed from the pier."
MAX_ITEMS = 100_000
CARRIED = ("rate", "n")
"""Parameters that a page or manifest passes on to what it names, besides `media.*`."""

THUMBNAILS = {
    "jpg": "/media/thumbnail.jpg",
    "webp": "/media/thumbnail.webp",
    "png": "/media/thumbnail.png",
    "huge": "/media/thumbnail-huge.png",
    "broken": "/media/thumbnail-broken.jpg",
    "missing": "/media/thumbnail.jpg?status=404",
}


def link(path: str, query: Mapping[str, str]) -> str:
    """Return `path` with the parameters that travel on from a request with `query`.

    `media.X` becomes `X` where media is named, and stays what it is on the way to a manifest.
    """
    carried = {
        name: value for name, value in query.items() if name in CARRIED or name.startswith("media.")
    }
    if not path.partition("?")[0].endswith((".m3u8", ".mpd")):
        carried = {name.removeprefix("media."): value for name, value in carried.items()}
    if not carried:
        return path
    return path + ("&" if "?" in path else "?") + urlencode(carried)


def html(title: str, *, head: str = "", body: str = "") -> str:
    """Return a whole page; `head` and `body` are HTML, `title` is text."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>\n{head}\n</head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def _meta(properties: Mapping[str, str]) -> str:
    return "\n".join(
        f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()
    )


def _open_graph(title: str, thumbnail: str) -> dict[str, str]:
    return {
        "og:type": "video.other",
        "og:site_name": "Tideline",
        "og:title": title,
        "og:description": DESCRIPTION,
        "og:image": thumbnail,
    }


def _source(path: str, attributes: str) -> str:
    return f'<source src="{escape(path)}" {attributes}>'


def video_page(origin: str, query: Mapping[str, str]) -> str:
    """Return the page with a video element of several qualities and OpenGraph data.

    yt-dlp numbers the videos of a page, so its title there is "Harbour at dawn (1)".
    Raises KeyError for a `thumbnail` that is none of `THUMBNAILS`.
    """
    thumbnail = origin + THUMBNAILS[query.get("thumbnail", "jpg")]
    sources = "\n".join(
        _source(
            link(f"/media/{height}p.mp4", query),
            f'type="video/mp4" label="{height}p" res="{height}"',
        )
        for height in reversed(HEIGHTS)
    )
    return html(
        TITLE,
        head=_meta(_open_graph(TITLE, thumbnail)),
        body=f'<video controls poster="{escape(thumbnail)}">\n{sources}\n</video>',
    )


def open_graph_page(origin: str, query: Mapping[str, str], title: str = TITLE) -> str:
    """Return a page that names its video only in OpenGraph data."""
    video = origin + link("/media/720p.mp4", query)
    properties = _open_graph(title, origin + THUMBNAILS["jpg"]) | {
        "og:video": video,
        "og:video:type": "video/mp4",
        "og:video:width": "1280",
        "og:video:height": "720",
        "og:video:duration": str(DURATION_S),
    }
    return html(title, head=_meta(properties))


def json_ld_page(origin: str, query: Mapping[str, str]) -> str:
    """Return a page that describes its video in JSON-LD."""
    data = f"""{{
  "@context": "https://schema.org", "@type": "VideoObject",
  "name": "{TITLE}", "description": "{DESCRIPTION}",
  "thumbnailUrl": ["{origin}{THUMBNAILS["jpg"]}"],
  "uploadDate": "2026-05-17T06:12:00Z", "duration": "PT{DURATION_S}S",
  "width": 854, "height": 480,
  "author": {{"@type": "Person", "name": "Ada Tideline"}},
  "contentUrl": "{origin}{link("/media/480p.mp4", query)}"
}}"""
    return html(TITLE, head=f'<script type="application/ld+json">\n{data}\n</script>')


def watch_page(origin: str, query: Mapping[str, str]) -> str:
    """Return a page that plays an HLS stream."""
    stream = _source(link("/media/hls/master.m3u8", query), 'type="application/x-mpegURL"')
    return html(
        TITLE,
        head=_meta(_open_graph(TITLE, origin + THUMBNAILS["jpg"])),
        body=f"<video controls>{stream}</video>",
    )


def subtitled_page(query: Mapping[str, str]) -> str:
    """Return a page whose video has a subtitle track."""
    source = _source(link("/media/360p.mp4", query), 'type="video/mp4"')
    track = '<track kind="subtitles" srclang="en" label="English" src="/media/subtitles.vtt">'
    return html(TITLE, body=f"<video controls>{source}{track}</video>")


def single_page(path: str) -> str:
    """Return a page with one video at `path`."""
    return html(TITLE, body=f'<video src="{escape(path)}"></video>')


def gallery(query: Mapping[str, str], items: int) -> str:
    """Return a page with `items` videos; each link is another one by its `n`."""
    videos = "\n".join(
        f'<video src="{escape(link("/media/240p.mp4", {**query, "n": str(number)}))}"></video>'
        for number in range(1, items + 1)
    )
    return html("Three boats" if items == 3 else f"{items} boats", body=videos)


def feed(origin: str, query: Mapping[str, str], items: int) -> str:
    """Return an RSS feed with `items` enclosures; each link is another one by its `n`."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"'
        ' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>\n'
        f"<title>Tideline</title><link>{origin}/</link><description>Boats</description>\n"
        + "\n".join(_feed_item(origin, query, number) for number in range(1, items + 1))
        + "\n</channel></rss>\n"
    )


def _feed_item(origin: str, query: Mapping[str, str], number: int) -> str:
    address = escape(origin + link("/media/240p.mp4", {**query, "n": str(number)}))
    return (
        f"<item><title>Episode {number}</title><guid>episode-{number}</guid>"
        f"<pubDate>Sun, 17 May 2026 06:12:00 GMT</pubDate>"
        f"<itunes:duration>{DURATION_S}</itunes:duration>"
        f'<enclosure url="{address}" type="video/mp4" length="0"/></item>'
    )


def index(links: Mapping[str, str]) -> str:
    """Return the front page: a list of all links by name."""
    rows = "\n".join(
        f'<li><a href="{escape(path)}">{escape(name)}</a></li>' for name, path in links.items()
    )
    return html("Tideline", body=f"<ul>\n{rows}\n</ul>")
