import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from userbot.domain.filenames import MAX_STEM_BYTES, file_name

bounded = settings(max_examples=150, derandomize=True, database=None, deadline=None)


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


@bounded
@given(st.text(max_size=200))
def test_no_title_escapes(title):
    name = file_name(title, "mp4")
    stem = name.removesuffix(".mp4")
    assert stem
    assert len(stem.encode()) <= MAX_STEM_BYTES + 1  # a device name gets one more
    assert not stem.startswith(".")
    assert not set(stem) & set('<>:"/\\|?*\n\r\t\0')
    assert not any(unicodedata.category(char)[0] == "C" for char in stem)
