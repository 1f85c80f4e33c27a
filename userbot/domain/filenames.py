"""The name of a file as a chat shows it. Never a path on this machine: those are made of ids."""

import re
import unicodedata

MAX_STEM_BYTES = 60
MAX_ENDING_LENGTH = 10
FALLBACK_STEM = "video"

_RESERVED = re.compile(r'[<>:"/\\|?*\s]+')  # separators, and what Windows refuses
# Nothing to see, though they count as letters, marks or signs: fillers, joiners, selectors.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def file_name(title: str, ext: str) -> str:
    """Return title as a file name with the extension ext ("mp4" or ".mp4"); never empty.

    The part before the extension has at most MAX_STEM_BYTES bytes of UTF-8, cut between characters.
    Control characters, invisible ones, text direction overrides and path separators are gone.
    """
    stem = _cut(_RESERVED.sub(" ", _visible(title)).strip(" ."))
    if _DEVICES.fullmatch(stem):
        stem = _cut(f"_{stem}")
    ending = re.sub(r"[^a-z0-9]", "", ext.lower())[:MAX_ENDING_LENGTH]
    return f"{stem or FALLBACK_STEM}.{ending}" if ending else stem or FALLBACK_STEM


def _visible(title: str) -> str:
    """Drop the categories "other": control, format, surrogate, private, unassigned."""
    spaced = re.sub(r"\s", " ", title)
    return "".join(
        char
        for char in _BLANK.sub("", unicodedata.normalize("NFC", spaced))
        if unicodedata.category(char)[0] != "C"
    )


def _cut(stem: str) -> str:
    raw = stem.encode()
    if len(raw) <= MAX_STEM_BYTES:
        return stem
    return raw[:MAX_STEM_BYTES].decode(errors="ignore").rstrip(" .")
