"""What the settings mean for the queue."""

import pytest

from config.settings import load
from tests.unit.test_settings import COMPLETE
from userbot.assembly.settings import fair_limits
from userbot.domain.records import FairLimits, Lane


@pytest.mark.parametrize(
    ("settings", "limits"),
    [
        ({}, FairLimits(per_user=3, per_chat=4)),
        ({"MAX_DOWNLOADS": "1"}, FairLimits(per_user=1, per_chat=1)),
        ({"MAX_USER_DOWNLOADS": "4"}, FairLimits(per_user=4, per_chat=4)),
    ],
)
def test_nobody_holds_the_last_slot_alone_unless_the_owner_wants_it(tmp_path, settings, limits):
    loaded = load(tmp_path / ".env", {**COMPLETE, **settings})
    assert fair_limits(loaded)[Lane.DELIVER] == limits
