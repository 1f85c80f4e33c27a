"""Real sentences of yt-dlp and of sites, as its sources hold them, and what each must mean.

One row: how it is raised, its words, the error. How: "said" is an extractor's own word, "login"
comes with the hint that yt-dlp adds to it, "bug" is what an extractor did not expect, "file" is
the downloader's word, and a number is the HTTP status that caused it.
"""

from userbot import errors

_FAQ = "See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how"
_YOUTUBE_HINT = f"Use --cookies-from-browser or --cookies for the authentication. {_FAQ}"

MESSAGES = [
    # YouTube
    (
        "said",
        f"Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot. {_YOUTUBE_HINT}",
        errors.BotCheckError,
    ),
    (
        "said",
        "Video unavailable. YouTube is requiring a captcha challenge before playback",
        errors.BotCheckError,
    ),
    (
        "said",
        "All player responses are invalid. Your IP is likely being blocked by Youtube",
        errors.BotCheckError,
    ),
    (
        "said",
        "Video unavailable. This content isn't available, try again later. The current session"
        " has been rate-limited by YouTube for up to an hour. It is recommended to use `-t sleep`",
        errors.RateLimitedError,
    ),
    ("login", "Sign in to confirm your age", errors.AgeRestrictedError),
    (
        "login",
        "Sign in to confirm your age. This video may be inappropriate for some users",
        errors.AgeRestrictedError,
    ),
    (
        "login",
        "Private video. Sign in if you've been granted access to this video",
        errors.PrivateError,
    ),
    ("said", "This video is private", errors.PrivateError),
    (
        "said",
        "Join this channel to get access to members-only content like this video, and other"
        " exclusive perks.",
        errors.PrivateError,
    ),
    (
        "said",
        "This video is available to this channel's members on level: Level 1 (or any higher level)."
        " Join this channel to get access to members-only content and other exclusive perks.",
        errors.PrivateError,
    ),
    ("said", "This video requires payment to watch.", errors.LoginNeededError),
    (
        "said",
        "This video is only available to Music Premium members",
        errors.PrivateError,
    ),
    ("said", "Video unavailable", errors.RemovedError),
    ("said", "Video unavailable. This video does not exist.", errors.RemovedError),
    ("said", "This video is not available", errors.RemovedError),
    (
        "said",
        "This video has been removed for violating YouTube's policy on hate speech.",
        errors.RemovedError,
    ),
    (
        "said",
        "This video is no longer available because the YouTube account associated with this"
        " video has been terminated.",
        errors.RemovedError,
    ),
    (
        "said",
        "Video unavailable. This video is no longer available due to a copyright claim by X",
        errors.RemovedError,
    ),
    (
        "said",
        "Video unavailable. This video contains content from SME, who has blocked it in your"
        " country on copyright grounds",
        errors.GeoBlockedError,
    ),
    (
        "geo",
        "The uploader has not made this video available in your country",
        errors.GeoBlockedError,
    ),
    ("said", "This live event will begin in 5 hours.", errors.LiveError),
    ("said", "Premieres in 2 hours", errors.LiveError),
    ("said", "This live stream recording is not available.", errors.RemovedError),
    ("said", "We're processing this video. Check back later.", errors.LiveError),
    ("said", "The page needs to be reloaded.", errors.SiteDownError),
    ("said", "Incomplete data received", errors.SiteDownError),
    ("said", "This video is DRM protected", errors.DrmError),
    # TikTok
    ("said", "Your IP address is blocked from accessing this post", errors.BotCheckError),
    (
        "login",
        "You do not have permission to view this post. Log into an account that has access",
        errors.LoginNeededError,
    ),
    (
        "login",
        "This user's account is private. Log into an account that has access",
        errors.PrivateError,
    ),
    (
        "login",
        "This user's account is likely either private or all of their videos are private."
        " Log into an account that has access",
        errors.PrivateError,
    ),
    ("bug", "Video not available, status code 10204", errors.RemovedError),
    ("bug", "Unable to solve JS challenge", errors.BotCheckError),
    ("bug", "Unexpected response from webpage request", errors.UnsupportedError),
    ("said", "This account does not have any videos posted", errors.NoVideoError),
    ("said", "This livestream has ended", errors.RemovedError),
    ("said", "Fresh cookies (not necessarily logged in) are needed", errors.LoginNeededError),
    # Instagram
    (
        "login",
        "The webpage request was redirected to the login page. You have exceeded the rate-limit"
        " for accessing posts anonymously",
        errors.RateLimitedError,
    ),
    (
        "login",
        "This content is only available for registered users who follow this account",
        errors.LoginNeededError,
    ),
    (
        "said",
        "Instagram sent an empty media response. Check if this post is accessible in your browser"
        " without being logged-in. If it is not, then use --cookies-from-browser or --cookies",
        errors.LoginNeededError,
    ),
    ("said", "There is no video in this post", errors.NoVideoError),
    ("login", "You need to log in to access this content", errors.LoginNeededError),
    # Twitter
    ("login", "NSFW tweet requires authentication", errors.LoginNeededError),
    ("login", "You are not authorized to view this protected tweet", errors.PrivateError),
    ("said", "Requested tweet is unavailable", errors.RemovedError),
    ("said", "No video could be found in this tweet", errors.NoVideoError),
    ("said", "Media #2 is not a video", errors.NoVideoError),
    ("said", "Video #1 is unavailable", errors.RemovedError),
    ("said", "Twitter Space not started yet", errors.LiveError),
    ("said", "Twitter Space ended and replay is disabled", errors.RemovedError),
    ("said", "Twitter Space ended but not downloadable yet", errors.LiveError),
    ("said", "Broadcast no longer exists", errors.RemovedError),
    # Vimeo
    (
        "said",
        "Cannot download embed-only video without embedding URL. Please call yt-dlp with the URL"
        " of the page that embeds this video.",
        errors.PrivateError,
    ),
    (
        "said",
        "This album is protected by a password, use the --video-password option",
        errors.PrivateError,
    ),
    (
        "said",
        "This request has been blocked due to its TLS fingerprint. Install a required"
        " impersonation dependency if possible",
        errors.BotCheckError,
    ),
    ("login", "The web client only works when logged-in", errors.LoginNeededError),
    ("said", "This live event is scheduled for 2026-12-01 20:00 UTC", errors.LiveError),
    ("said", "This event video is unavailable", errors.RemovedError),
    ("said", "This event has not been made available to anyone", errors.PrivateError),
    # Facebook
    (
        "said",
        'The video is not available, Facebook said: "This content isn\'t available right now"',
        errors.RemovedError,
    ),
    ("login", "This video is only available for registered users", errors.LoginNeededError),
    ("bug", "Cannot parse data", errors.UnsupportedError),
    # Reddit
    ("said", "Your IP address is unable to access the Reddit API", errors.BotCheckError),
    ("login", "Account authentication is required", errors.LoginNeededError),
    (
        "login",
        "Private subreddit; an account that has been approved is required",
        errors.PrivateError,
    ),
    (
        "login",
        "Quarantined subreddit; an account that has opted in is required",
        errors.LoginNeededError,
    ),
    ("bug", "HTTP Error 403 Forbidden; reason given: gold_only", errors.ForbiddenError),
    ("said", "No media found", errors.NoVideoError),
    ("said", "This video is processing", errors.LiveError),
    # Bilibili
    ("said", "You have exceeded the rate limit. Try again later", errors.RateLimitedError),
    (
        "said",
        "Request is blocked by server (412), please wait and try later.",
        errors.RateLimitedError,
    ),
    ("said", "Request is rejected by server (352)", errors.BotCheckError),
    (
        "said",
        "This video may be deleted or geo-restricted. You might want to try a VPN or a proxy"
        " server (with --proxy)",
        errors.GeoBlockedError,
    ),
    ("login", "This video is for premium members only", errors.PrivateError),
    ("said", "This is a supporter-only video: only for patrons", errors.PrivateError),
    ("said", "Streamer is not live", errors.LiveError),
    ("login", "You need to purchase the course to download this episode", errors.LoginNeededError),
    ("said", "This course episode is not yet available.", errors.LiveError),
    # SoundCloud, Mixcloud, Audius
    ("geo", "This video is not available from your location", errors.GeoBlockedError),
    ("said", "Track not found", errors.RemovedError),
    (
        "said",
        "Track unavailable in your country due to licensing restrictions",
        errors.GeoBlockedError,
    ),
    ("said", "You have reached your play limit for this track", errors.RateLimitedError),
    ("said", "An error occurred while receiving data. Try again", errors.SiteDownError),
    # Twitch
    ("said", "Video v123456789 does not exist", errors.RemovedError),
    ("said", 'Channel "somebody" not found', errors.RemovedError),
    ("said", "This clip is no longer available", errors.RemovedError),
    ("live", "The channel is not currently live", errors.LiveError),
    (
        "login",
        "You must be logged into an account that has access to this subscriber-only content",
        errors.LoginNeededError,
    ),
    # the others
    ("login", "This video is locked", errors.LoginNeededError),
    ("said", "Video 5fae is locked", errors.LoginNeededError),
    ("login", "Adult verification is required for this stream", errors.AgeRestrictedError),
    ("said", "Sensitive content setting must be enabled", errors.AgeRestrictedError),
    (
        "login",
        "This video is only available for age verified users or after 22:00",
        errors.AgeRestrictedError,
    ),
    ("login", "Only users older than 19 are able to watch this video", errors.AgeRestrictedError),
    ("geo", "This video is available in Taiwan only", errors.GeoBlockedError),
    ("said", "Youku said: Sorry, this video is available in China only", errors.GeoBlockedError),
    ("said", "Youku said: Sorry, this video is private", errors.PrivateError),
    ("said", "This song is blocked in this region", errors.GeoBlockedError),
    (
        "said",
        "Access to this webpage has been blocked by decision of the Russian government."
        " Visit http://blocklist.rkn.gov.ru/ for a block reason.",
        errors.GeoBlockedError,
    ),
    ("said", "this song has been offline because of copyright issues", errors.RemovedError),
    ("said", "Password protected video, use --video-password <password>", errors.PrivateError),
    ("said", "This content is only available for subscribers", errors.PrivateError),
    ("said", "This video is protected by a passcode, use the --video-password option", errors.PrivateError),  # noqa: E501
    ("login", "This video requires a subscription", errors.LoginNeededError),
    ("said", "This video is paid, subscribe to download it", errors.LoginNeededError),
    (
        "said",
        "This video is only available for users of participating TV providers. Use --ap-mso to"
        " specify Adobe Pass Multiple-system operator Identifier",
        errors.LoginNeededError,
    ),
    ("said", "Your account does not have access to this content", errors.LoginNeededError),
    ("said", "Course 7 is not free. You have to pay for it", errors.LoginNeededError),
    (
        "said",
        "Redirection detected; the video may be deleted or require login",
        errors.LoginNeededError,
    ),
    ("said", "This livestream has not yet started", errors.LiveError),
    ("said", "Next livestream is scheduled to start at 20:00", errors.LiveError),
    ("said", "This video is not available yet. Release date: 2027-01-01", errors.LiveError),
    ("said", "Stream is offline", errors.LiveError),
    ("said", "Model is in a private show", errors.LiveError),
    ("said", "This event has ended, and the archive will be available shortly", errors.LiveError),
    ("said", "Livestream has ended and downloadable VOD is not available", errors.RemovedError),
    (
        "said",
        "This video is currently unavailable. It may still be uploading or processing.",
        errors.LiveError,
    ),
    ("said", "Video was deleted", errors.RemovedError),
    ("said", "Content not found; it has most likely expired", errors.RemovedError),
    ("said", "This content is currently unavailable", errors.RemovedError),
    ("said", "No such podcast", errors.RemovedError),
    ("said", "Quota exceeded for this file, try again later", errors.RateLimitedError),
    (
        "said",
        "You are suspected as a bot. Wait, or pass the captcha on the site and provide cookies.",
        errors.BotCheckError,
    ),
    (
        "said",
        "Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with"
        '  --extractor-args "generic:impersonate"',
        errors.BotCheckError,
    ),
    (
        "said",
        "The requested site is known to use DRM protection. It will NOT be supported.",
        errors.DrmError,
    ),
    (
        "said",
        "This website is no longer supported since it has been determined to be primarily used"
        " for piracy.",
        errors.UnsupportedError,
    ),
    ("said", "'ftp' is not a valid URL", errors.UnsupportedError),
    ("said", "Service temporarily unavailable", errors.SiteDownError),
    ("said", "There is an error on server-side. Try again later.", errors.SiteDownError),
    ("said", "API returned an error response", errors.SiteDownError),
    ("said", "The given url does not contain a video", errors.NoVideoError),
    ("said", "This article does not have any videos", errors.NoVideoError),
    ("said", "Requested format is not available. Use --list-formats", errors.NoVideoError),
    ("bug", "No video formats found!", errors.NoVideoError),
    ("bug", "Unable to extract player URL", errors.UnsupportedError),
    ("bug", "Song id not found in webpage", errors.UnsupportedError),
    ("said", "Patreon said: E1234", errors.SourceError),
    ("said", "Unknown Error", errors.SourceError),
    ("said", "API said: No space left on device", errors.SourceError),
    # a status, with the words that yt-dlp makes of it
    (401, "Unable to download webpage: HTTP Error 401: Unauthorized", errors.LoginNeededError),
    (402, "Unable to download JSON metadata: HTTP Error 402: Payment", errors.LoginNeededError),
    (403, "Unable to download webpage: HTTP Error 403: Forbidden", errors.ForbiddenError),
    (404, "Unable to download webpage: HTTP Error 404: Not Found", errors.RemovedError),
    (410, "Unable to download API page: HTTP Error 410: Gone", errors.RemovedError),
    (412, "Unable to download JSON metadata: HTTP Error 412", errors.BotCheckError),
    (429, "Unable to download webpage: HTTP Error 429: Too Many Requests", errors.RateLimitedError),
    (429, "Unable to download API page", errors.RateLimitedError),
    (451, "Unable to download m3u8 information: HTTP Error 451", errors.GeoBlockedError),
    (500, "Unable to download webpage: HTTP Error 500: Internal", errors.SiteDownError),
    (503, "Unable to download webpage: HTTP Error 503: Service", errors.SiteDownError),
    (522, "Unable to download webpage: HTTP Error 522: Unknown", errors.SiteDownError),
    (999, "Unable to download webpage: HTTP Error 999: Request denied", errors.BotCheckError),
    # an extractor's own words about a status
    (403, "This video is private", errors.PrivateError),
    (403, "Account authentication is required", errors.LoginNeededError),
    (404, "This user's account is private. Log into an account", errors.PrivateError),
    (403, "This video is not available from your location", errors.GeoBlockedError),
    # the downloader
    ("file", "unable to download video data: HTTP Error 403: Forbidden", errors.ForbiddenError),
    ("file", "[download] Got error: HTTP Error 503: Down. Giving up after 3 retries", errors.SiteDownError),  # noqa: E501
    ("file", "fragment 3 not found, unable to continue", errors.SiteDownError),
    ("file", "[download] Got error: 100 bytes read, 20 more expected. Giving up", errors.SiteDownError),  # noqa: E501
    ("file", "[download] Got error: The read operation timed out. Giving up", errors.SiteDownError),
    ("file", "The downloaded file is empty", errors.BrokenMediaError),
    ("file", "Did not get any data blocks", errors.BrokenMediaError),
    ("file", "unable to write data: [Errno 28] No space left on device", errors.DiskFullError),
    ("file", "unable to open for writing: [Errno 122] Disk quota exceeded", errors.DiskFullError),
    ("file", "unable to write data: [Errno 27] File too large", errors.TooLargeError),
    ("file", "m3u8 download detected but ffmpeg could not be found. Please install", errors.ToolError),  # noqa: E501
    # the network
    ("said", "Unable to download webpage: [Errno -2] Name or service not known", errors.SiteDownError),  # noqa: E501
    ("said", "Unable to download webpage: Failed to resolve 'x' ([Errno -3] Temporary failure in name resolution)", errors.SiteDownError),  # noqa: E501
    ("said", "Unable to download webpage: ('Connection aborted.', ConnectionResetError(104))", errors.SiteDownError),  # noqa: E501
    ("said", "Unable to download webpage: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", errors.SiteDownError),  # noqa: E501
]  # fmt: skip
