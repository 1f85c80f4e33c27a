"""What a link carries that is not needed to open it: marks that track, and detours.

A detour is a site that only sends people on, to a link which its own query names: nobody has to be
asked, and nobody has to learn of the visit.
"""

import re
from urllib.parse import parse_qsl, unquote

# Names that no site has given a page: of advertisers' clicks, of letters, of counters. What could
# name a page somewhere ("ref", "source", "from", "s") counts for the sites that are known to track
# with it.
_TRACKING = re.compile(
    r"utm_\w+|(?:fb|g|d|y|ys|tt|tw)clid|gclsrc|[gw]braid|gad_(?:source|campaignid)|msclkid|srsltid"
    r"|mibextid|igsh|igshid|li_fat_id|rdt_cid|sccid|irclickid|ref_src|mc_[ce]id|mkt_tok|vero_id"
    r"|oly_(?:anon|enc)_id|_hsenc|_hsmi|__hs(?:fp|sc|tc)|_openstat|_branch_match_id|_g[al]"
    r"|fb_action_(?:ids|types)|guce_referrer(?:_sig)?|(?:pk|mtm|matomo)_(?:campaign|kwd|keyword)"
)
_OF_YOUTUBE = (
    "si pp feature ab_channel embeds_referring_euri embeds_referring_origin source_ve_path"
)
_OF_X = "s t cxt ref_url"
_TRACKING_OF_SITE = {
    site: frozenset(names.split())
    for site, names in {
        "youtube.com": _OF_YOUTUBE,
        "youtu.be": _OF_YOUTUBE,
        "youtube-nocookie.com": _OF_YOUTUBE,
        "spotify.com": "si",
        "soundcloud.com": "si",
        "twitter.com": _OF_X,
        "x.com": _OF_X,
        "tiktok.com": "is_from_webapp is_copy_url sender_device sender_web_id web_id refer _r _t"
        " share_app_id share_item_id share_link_id social_sharing tt_from u_code ug_btm",
        "instagram.com": "ig_rid",
        "facebook.com": "rdid share_url sfnsn fref hc_ref paipv eav __tn__ __cft__[0] __xts__[0]",
        "reddit.com": "share_id rdt ref_source ref_campaign correlation_id",
        "bilibili.com": "spm_id_from vd_source from_spmid share_source share_medium share_plat"
        " share_session_id share_tag share_from share_times unique_k bbid",
        "linkedin.com": "trk trackingId lipi lici rcm",
        "twitch.tv": "tt_content tt_medium",
    }.items()
}
# Many sites name the video after "#", so a fragment stays unless it surely names none: a start
# time, marked text, tracking, or what yt-dlp would take for a note from itself and obey
# ("#__youtubedl_smuggle" in its utils).
_NOISE_FRAGMENT = re.compile(r"#(?:$|:~:|(?:t|at|xtor|utm_\w+)=)|.*__youtubedl_smuggle")
# Where a detour is served, and which of its parameters name the target.
_DETOURS: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(place), frozenset(names.split()))
    for place, names in (
        (r"(?:www\.)?google\.(?:com?\.)?[a-z]{2,3}/url", "q url"),
        (r"(?:www\.|m\.)?youtube\.com/redirect", "q"),
        (r"consent\.(?:google|youtube)\.com/(?:m|ml|d)", "continue"),
        (r"(?:l|lm|www|m)\.facebook\.com/l\.php", "u"),
        (r"l\.(?:instagram|threads)\.(?:com|net)/", "u"),
        (r"(?:away\.|m\.|www\.)?vk\.(?:com|ru)/away(?:\.php)?", "to"),
        (r"out\.reddit\.com/.*", "url"),
        (r"t\.umblr\.com/redirect", "z"),
        (r"steamcommunity\.com/linkfilter/?", "url u"),
        (r"(?:www\.)?linkedin\.com/(?:redir/redirect|safety/go)", "url"),
        (r"(?:html\.)?duckduckgo\.com/l/", "uddg"),
        (r"slack-redir\.net/link", "url"),
        (r"t\.me/iv", "url"),
    )
)
# Copies of sites that exist to be previewed in chats: what is asked for is at the site itself.
_MIRRORS = {
    **dict.fromkeys(("fxtwitter.com", "vxtwitter.com", "fixupx.com", "fixvx.com"), "x.com"),
    **dict.fromkeys(("ddinstagram.com", "kkinstagram.com"), "www.instagram.com"),
    **dict.fromkeys(("vxtiktok.com", "tnktok.com", "tfxktok.com"), "www.tiktok.com"),
    **dict.fromkeys(("rxddit.com", "vxreddit.com"), "www.reddit.com"),
}


def target_of(host: str, path: str, query: str) -> str | None:
    """Return the link that a detour leads to, None for any other page."""
    if mirrored := _MIRRORS.get(host.removeprefix("www.")):
        return f"https://{mirrored}{path}{query}"
    place = f"{host}{path}"
    for pattern, names in _DETOURS:
        if pattern.fullmatch(place):
            for name, value in parse_qsl(query[1:]):
                if name in names and value.lower().startswith(("http://", "https://")):
                    return value
    return None


def without_fragment_noise(fragment: str) -> str:
    """Return `#fragment`, or nothing when it surely names no video."""
    return "" if _NOISE_FRAGMENT.match(fragment) else fragment


def without_tracking(query: str, host: str) -> str:
    """Drop what tracks from `?query`; without any it stays verbatim, as it may be signed."""
    of_site: frozenset[str] = frozenset()
    for site, names in _TRACKING_OF_SITE.items():
        if host == site or host.endswith(f".{site}"):
            of_site = names
    items = query[1:].split("&")
    kept = [item for item in items if not _is_tracking(item.partition("=")[0], of_site)]
    if len(kept) < len(items):
        query = "?" + "&".join(kept)
    return "" if query == "?" else query


def _is_tracking(name: str, of_site: frozenset[str]) -> bool:
    return unquote(name) in of_site or _TRACKING.fullmatch(name.lower()) is not None
