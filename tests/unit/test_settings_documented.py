"""Settings, .env.example and the table of README.md name the same things."""

import re
from itertools import pairwise

from config.settings import NAMES, load
from config.values import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
COMPLETE = {"API_ID": "12345", "API_HASH": "0" * 32, "BOT_TOKEN": "1:abcdefghij"}


def test_the_example_names_every_setting_once():
    assert sorted(name for _, name, _ in LINE.findall(EXAMPLE)) == sorted(NAMES)


def test_the_example_explains_every_setting_in_the_line_above():
    lines = EXAMPLE.splitlines()
    for above, line in pairwise(lines):
        if LINE.match(line):
            assert above.startswith("# "), line


def test_the_example_shows_the_defaults(tmp_path):
    optional = tmp_path / "env"
    optional.write_text("".join(f"{n}={v}\n" for mark, n, v in LINE.findall(EXAMPLE) if mark))
    assert load(optional, COMPLETE) == load(tmp_path / "none", COMPLETE)


def test_the_required_ones_are_left_to_fill_in():
    assert [name for mark, name, value in LINE.findall(EXAMPLE) if not mark and not value] == [
        "API_ID",
        "API_HASH",
        "BOT_TOKEN",
    ]


def test_the_readme_has_a_row_for_every_setting():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| *(`[A-Z][A-Z0-9_]*`[^|]*)\|", readme, re.MULTILINE)
    named = [name for cell in cells for name in re.findall(r"`([A-Z][A-Z0-9_]*)`", cell)]
    assert sorted(named) == sorted(NAMES)
