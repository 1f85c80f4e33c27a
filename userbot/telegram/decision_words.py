"""What an owner reads who has decided something about somebody."""

from userbot.domain.people import Quota, Role
from userbot.telegram.figures import size
from userbot.telegram.pace_words import videos

IS_OWNER = "That is an owner, who may do everything."
_WHOM = "or reply to a message of that person with"
USAGE = {
    "ban": f"Send <code>/ban 123456789</code>, {_WHOM} /ban.",
    "unban": f"Send <code>/unban 123456789</code>, {_WHOM} /unban.",
    "allow": (
        f"Send <code>/allow 123456789</code>, {_WHOM} /allow. "
        "The word <code>trusted</code> after it gives them your larger limits."
    ),
    "disallow": f"Send <code>/disallow 123456789</code>, {_WHOM} /disallow.",
    "limit": (
        "Send <code>/limit 123456789 20</code> for 20 videos a day, "
        "<code>/limit 123456789 20 5000</code> for 20 videos and 5000 MB, "
        "<code>/limit 123456789 off</code> for what everybody gets. 0 is no limit."
    ),
}


def banned(user_id: int, cancelled: int) -> str:
    """Return that somebody is banned, and what became of their links."""
    links = "1 open link was" if cancelled == 1 else f"{cancelled} open links were"
    what = f" {links} cancelled." if cancelled else ""
    return f"<code>{user_id}</code> is banned: I do nothing for them any more.{what}"


def unbanned(user_id: int, *, is_still: bool) -> str:
    """Return that somebody is banned no more; is_still: the settings ban them."""
    if is_still:
        return _in_settings(user_id, "BANNED_USERS")
    return f"<code>{user_id}</code> is not banned any more."


def allowed(user_id: int, role: Role, *, is_banned: bool) -> str:
    """Return that somebody may write in private."""
    limits = ", with the larger limits" if role is Role.TRUSTED else ""
    but = " But they are banned: /unban changes that." if is_banned else ""
    return f"<code>{user_id}</code> may use me in private now{limits}.{but}"


def disallowed(user_id: int, *, is_still: bool) -> str:
    """Return that somebody may write in private no more; is_still: the settings let them."""
    if is_still:
        return _in_settings(user_id, "AUTHORIZED_USERS or TRUSTED_USERS")
    return f"<code>{user_id}</code> may not use me in private any more."


def limited(user_id: int, quota: Quota) -> str:
    """Return what somebody gets on a day from now on."""
    count = "as many videos as they like" if quota.count is None else videos(quota.count)
    most = "" if quota.size_bytes is None else f", {size(quota.size_bytes)} at most"
    return f"<code>{user_id}</code> gets {count} a day{most}."


def _in_settings(user_id: int, name: str) -> str:
    return (
        f"<code>{user_id}</code> stands in {name}: only the settings change that. "
        "Take the number out there and restart me."
    )
