"""What /settings says, and what each of its buttons stands for."""

from userbot.domain.media import MediaKind
from userbot.domain.people import Preferences
from userbot.telegram.callbacks import Default

DEFAULTS = {
    Default.ASK: Preferences(),
    Default.FULL_HD: Preferences(MediaKind.VIDEO, 1080),
    Default.HD: Preferences(MediaKind.VIDEO, 720),
    Default.AUDIO: Preferences(MediaKind.AUDIO),
}
BUTTONS = {
    Default.ASK: "Ask me each time",
    Default.FULL_HD: "Best up to 1080p",
    Default.HD: "Best up to 720p",
    Default.AUDIO: "Audio only",
}
TEXT = (
    "<b>What shall I take when you send a link?</b>\n"
    "With your own choice I begin at once. I still ask when a site has nothing that fits, "
    "and when you try a link once more."
)
SETTINGS_TOO_OLD = "This button is too old. Please send /settings again."


def button(default: Default, preferences: Preferences) -> str:
    """Return a button, with a mark when it is what somebody has chosen."""
    is_chosen = DEFAULTS[default] == preferences
    return f"✓ {BUTTONS[default]}" if is_chosen else BUTTONS[default]
