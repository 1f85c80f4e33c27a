"""The rules of each version of Landlock that this kernel knows, older ones included."""

import subprocess
import sys

import pytest

from userbot.worker import landlock
from userbot.worker.sandbox import ROOT

OLDER = """
import os, sys
from pathlib import Path
from userbot.worker import landlock, limits

own, secret = Path(sys.argv[2]), Path(sys.argv[3])
limits.forbid_new_privileges()
landlock.restrict(int(sys.argv[1]), [landlock.Ground(own, landlock.OWN)], [])
(own / "a").write_text("longer")
(own / "a").write_text("x")
(own / "a").rename(own / "b")
for attempt in (secret.read_text, lambda: secret.write_text("x"), secret.unlink):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit(3)
print((own / "b").read_text())
"""


@pytest.mark.parametrize("version", range(1, landlock.abi() + 1))
def test_the_rules_of_older_kernels_hold_too(version, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the token")
    own = tmp_path / "own"
    own.mkdir()
    command = [sys.executable, "-c", OLDER, str(version), own, secret]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "x\n"), done.stderr
    assert secret.read_text() == "the token"
