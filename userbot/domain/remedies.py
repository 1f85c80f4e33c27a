"""What a person can do about an error: the next useful button or two."""

from userbot import errors
from userbot.domain.jobs import Remedy

# By class, the most exact one first found along the class tree. What is not here has no remedy:
# a private video stays private however often one asks.
_REMEDIES: dict[type[errors.UserbotError], tuple[Remedy, ...]] = {
    errors.SourceError: (Remedy.TRY_AGAIN, Remedy.TELL_OWNER),  # nobody knows what it is
    errors.PlaylistError: (),
    errors.PrivateError: (),
    errors.RemovedError: (),
    errors.DrmError: (),
    errors.AgeRestrictedError: (Remedy.TELL_OWNER,),
    errors.GeoBlockedError: (Remedy.TELL_OWNER,),
    errors.TooLargeError: (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY),
    errors.TooLargeForDiskError: (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY),
    errors.BrokenMediaError: (Remedy.OTHER_QUALITY, Remedy.TELL_OWNER),
    errors.TooHeavyError: (Remedy.OTHER_QUALITY, Remedy.TELL_OWNER),
    errors.ForbiddenError: (Remedy.TRY_AGAIN, Remedy.TELL_OWNER),
    errors.BotCheckError: (Remedy.TRY_AGAIN, Remedy.TELL_OWNER),
    errors.LoginNeededError: (Remedy.TELL_OWNER,),
    errors.UnsupportedError: (Remedy.TELL_OWNER,),
    errors.NoVideoError: (Remedy.TELL_OWNER,),
    errors.LiveError: (Remedy.TRY_AGAIN,),
    errors.RateLimitedError: (Remedy.TRY_AGAIN,),
    errors.SiteDownError: (Remedy.TRY_AGAIN,),
    errors.DeadlineError: (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY, Remedy.TRY_AGAIN),
    errors.ToolStuckError: (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY, Remedy.TELL_OWNER),
    errors.StallError: (Remedy.TRY_AGAIN, Remedy.OTHER_QUALITY),
    errors.DiskFullError: (Remedy.TRY_AGAIN, Remedy.OTHER_QUALITY),
    errors.ChatGoneError: (),
    errors.NoRightError: (Remedy.TRY_AGAIN,),
    errors.FileRefusedError: (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY),
    errors.CrashedTwiceError: (Remedy.TELL_OWNER,),
    errors.InfrastructureError: (Remedy.TRY_AGAIN, Remedy.TELL_OWNER),
}
_NEEDS_A_MENU = (Remedy.OTHER_QUALITY, Remedy.AUDIO_ONLY)


def remedies_for(error: errors.UserbotError, *, has_menu: bool) -> tuple[Remedy, ...]:
    """Return what helps, best first. has_menu: the page was read and had qualities to pick from."""
    for kind in type(error).__mro__:
        if kind in _REMEDIES:
            found = _REMEDIES[kind]
            return tuple(item for item in found if has_menu or item not in _NEEDS_A_MENU)
    return ()
