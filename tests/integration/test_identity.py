"""Who workers can be on this machine, tried without pool and walls."""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from userbot.worker import identity, landlock
from userbot.worker.identity import RANGES, Identity
from userbot.worker.sandbox import ROOT

OWN_USERS = RANGES[0]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes other users"),
    pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock"),
]

ALONE = """
import os, signal, sys
from pathlib import Path
from userbot.worker.identity import RANGES, Identity

folder, secret = map(Path, sys.argv[1:])
Identity(RANGES[0], reads_all=False).enter(folder, 7)
(folder / "mine").write_text("x")
refused = []
for attempt in (
    secret.read_text,
    lambda: os.kill(os.getppid(), signal.SIGSTOP),
    lambda: os.setuid(0),
    lambda: os.chown(folder / "mine", 0, 0),
    lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    lambda: os.sched_setaffinity(os.getppid(), {0}),
):
    try:
        attempt()
    except PermissionError:
        refused.append(True)
print([len(refused), os.getuid(), Path("/proc/self/environ").stat().st_uid])
"""


def test_without_any_wall_it_is_a_stranger_to_what_is_roots():
    with tempfile.TemporaryDirectory() as name:  # not below pytest's, which is root's alone
        root = Path(name)
        root.chmod(0o755)
        (root / "own").mkdir(0o700)
        (root / "secret").write_text("the token")
        (root / "secret").chmod(0o600)
        command = [sys.executable, "-c", ALONE, str(root / "own"), str(root / "secret")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        uid = OWN_USERS[7]
        assert ast.literal_eval(done.stdout) == [7, uid, uid], done.stderr
        assert (root / "own/mine").stat().st_uid == uid


@pytest.fixture
def open_place():
    """A folder for tools that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_where_others_can_read_all_no_power_is_kept(open_place, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    assert identity.here(open_place, [Path("/bin/sh")]) == Identity(OWN_USERS, reads_all=False)


def test_where_others_cannot_the_right_to_read_is_kept_and_said(open_place, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(open_place)])
    (open_place / "package").mkdir(mode=0o700)
    found = identity.here(open_place, [])
    assert (found.uids, found.reads_all) == (OWN_USERS, True)
    assert "cannot read this installation" in found.gap
    open_place.chmod(0o700)
    (open_place / "package").rmdir()
    assert identity.here(open_place, []).reads_all


def test_where_landlock_cannot_narrow_that_right_workers_stay_root(open_place, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    assert identity.here(open_place, []).uids
    open_place.chmod(0o700)
    found = identity.here(open_place, [])
    assert not found.uids
    assert "workers stay root" in found.gap


def test_a_program_that_others_may_not_run_keeps_workers_root(open_place):
    program = open_place / "ffmpeg"
    program.touch(mode=0o700)
    assert not identity.here(open_place, [program]).uids


def test_a_container_with_few_users_has_enough(open_place, tmp_path):
    table = tmp_path / "uid_map"
    for text, wanted in (
        ("0 0 4294967295\n", [True, True]),
        ("0 100000 65536\n", [False, True]),
        ("0 1000 1\n1 100000 65536\n", [False, True]),
        ("0 1000 1\n", [False, False]),
    ):
        table.write_text(text)
        assert [identity._is_mapped(users, table) for users in RANGES] == wanted


@pytest.mark.skipif(not shutil.which("setpriv"), reason="no setpriv here")
def test_root_without_its_powers_is_told_by_the_doctor(tmp_path):
    lame = ["setpriv", "--inh-caps=-chown", "--bounding-set=-chown"]
    command = [*lame, sys.executable, "-m", "userbot.worker.checkup", tmp_path / "bin"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert "note as root: workers stay root without its powers" in done.stdout, done.stderr
    assert done.returncode == 0
