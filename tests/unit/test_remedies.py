"""What a person can do about an error."""

import pytest

from userbot import errors
from userbot.domain.jobs import Remedy
from userbot.domain.remedies import remedies_for


@pytest.mark.parametrize(
    ("error", "first"),
    [
        (errors.TooLargeError(None, 5), Remedy.OTHER_QUALITY),
        (errors.SiteDownError(), Remedy.TRY_AGAIN),
        (errors.BotCheckError(), Remedy.TRY_AGAIN),
        (errors.DeadlineError(5), Remedy.OTHER_QUALITY),
        (errors.DiskFullError(), Remedy.TRY_AGAIN),
        (errors.WorkerBugError("trace"), Remedy.TRY_AGAIN),
        (errors.DeliveryError("X"), Remedy.TRY_AGAIN),
        (errors.LoginNeededError(), Remedy.TELL_OWNER),
        (errors.GeoBlockedError(), Remedy.TELL_OWNER),
        (errors.SourceError("odd"), Remedy.TRY_AGAIN),
    ],
)
def test_the_most_useful_button_comes_first(error, first):
    assert remedies_for(error, has_menu=True)[0] is first


@pytest.mark.parametrize("kind", [errors.PrivateError, errors.RemovedError, errors.DrmError])
def test_what_stays_as_it_is_has_no_button(kind):
    assert remedies_for(kind(), has_menu=True) == ()


def test_without_a_menu_there_is_no_other_quality():
    assert remedies_for(errors.TooLargeError(None, 5), has_menu=False) == ()
    assert remedies_for(errors.DeadlineError(5), has_menu=False) == (Remedy.TRY_AGAIN,)
    assert remedies_for(errors.StallError(5), has_menu=False) == (Remedy.TRY_AGAIN,)
