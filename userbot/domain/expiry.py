"""How long the addresses of a page are good, as far as they say so themselves."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import unquote

MAX_PAGE_S = 6 * 3600.0
USUAL_PAGE_S = 600.0  # of a page whose addresses do not say how long they are good
MARGIN_S = 60.0  # the download begins a while after the menu
LONG_AGO_S, FAR_AHEAD_S = 86_400.0, 366 * 86_400.0  # outside, a number is no end of an address

MAX_ADDRESSES, MAX_ADDRESS_CHARS = 200, 4096  # all of a long record would take too long

_ADDRESS = re.compile(rf'"url": ?"([^"]{{1,{MAX_ADDRESS_CHARS}}})')
_NAME = (
    r"(?<![A-Za-z])(?:x-)?(?:expire[sd]?(?:_?at)?|expiry|expiration|exp|e|se|etime|end_?time"
    r"|valid_?(?:to|until)|deadline)[=/]"
)
_NUMBER = re.compile(rf"{_NAME}(\d{{10}})(?:\d{{3}})?(?!\d)", re.I)  # seconds, or milliseconds
_MOMENT = re.compile(
    rf"{_NAME}(\d{{4}}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?Z?(?![\d:+-])", re.I
)
_HEX = re.compile(r"[?&]oe=([0-9a-f]{8})(?![0-9a-z])", re.I)  # of Instagram and Facebook
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html; others follow it
_SIGNED_AT = re.compile(r"[?&]x-\w+-date=(\d{8}T\d{6})Z", re.I)
_SIGNED_FOR = re.compile(r"[?&]x-\w+-expires=(\d{1,7})(?!\d)", re.I)
# A policy of CloudFront, the claims of a token (RFC 7519): JSON as base64.
_PACKED = re.compile(r"[?&]Policy=([\w~-]+)|(?<![\w-])eyJ[\w-]+\.(eyJ[\w-]+)", re.ASCII)
_PACKED_END = re.compile(rb'"(?:AWS:EpochTime|exp)"\s*:\s*(\d{10})(?!\d)')
_OF_POLICY, _OF_TOKEN = str.maketrans("-_~", "+=/"), str.maketrans("-_", "+/")


def lifetime_s(info_json: str, now_s: float) -> float:
    """Return how long an extraction is good, in seconds; 0 when it is not any more.

    Until the first of its addresses ends, as far as they say so: of many, of the first ones.
    now_s: since the epoch.
    """
    addresses = islice(_ADDRESS.finditer(info_json), MAX_ADDRESSES)
    told = (end - now_s for address in addresses for end in _ends(unquote(address[1])))
    known = [left for left in told if -LONG_AGO_S < left < FAR_AHEAD_S]
    left_s = min(known) - MARGIN_S if known else USUAL_PAGE_S
    return min(max(left_s, 0.0), MAX_PAGE_S)


def _ends(address: str) -> Iterator[float]:
    """Yield what looks like the end of an address, since the epoch; some of it may be nonsense."""
    yield from map(float, _NUMBER.findall(address))
    yield from (float(int(number, 16)) for number in _HEX.findall(address))
    for moment in _MOMENT.findall(address):
        if (end := _moment(moment)) is not None:
            yield end.timestamp()
    signed_at, signed_for = _SIGNED_AT.search(address), _SIGNED_FOR.search(address)
    if signed_at and signed_for and (begin := _moment(signed_at[1])) is not None:
        yield begin.timestamp() + int(signed_for[1])
    for policy, claims in _PACKED.findall(address):
        packed = policy.translate(_OF_POLICY) or claims.translate(_OF_TOKEN)
        yield from map(float, _PACKED_END.findall(_unpacked(packed)))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _unpacked(text: str) -> bytes:
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
