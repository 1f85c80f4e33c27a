"""Links that cannot work, remembered for a while."""

from datetime import UTC, datetime, timedelta

import pytest

from userbot.errors import PrivateError, RemovedError, SiteDownError
from userbot.services.refused import MAX_LINKS, REMEMBERED, Refused

LINK = "https://example.org/v"


class Clock:
    def __init__(self):
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def refused(clock):
    return Refused(clock)


def test_an_error_for_good_is_raised_again_until_it_is_old(refused, clock):
    refused.check(LINK)
    refused.learn(LINK, PrivateError("members"))
    with pytest.raises(PrivateError, match="members"):
        refused.check(LINK)
    refused.check(LINK + "2")
    clock.now += REMEMBERED - timedelta(seconds=1)
    with pytest.raises(PrivateError):
        refused.check(LINK)
    clock.now += timedelta(seconds=1)
    refused.check(LINK)


def test_what_may_pass_is_not_remembered(refused):
    refused.learn(LINK, SiteDownError())
    refused.check(LINK)


def test_somebody_who_asks_again_gets_a_new_answer(refused):
    refused.learn(LINK, RemovedError())
    refused.forget(LINK)
    refused.forget(LINK)
    refused.check(LINK)


def test_the_oldest_links_are_forgotten_first(refused):
    for number in range(MAX_LINKS + 1):
        refused.learn(f"{LINK}{number}", RemovedError())
    refused.check(f"{LINK}0")
    with pytest.raises(RemovedError):
        refused.check(f"{LINK}1")
