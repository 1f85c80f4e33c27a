"""What a choice will cost: room on the disk, and whether it is done in a moment."""

from userbot.domain.choices import Choice

QUICK_BYTES = 30_000_000  # done in a moment: such a job does not stand behind long ones
UNKNOWN_BYTES = 300_000_000  # taken for a video whose size nobody tells; watched while it grows
STAGES = 2.2  # the streams lie there beside what they are put together into; measured: 2.0 to 2.2
ESTIMATE_MARGIN = 1.1  # sites round bitrates down


def is_quick(choice: Choice) -> bool:
    """Say whether a job is soon done; False when its size is not known."""
    return choice.size_bytes is not None and choice.size_bytes <= QUICK_BYTES


def disk_bytes(choice: Choice) -> int:
    """Return how much room a job needs at its worst moment, all stages counted."""
    size_bytes = choice.size_bytes if choice.size_bytes is not None else UNKNOWN_BYTES
    margin = 1.0 if choice.is_size_exact else ESTIMATE_MARGIN
    return int(size_bytes * margin * STAGES)
