"""Who may use the bot, by what the settings name."""

import pytest

from userbot.domain.jobs import Request
from userbot.domain.people import Role
from userbot.services.access import Access

OWNER, ANN, TRUSTED, BANNED, EVE = 1, 2, 3, 4, 5
CLUB, FOREIGN = -100, -200


@pytest.fixture
def access():
    return Access([OWNER], [ANN, BANNED], [CLUB], trusted=[TRUSTED, BANNED], banned=[BANNED, OWNER])


def where(access, user_id):
    """The places where somebody is served: in private, in the club, in a foreign group."""
    chats = {"private": user_id, "club": CLUB, "foreign": FOREIGN}
    return {
        place
        for place, chat_id in chats.items()
        if access.allows(Request(chat_id, 1, user_id, is_group=chat_id < 0))
    }


def test_the_settings_say_who_is_served_where(access):
    assert where(access, ANN) == {"private", "club"}
    assert where(access, EVE) == {"club"}


def test_whom_the_owner_trusts_may_write_in_private_too(access):
    assert where(access, TRUSTED) == {"private", "club"}
    assert access.role_of(TRUSTED) is Role.TRUSTED
    assert access.role_of(ANN) is Role.USER
    assert access.role_of(OWNER) is None


def test_a_ban_counts_more_than_anything_but_being_the_owner(access):
    assert where(access, BANNED) == set()
    assert where(access, OWNER) == {"private", "club", "foreign"}
    assert [user for user in (OWNER, ANN, TRUSTED, BANNED, EVE) if access.is_banned(user)] == [
        BANNED
    ]
