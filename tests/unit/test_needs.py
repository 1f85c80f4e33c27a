"""What a choice will cost."""

from userbot.domain.choices import Choice
from userbot.domain.media import MediaKind
from userbot.domain.needs import QUICK_BYTES, STAGES, UNKNOWN_BYTES, disk_bytes, is_quick


def choice(size_bytes, *, is_exact=True):
    return Choice(MediaKind.VIDEO, ("1",), 720, size_bytes=size_bytes, is_size_exact=is_exact)


def test_small_jobs_of_known_size_are_quick():
    assert is_quick(choice(QUICK_BYTES))
    assert not is_quick(choice(QUICK_BYTES + 1))
    assert not is_quick(choice(None))


def test_room_is_asked_for_all_stages_and_for_estimates_some_more():
    assert disk_bytes(choice(100)) == int(100 * STAGES)
    assert disk_bytes(choice(100, is_exact=False)) > int(100 * STAGES)
    assert disk_bytes(choice(None)) >= UNKNOWN_BYTES
