import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.hosts import normal_host
from userbot.egress.refusals import Refusal
from userbot.egress.replies import end_of_head, parse_reply
from userbot.egress.requests import MAX_BODY_BYTES, Request, parse_request

fuzzed = tries(500)


def parsed(*lines: str) -> Request:
    return parse_request("\r\n".join(lines).encode("latin-1"))


def refused(*lines: str) -> int:
    with pytest.raises(Refusal) as caught:
        parsed(*lines)
    return caught.value.answer.status


def test_a_tunnel_names_its_place():
    request = parsed("CONNECT Example.COM:443 HTTP/1.1", "Host: other:1")
    assert (request.is_tunnel, request.host, request.port) == (True, "example.com", 443)
    request = parsed("CONNECT [2606:4700:0::1111]:8443 HTTP/1.0")
    assert (request.host, request.port) == ("2606:4700::1111", 8443)


def test_a_plain_request_becomes_one_for_the_site():
    request = parsed(
        "GET http://Example.com:8080/a//b?c=d#e HTTP/1.1",
        "Host: evil.example",
        "Connection: keep-alive, X-Hop",
        "X-Hop: 1",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic YTpi",
        "Upgrade: h2c",
        "TE: trailers",
        "Cookie: k=\xe9",
    )
    assert request.pass_word == "a:b"
    assert request.head_for_site() == (
        b"GET /a//b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nCookie: k=\xe9\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_a_body_cannot_be_made_another_request():
    request = parsed(
        "POST http://e.com/ HTTP/1.1", "Connection: Content-Length, X", "Content-Length: 4", "X: 1"
    )
    assert request.head_for_site() == (
        b"POST / HTTP/1.1\r\nHost: e.com\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    )


def test_no_head_takes_long_to_read():
    """The proxy reads heads of everybody in one thread, before it knows who sent them."""
    begun_s = time.process_time()
    for filler in (" ", "\t", "a", ","):
        assert refused("GET http://e.com/ HTTP/1.1", f"X:{filler * 60_000}\0") == 400
        assert parsed("GET http://e.com/ HTTP/1.1", f"X:{filler * 60_000}").host == "e.com"
    assert time.process_time() - begun_s < 2


def test_an_address_without_a_path_gets_one():
    assert parsed("GET http://e.com HTTP/1.1").path == "/"
    assert parsed("GET http://e.com?a HTTP/1.1").path == "/?a"
    assert b"Host: [2606::1]\r\n" in parsed("GET HTTP://[2606::1]/ HTTP/1.1").head_for_site()


@pytest.mark.parametrize(
    "target",
    [
        *("/", "*", "example.com/", "https://example.com/", "ftp://example.com/", "http:///x"),
        *("http://", "http://u@example.com/", "http://u:p@example.com/", "http://a%2eb/"),
        *("http://example.com:/", "http://example.com:0/", "http://example.com:65536/"),
        *("http://example.com:080808/", "http://[::1/", "http://[::1]x/", "http://[fe80::1%25lo]/"),
        *("http://[v1.a]/", "http://a b/", "http://\\/", "http://a\\@b/", "file:///etc/passwd"),
    ],
)
def test_an_address_in_doubt_is_refused(target):
    assert refused(f"GET {target} HTTP/1.1") == 400


@pytest.mark.parametrize(
    "place", ["e.com", "e.com:", "e.com:x", ":443", "http://e.com:443", "[::]"]
)
def test_a_tunnel_to_nowhere_is_refused(place):
    assert refused(f"CONNECT {place} HTTP/1.1") == 400


@pytest.mark.parametrize(
    "lines",
    [
        ("",),
        ("GET",),
        ("get http://e.com/ HTTP/1.1",),
        ("GET  http://e.com/ HTTP/1.1",),
        ("GET http://e.com/ HTTP/2.0",),
        ("GET http://e.com/ HTTP/1.1 ",),
        ("GET http://e.com/\x00 HTTP/1.1",),
        ("GET http://e.com/\nX: y HTTP/1.1",),
        ("GET http://e.com/ HTTP/1.1", "no colon"),
        ("GET http://e.com/ HTTP/1.1", " folded: 1"),
        ("GET http://e.com/ HTTP/1.1", "A: 1", "\tfolded"),
        ("GET http://e.com/ HTTP/1.1", "Space : 1"),
        ("GET http://e.com/ HTTP/1.1", "A: b\nC: d"),
        ("GET http://e.com/ HTTP/1.1", "A: \x00"),
        ("GET http://e.com/ HTTP/1.1", *["A: 1"] * 101),
        ("POST http://e.com/ HTTP/1.1", "Transfer-Encoding: chunked"),
        ("POST http://e.com/ HTTP/1.1", "Content-Length: 1", "Content-Length: 1"),
        ("POST http://e.com/ HTTP/1.1", "Content-Length: 1", "Transfer-Encoding: chunked"),
        ("POST http://e.com/ HTTP/1.1", "Content-Length: -1"),
        ("POST http://e.com/ HTTP/1.1", "Content-Length: +1"),
        ("POST http://e.com/ HTTP/1.1", "Content-Length: 1, 1"),
        ("POST http://e.com/ HTTP/1.1", f"Content-Length: {MAX_BODY_BYTES + 1}"),
    ],
)
def test_a_head_in_doubt_is_refused(lines):
    assert refused(*lines) == 400


@pytest.mark.parametrize(
    "value", ["", "Bearer x", "Basic", "Basic !!!", "Basic " + "A" * 401, "Basic /////w=="]
)
def test_a_pass_that_cannot_be_read_is_none(value):
    assert parsed("GET http://e.com/ HTTP/1.1", f"Proxy-Authorization: {value}").pass_word is None


def test_two_passes_are_none():
    word = base64.b64encode(b"a:b").decode()
    twice = [f"Proxy-Authorization: Basic {word}"] * 2
    assert parsed("GET http://e.com/ HTTP/1.1", *twice).pass_word is None


requestish = st.text(
    st.sampled_from("GETCONNECThtp:/?#@[]%. \t\r\n\x000189abHost-Length;,=\xe9"), max_size=200
)


@fuzzed
@given(
    st.binary(max_size=300)
    | requestish.map(lambda text: text.encode("latin-1"))
    | st.builds("GET http://{} HTTP/1.1\r\n{}".format, requestish, requestish).map(str.encode)
    | st.builds("CONNECT {}:443 HTTP/1.1\r\nA: {}".format, requestish, requestish).map(str.encode)
)
def test_any_bytes_are_refused_or_one_clean_request(head):
    try:
        request = parse_request(head)
    except Refusal as refusal:
        assert refusal.answer.status in (400, 403)
        return
    assert normal_host(request.host) == request.host
    assert 0 < request.port < 65536
    sent = request.head_for_site()
    assert sent.count(b"\r\n\r\n") == 1
    assert sent.endswith(b"\r\n\r\n")
    assert sent.count(b"\n") == sent.count(b"\r\n") == sent.count(b"\r")
    assert sent.lower().count(b"\r\nhost:") == 1
    assert b"proxy-authorization" not in sent.lower()


def test_a_reply_ends_with_its_connection():
    head = (
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nContent-Length: 7\r\nA: b"
    )
    reply = parse_reply(head + b"\r\n\r\n", "GET")
    assert reply.head == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nA: b\r\nConnection: close\r\n\r\n"
    )
    assert (reply.status, reply.body_bytes, reply.is_interim) == (200, 7, False)


def test_a_reply_with_bare_line_feeds_is_put_in_order():
    head = b"HTTP/1.0 404 Not Found\nA: b\n\n"
    assert end_of_head(head + b"body") == len(head)
    reply = parse_reply(head, "GET")
    assert reply.head == b"HTTP/1.0 404 Not Found\r\nA: b\r\nConnection: close\r\n\r\n"
    assert reply.body_bytes is None


@pytest.mark.parametrize(
    ("first", "method", "lines", "length"),
    [
        (b"HTTP/1.1 200 OK", "HEAD", b"Content-Length: 7\r\n", 0),
        (b"HTTP/1.1 204 No Content", "GET", b"", 0),
        (b"HTTP/1.1 304", "GET", b"Content-Length: 7\r\n", 0),
        (b"HTTP/1.1 200", "GET", b"", None),
        (b"HTTP/1.1 200 OK", "GET", b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n", None),
        (b"HTTP/1.1 200 OK", "GET", b"Content-Length: 7\r\nContent-Length: 8\r\n", None),
        (b"HTTP/1.1 200 OK", "GET", b"Content-Length: 7\r\nContent-Length: 7\r\n", 7),
        (b"HTTP/1.1 200 OK", "GET", b"Content-Length: x\r\n", None),
    ],
)
def test_a_reply_tells_how_long_its_body_is(first, method, lines, length):
    assert parse_reply(first + b"\r\n" + lines + b"\r\n", method).body_bytes == length


@pytest.mark.parametrize(
    "head", [b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"\x00\n\n"]
)
def test_what_is_no_http_is_no_reply(head):
    with pytest.raises(Refusal) as caught:
        parse_reply(head, "GET")
    assert caught.value.answer.status == 502


def test_a_reply_without_an_end_is_given_up():
    assert end_of_head(b"HTTP/1.1 200 OK\r\nA: b\r\n") is None
    with pytest.raises(Refusal):
        end_of_head(b"A" * 200_000)


@fuzzed
@given(st.binary(max_size=200).map(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest))
def test_any_reply_is_refused_or_ends_with_its_connection(received):
    end = end_of_head(received)
    try:
        reply = parse_reply(received[:end], "GET")
    except Refusal:
        return
    assert reply.head.endswith(b"\r\nConnection: close\r\n\r\n")
    assert b"\r\n\r\n" not in reply.head[:-4]
