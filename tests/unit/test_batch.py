"""Several links in one message: whoever sent them hears exactly which were not taken, and why."""

import pytest

from userbot.domain.urls import AllowList
from userbot.errors import StoreAwayError, TooManyJobsError
from userbot.telegram.handlers.batch import Batch

GOOD, OTHER, PRIVATE, SECRET = (
    *("https://a.example/1", "https://a.example/2", "http://10.0.0.1/", "https://me:x@a.example/"),
)
NO_PRIVATE = "This link points into a private network. I only open public ones."
NO_NAME = "This link has a user name in it. Please send it without one."
MANY = "You have 5 links open already. Please wait until some are done."


@pytest.mark.parametrize(
    ("links", "kept", "refusal", "said"),
    [
        ([GOOD], 1, None, ""),
        ([GOOD, OTHER], 2, None, ""),
        ([GOOD, "http://A.example:80/1", f"{GOOD}?utm_source=x"], 2, None, ""),
        ([PRIVATE], 0, None, NO_PRIVATE),
        ([GOOD], 0, TooManyJobsError(5), MANY),
        ([GOOD, OTHER], 1, TooManyJobsError(5), f"I took 1 of your 2 links.\n{MANY}"),
        ([PRIVATE, GOOD], 1, None, f"I took 1 of your 2 links.\nLink 1: {NO_PRIVATE}"),
        (
            [PRIVATE, SECRET, GOOD, "http://127.0.0.1/", OTHER],
            1,
            TooManyJobsError(5),
            f"I took 1 of your 5 links.\nLinks 1, 4: {NO_PRIVATE}\nLink 2: {NO_NAME}\n{MANY}",
        ),
        (
            [f"https://a.example/{number}" for number in range(7)],
            5,
            None,
            "I took 5 of your 7 links.\nI take 5 links at a time. Please send the others later.",
        ),
        (
            [GOOD, OTHER],
            0,
            StoreAwayError(),
            "I took none of your 2 links.\n"
            "I cannot write anything down just now. Please try again in a minute.",
        ),
    ],
)
def test_what_was_not_taken_is_said_with_its_place_and_its_reason(links, kept, refusal, said):
    batch = Batch(links, AllowList(), 5)
    batch.kept.update(list(dict.fromkeys(batch.urls.values()))[:kept])
    assert batch.answer(refusal) == said
