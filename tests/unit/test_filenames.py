import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing import tries
from userbot.domain.filenames import MAX_STEM_BYTES, file_name

bounded = tries(150)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("A film", "A film.mp4"),
        ("../../etc/passwd", "etc passwd.mp4"),
        ("..\\..\\boot.ini", "boot.ini.mp4"),
        (".hidden", "hidden.mp4"),
        ('a<b>c:"d"|e?f*g', "a b c d e f g.mp4"),
        ("line\r\nbreak\ttab\x00nul\x1b[31m", "line break tabnul[31m.mp4"),
        ("movie\u202egpj.exe", "moviegpj.exe.mp4"),
        ("in\u200bvis\u2060ible\ufeff", "invisible.mp4"),
        ("\u2066a\u2069\u061c \u200e\u200fb\u202a\u202c", "a b.mp4"),
        ("\u3164\u2800\u115f\ufe0f", "video.mp4"),
        ("bo\u034fa\U000e0101t \u2764\ufe0f", "boat \u2764.mp4"),
        ("lone \ud800 surrogate", "lone surrogate.mp4"),
        ("trailing dots...", "trailing dots.mp4"),
        ("con", "_con.mp4"),
        ("NUL.txt", "_NUL.txt.mp4"),
        ("連続テレビ小説", "連続テレビ小説.mp4"),
        ("", "video.mp4"),
        ("\u202e\u200b", "video.mp4"),
        ("...", "video.mp4"),
        ("///", "video.mp4"),
    ],
)
def test_a_title_becomes_a_harmless_name(title, expected):
    assert file_name(title, "mp4") == expected


def test_a_long_name_is_cut_between_characters():
    stem = file_name("é" * 100, "mp4").removesuffix(".mp4")
    assert stem == "é" * (MAX_STEM_BYTES // 2)
    odd = file_name("x" + "é" * 100, "mp4").removesuffix(".mp4")
    assert len(odd.encode()) == MAX_STEM_BYTES - 1


def test_the_extension_is_cleaned_too():
    assert file_name("a", ".MP4") == "a.mp4"
    assert file_name("a", "../sh") == "a.sh"
    assert file_name("a", "") == "a"
    assert file_name("a", "x" * 1000) == "a." + "x" * 10


@bounded
@given(st.text(max_size=200))
def test_no_title_escapes(title):
    name = file_name(title, "mp4")
    stem = name.removesuffix(".mp4")
    assert stem
    assert len(stem.encode()) <= MAX_STEM_BYTES
    assert not stem.startswith(".")
    assert not set(stem) & set('<>:"/\\|?*\n\r\t\0')
    assert not any(unicodedata.category(char)[0] == "C" for char in stem)


_TRICKS = st.sampled_from(
    "\u202e\u2066\u2069\u200f\u200b\u200d\u3164\ufe0f\u034f.:/ aé連\U0001f600"
)


@bounded
@given(st.text(_TRICKS, max_size=80), st.text(max_size=20))
def test_no_mixture_of_tricks_gets_through(title, ext):
    name = file_name(title, ext)
    stem, _, ending = name.rpartition(".")
    assert 0 < len((stem or name).encode()) <= MAX_STEM_BYTES
    assert len(ending) <= MAX_STEM_BYTES
    assert not set(name) & set("\u202e\u2066\u2069\u200f\u200b\u200d\u3164\ufe0f\u034f/:")
    assert name == name.strip(" ")


@bounded
@given(st.sampled_from(["con", "NUL", "com1.x", "aux." + "y" * 80]))
def test_a_device_with_a_long_name_is_cut_too(title):
    stem = file_name(title, "mp4").removesuffix(".mp4")
    assert stem.startswith("_")
    assert len(stem.encode()) <= MAX_STEM_BYTES
