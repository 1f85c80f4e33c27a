"""What the owner may read of an error holds no key."""

import pytest

from userbot.worker.redact import head, redact

LONG = "a1B2" * 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP Error 404: Not Found", "HTTP Error 404: Not Found"),
        ("see https://site.org/wiki/FAQ#cookies for", "see https://site.org/wiki/FAQ?… for"),
        ("'https://cdn/v.mp4?sig=1&e=2'", "'https://cdn/v.mp4?…'"),
        ("proxy socks5://me:pass@10.0.0.1:1080 failed", "proxy socks5://10.0.0.1:1080 failed"),
        (f"http://cdn/{LONG}/1.ts", "http://cdn/…/1.ts"),
        ("Set-Cookie: a=b; c=d\nnext", "Set-Cookie: …\nnext"),
        ("{'Authorization': 'Bearer x y'}", "{'Authorization': …"),
        ("access_token=abc&x=1", "access_token=…&x=1"),
        ("password: hunter2, again", "password: …, again"),
        ("use the --video-password option", "use the --video-password option"),
    ],
)
def test_only_keys_are_left_out(text, expected):
    assert redact(text) == expected


def test_half_a_secret_is_not_left_by_a_cut():
    text = "see https://me:word@site.example/ again"
    for length in range(len(text)):
        assert "word" not in redact(head(text, length))
    assert head(text, len(text)) == text
