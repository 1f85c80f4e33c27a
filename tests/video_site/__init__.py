"""A video site on loopback, in a process of its own, for the tests and for `run.py --demo`.

It needs the standard library and ffmpeg (or imageio_ffmpeg). It makes its media at the first
start, in about ten seconds, and keeps it. The names of its links are in `catalogue.LINKS`.

    async with video_site.running(cache_dir) as site:
        site.url_of("page"), site.url_of("medium", rate=500_000, n=17)

`n` does nothing: it makes as many different links as a test wants. What follows makes a link
misbehave; it goes on any path, and several may be combined:

    rate=B            B bytes per second, for each answer
    delay=S           S seconds before the first byte
    hang=NAME         no answer until `site.release(NAME)`
    stall_after=N     after N bytes of body nothing more until `site.release(NAME)`;
      hold=NAME       the name for that ("forever" when not given)
    drip_after=N      after N bytes of body one byte a second
    cut_after=N       the connection is closed after N bytes of body
    status=C          the answer is C, with
      retry_after=S   a Retry-After header
    times=K           stall, cut or status only the first K times (always when not given)
    expires_after=K   403 from visit K + 1 on
    referer=TEXT      403 unless the Referer holds TEXT
    length_off=N      Content-Length is N too large (negative: too small)
    no_length         no Content-Length: the body ends with the connection
    no_ranges         Range is ignored
    type=T            Content-Type is T; "none": there is none
    filename=F        Content-Disposition names the file F

Visits and times are counted per link with its query, for GET alone. yt-dlp visits a direct link
twice: to see what it is, and to download. A page or a manifest (HLS, DASH, feed) passes `rate`,
`n` and everything of the form `media.X=V` on to the media it names, there as `X=V`: so
`url_of("hls", **{"media.status": 404})` has a good playlist and no segments.

Paths with parameters of their own: `/big.mp4?size=MIB` (3 to 3000: a video of exactly that size),
`/page?thumbnail=jpg|webp|png|huge|broken|missing`, `/feed.xml?items=N`, `/gallery?items=N`,
`/redirect?to=URL&code=C`, `/redirect/chain?hops=N&to=URL`, `/expiring?stale=K` (the first K visits
get a dead link), `/opening.m3u8?whole=K` (a film for K visits, then live),
`/hostile/NAME` (titles of `catalogue.HOSTILE_TITLES`).
"""

from tests.video_site.catalogue import HOSTILE_TITLES, LINKS, SUGGESTED
from tests.video_site.client import SiteError, Stats, VideoSite, running
from tests.video_site.journal import Entry

__all__ = [
    "HOSTILE_TITLES",
    "LINKS",
    "SUGGESTED",
    "Entry",
    "SiteError",
    "Stats",
    "VideoSite",
    "running",
]
