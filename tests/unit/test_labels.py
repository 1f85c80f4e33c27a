import pytest

from userbot.domain.labels import clean, first_clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("  two\r\n\tlines\u2028here ", "two lines here"),
        ("invoice_\u202egpj.exe\u202c", "invoice_gpj.exe"),
        ("\u200b\u200e\u2066hidden\u2069\x00\x1b[31m", "hidden[31m"),
        ("\ud800lone", "lone"),
        ("\U0001f9d1\u200d\U0001f680", "\U0001f9d1\u200d\U0001f680"),
        ("\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",) * 2,
        ("\u3164\u2800 \uffa0", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_text_becomes_one_visible_line(text, shown):
    assert clean(text, 300) == shown


def test_a_text_is_bounded_however_long_it_is():
    assert clean("ab " * 1_000_000, 10) == "ab ab ab a"
    assert clean("abcdefghi jk", 10) == "abcdefghi"


def test_the_first_text_that_shows_anything_is_taken():
    assert first_clean(9, None, "\u202e", "name", "other") == "name"
    assert first_clean(9) == ""
