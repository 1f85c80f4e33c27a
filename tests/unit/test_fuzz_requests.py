"""Whatever a client asks the proxy for, what is judged is what is dialled and what the site reads.

Others that read addresses - Python's, and a second look at the head that the site gets - must come
to the same place, or the request is refused.
"""

import contextlib
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.hosts import normal_host
from userbot.egress.refusals import Refusal
from userbot.egress.requests import Request, parse_request
from userbot.errors import LinkRefusedError

bounded = tries(400)

PIECES = st.sampled_from(
    [
        *("example.com", "EXAMPLE.com", "127.0.0.1", "0x7f.1", "017700000001", "2130706433"),
        *("[::1]", "[::ffff:127.0.0.1]", "localhost", "e.com.", "xn--bcher-kva.example"),
        *(":", ":80", ":443", ":0080", "@", "\\", "/", "//", "?", "#", "%00", "%2f", "%40", ";"),
        *("u:p", "..", ".", "a", "\u212a", "\u3002", "\xad", " ", "\t", "\r\n", "\n", "\0"),
    ]
)
HOSTS = st.sampled_from(
    [
        "example.com",
        "EXAMPLE.com.",
        "93.184.216.34",
        "0x5db8d822",
        "[2606:4700::1111]",
        "a-b.example",
    ]
)
PORTS = st.sampled_from(["", ":80", ":443", ":8443", ":080", ":65535"])
ADDRESSES = st.one_of(
    st.lists(PIECES, min_size=1, max_size=6).map("".join),
    st.builds("{}{}/{}".format, HOSTS, PORTS, st.lists(PIECES, max_size=3).map("".join)),
    st.builds("{}{}{}".format, HOSTS, PIECES, PORTS),
    st.builds("{}{}".format, HOSTS, PORTS),
).map(lambda address: address.encode("latin-1", "replace").decode("latin-1"))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["Host", "host", "Content-Length", "Connection", "X", "X:", " Host", ""]),
        ADDRESSES | st.integers(-1, 99).map(str),
    ),
    max_size=4,
)


def asked(head: str) -> Request | None:
    """The request of a head, None of one that is refused; nothing else may be raised."""
    with contextlib.suppress(Refusal):
        return parse_request(head.encode("latin-1", "replace"))
    return None


def place_of(authority: str, default_port: int) -> tuple[str, int]:
    """Where Python's own reader would go."""
    split = urlsplit(f"//{authority}")
    assert split.hostname is not None
    return normal_host(split.hostname), split.port or default_port


@bounded
@given(ADDRESSES, HEADERS)
def test_a_plain_request_goes_where_it_was_judged_to_go(address, headers):
    lines = [f"GET http://{address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    request = asked("\r\n".join(lines))
    if request is None:
        return
    judged = (request.host, request.port)
    assert place_of(urlsplit(f"http://{address}").netloc, 80) == judged
    first, *rest = request.head_for_site().decode("latin-1").split("\r\n")
    hosts = [line.partition(": ")[2] for line in rest if line.lower().startswith("host:")]
    assert [place_of(host, 80) for host in hosts] == [judged]
    assert first.startswith("GET /")
    assert first.count(" ") == 2


@bounded
@given(ADDRESSES, HEADERS)
def test_a_tunnel_goes_where_it_was_judged_to_go(address, headers):
    lines = [f"CONNECT {address} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    request = asked("\r\n".join(lines))
    assert request is None or place_of(address, 0) == (request.host, request.port)


def test_of_these_addresses_many_are_judged():
    """Else the tests above would test nothing."""
    assert asked("GET http://EXAMPLE.com.:8443/a HTTP/1.1")
    assert asked("CONNECT 0x5db8d822:443 HTTP/1.1")


@bounded
@given(st.text(max_size=40))
def test_a_host_is_normal_or_refused(name):
    with contextlib.suppress(LinkRefusedError):
        assert normal_host(normal_host(name)) == normal_host(name)
