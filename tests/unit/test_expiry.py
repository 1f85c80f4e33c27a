"""How long a page is good, by what its addresses say."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from userbot.domain.expiry import MAX_PAGE_S, USUAL_PAGE_S, lifetime_s

NOW_S = 1_900_000_000.0
END_S = 1_900_003_660
END = datetime.fromtimestamp(END_S, UTC)
POLICY = b'{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1900003660}}}]}'
CLAIMS = b'{"sub":"\xff?>~","exp":1900003660}'


def base64_of(text, characters):
    return base64.b64encode(text).decode().translate(str.maketrans("+=/", characters))


def test_of_a_long_record_the_first_addresses_count():
    ends = '"url": "https://a.example/?expire=1900000660", ' + '"url": "https://b.example/", ' * 300
    assert lifetime_s(ends + '"url": "?expire=1900000360"', NOW_S) == 600


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("{}", USUAL_PAGE_S),
        ('{"url": "https://a.example/?expire=1900003660&x=1"}', 3600),
        ('{"url": "https://a.example/expire/1900003660/x"}', 3600),
        ('{"url": "https://a.example/?hdnts=st=1~exp=1900001060~acl"}', 1000),
        ('{"url": "?e=1900000360", "b": "?expires=1900007260"}', 300),
        ('{"url": "https://a.example/?Expires=1999999999"}', USUAL_PAGE_S),
        ('{"url": "https://a.example/?expire=1900086460"}', MAX_PAGE_S),
        ('{"url": "https://a.example/?expire=1899999999"}', 0),
        ('{"url": "https://a.example/?e=1234567890&size=1900000360"}', USUAL_PAGE_S),
    ],
)
def test_a_page_is_good_as_long_as_its_addresses_say(text, expected_s):
    assert lifetime_s(text, NOW_S) == expected_s


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Expires=7200&X-Amz-Date=20300317T164740Z",
        "X-Goog-Date=20300317T164740Z&X-Goog-Expires=7200",
        "Expires=1900003660&Signature=x",
        "Expires%3D1900003660",
        "expires_at=1900003660",
        "exp=1900003660123",
        "validto=1900003660",
        f"se={END:%Y-%m-%dT%H:%M:%SZ}&sig=x",
        f"se={END:%Y-%m-%dT%H%%3A%M%%3A%SZ}&sig=x",
        f"expires={END:%Y-%m-%dT%H:%M:%S.123Z}",
        f"oh=1&oe={END_S:X}",
        "hdnea=st=1900000000~exp=1900003660~acl=/*",
        f"Policy={base64_of(POLICY, '-_~')}&Signature=x",
        f"token=eyJhbGciOiJIUzI1NiJ9.{base64_of(CLAIMS, '-._').rstrip('.')}.x",
    ],
)
def test_forms_in_which_addresses_tell_their_end(query):
    address = f"https://a.example/video.mp4?{query}"
    assert lifetime_s(f'{{"url": "{address}"}}', NOW_S) == 3600


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Expires=7200",
        "X-Amz-Date=99991231T235959Z&X-Amz-Expires=9999999",
        "X-Amz-Date=20301399T999999Z&X-Amz-Expires=7200",
        "se=2030-13-99T99:99Z",
        "oe=6571F3A8FF",
        "Policy=eyJ!&token=eyJx.eyJ.x",
        "Policy=abcde",
        "size=1900003660",
    ],
)
def test_what_only_looks_like_an_end_says_nothing(query):
    assert lifetime_s(f'{{"url": "https://a.example/?{query}"}}', NOW_S) == USUAL_PAGE_S


@given(st.text(), st.sampled_from(("Policy=", "se=", "oe=", "X-Amz-Date=1&X-Amz-Expires=", "eyJ.")))
def test_whatever_a_site_writes_is_some_time_or_none(text, name):
    assert 0 <= lifetime_s(f'"url": "https://a.example/?{name}{text}', NOW_S) <= MAX_PAGE_S
