"""The words that the bot says, in the markup of `markup.py`.

Those about a job are in `views.py`, of errors in `problems.py`, of /queue in `lists.py`, for an
owner alone in `owner_words.py`. Nobody else builds a sentence. Titles and everything else from a
site are cut, then escaped.
"""

import html
from collections.abc import Sequence

from userbot.domain.choices import Choice
from userbot.domain.jobs import Remedy
from userbot.domain.media import KnownFile, MediaFile
from userbot.telegram.figures import cut
from userbot.telegram.markup import utf16_units
from userbot.telegram.problems import problem
from userbot.telegram.views import CHANGE_IN_SETTINGS, quality, view

__all__ = ["CHANGE_IN_SETTINGS", "COMMANDS", "caption", "menu_button", "problem", "refusal", "view"]

MAX_CAPTION_UNITS = (
    1024  # UTF-16; https://core.telegram.org/api/config#caption-length-limit-default
)

COMMANDS = {
    "start": "Say hello",
    "help": "How it works",
    "queue": "Your open links",
    "history": "What you got lately",
    "settings": "What I take without asking",
    "mydata": "What I know about you",
}
START = (
    "Hi! Send me a link to a video, pick a quality, and I send you the video.\n\n"
    "Most sites work. /help tells you more."
)
HELP = (
    "<b>How it works</b>\n"
    "1. Send a link (several in one message are fine).\n"
    "2. Tap the quality you want.\n"
    "3. The video arrives as a reply to your link.\n\n"
    "Tap <b>Cancel</b> at any time to stop. "
    "/queue shows your open links and how far they are. "
    "/history shows your last links and can send any of them again. "
    "/settings lets you say once which quality you always want. "
    "/mydata shows what I know about you, and deletes it if you like.\n"
    "When something does not work, the buttons under my answer offer what may help: "
    "another try, another quality, only the sound, or a word to my owner.\n"
    "⚡ marks what I can send at once, because I have it already. "
    "<b>Get a fresh copy</b> downloads it anew.\n\n"
    "A video can be up to 2 GB. "
    "Live streams and whole playlists do not work yet: send the links of single videos."
)
HELP_FOR_OWNERS = (
    "<b>For you as my owner</b>\n"
    "/stats shows what I did lately, /queue shows everybody's links.\n"
    "<code>/allow 123</code> lets the person with that number write to me in private, "
    "<code>/allow 123 trusted</code> with your larger limits; /disallow takes it back.\n"
    "<code>/ban 123</code> shuts somebody out and cancels their links; /unban takes it back.\n"
    "<code>/limit 123 20</code> gives somebody 20 videos a day, <code>/limit 123 20 5000</code> "
    "also 5000 MB; 0 is no limit, <code>/limit 123 off</code> takes it back.\n"
    "Instead of the number you can reply to a message of that person."
)
GROUP_HINT = "In this group: send a link and I answer it with the video."
PRIVACY_HINT = (
    "Telegram hides links in this group from me. To change that, do one of these:\n"
    "• make me an admin of this group, or\n"
    "• open @BotFather, send /setprivacy, choose me, tap “Disable”, "
    "then remove me from the group and add me again."
)
NO_SUCH_COMMAND = "I do not know this command. /help shows what I can do."
NO_LINK = "I see no link in this message. Send me a link to a video, for example https://…"
LINK_TOO_OLD = "I was away when you sent this link. Please send it again if you still want it."
OWNER_WELCOME = (
    "You are now the owner of this bot. Send me a link to try it. /stats shows what I did lately."
)

# What pops up over the chat when a button was pressed.
PRESS_TOO_OLD = "This button is too old. Please send the link again."
PRESS_NOT_YOURS = "Only the person who sent the link can use this button."
PRESS_NO_ACCESS = "Sorry, this bot is private."
LIST_NOT_YOURS = "Send /queue to see your own links."
ON_IT = "One moment …"
TOO_MUCH = "That is too much at once. Please try again in a moment."
UNDER_WAY = "I am already on it."
CANCELLED_ALREADY = "This is cancelled already."
ENDED_ALREADY = "This has ended already."
OWNER_TOLD = "I told my owner."
OWNER_KNOWS = "My owner knows about this already."
OWNER_TOLD_ENOUGH = "You told my owner a lot in the last hour. Please wait a while."
OWNER_UNREACHABLE = "I could not reach my owner."
DETAILS_SENT = "I sent you what I know."

CANCEL = "Cancel"
SHOW_MENU = "Show the menu again"
FRESH_COPY = "🔄 Get a fresh copy"
REMEDIES = {
    Remedy.TRY_AGAIN: "Try again",
    Remedy.OTHER_QUALITY: "Other quality",
    Remedy.AUDIO_ONLY: "Audio only",
    Remedy.TELL_OWNER: "Tell the owner",
}


def refusal(user_id: int) -> str:
    """Return what a stranger is told, once: why, and the number that the owner needs."""
    return (
        "Sorry, this bot is private.\n"
        f"If you know its owner, send them this number: <code>{user_id}</code>"
    )


def unknown_group(chat_id: int) -> str:
    """Return what an owner is told who adds the bot to a group that it does not serve."""
    return (
        "This group is not in AUTHORIZED_CHATS yet, so here I only answer you. "
        f"Add its number, <code>{chat_id}</code>, and restart me."
    )


def links_taken(taken: int, of: int) -> str:
    """Return how many links of a message I work on, when it is not all of them."""
    return f"I took {taken or 'none'} of your {of} links."


def about_links(numbers: Sequence[int], problem: str) -> str:
    """Return what is wrong with some links of a message, by their places in it."""
    which = ", ".join(map(str, numbers))
    return f"Link{'' if len(numbers) == 1 else 's'} {which}: {problem}"


def most_links(limit: int) -> str:
    """Return what whoever sends more links than allowed in one message is told."""
    return f"I take {limit} links at a time. Please send the others later."


def menu_button(choice: Choice, *, is_instant: bool = False) -> str:
    """Return a quality button; is_instant: with a flash, as the video is there at once."""
    words = quality(choice)
    return f"⚡ {words}" if is_instant else words


def link_in_caption(page_url: str) -> str:
    """Return the last line of a caption; "" for a link that leaves too little room for a title."""
    return page_url if len(page_url) <= MAX_CAPTION_UNITS // 2 else ""


def caption(file: MediaFile | KnownFile, page_url: str) -> str:
    """Return the text under a delivered file: its title in bold, then the link."""
    link = link_in_caption(page_url)
    room = MAX_CAPTION_UNITS - utf16_units(link) - 2
    title = html.escape(cut(file.title, room))
    return f"<b>{title}</b>\n{html.escape(link)}".strip()
