"""Which ffmpeg workers get."""

import shutil
import subprocess
import sys

import pytest

from userbot.errors import ToolError
from userbot.worker import landlock
from userbot.worker.tools import link_ffmpeg
from userbot.worker.trial import runs


def test_the_systems_ffmpeg_is_linked_however_often(tmp_path):
    system = tmp_path / "bin" / "ffmpeg"
    system.parent.mkdir()
    system.write_text("#!/bin/sh\necho system\n")
    system.chmod(0o755)
    tools_dir = tmp_path / "deep" / "tools"
    for _ in range(2):
        found = link_ffmpeg(tools_dir, f"{tools_dir}:{system.parent}")
        assert (found.path, found.origin) == (system, "system")
    assert [link.name for link in tools_dir.iterdir()] == ["ffmpeg"]
    assert subprocess.check_output([tools_dir / "ffmpeg"]) == b"system\n"


def test_without_one_in_the_system_a_wheel_brings_it(tmp_path):
    stale = tmp_path / "ffmpeg"
    stale.symlink_to("/nowhere")
    found = link_ffmpeg(tmp_path, str(tmp_path))
    assert found.origin == "imageio-ffmpeg"
    assert stale.resolve() == found.path.resolve()
    assert b"ffmpeg version" in subprocess.check_output([stale, "-version"])


@pytest.mark.skipif(landlock.abi() == 0, reason="this kernel has no Landlock")
def test_one_that_does_not_run_behind_the_walls_is_left_alone(tmp_path):
    library, system = tmp_path / "library", tmp_path / "bin" / "ffmpeg"
    library.touch()
    system.parent.mkdir()
    system.write_text(f"#!/bin/sh\nexec cat {library}\n")
    system.chmod(0o755)
    assert subprocess.run([system]).returncode == 0
    tools_dir, path = tmp_path / "tools", f"{system.parent}:/usr/bin:/bin"
    found = link_ffmpeg(tools_dir, path, lambda ffmpeg: runs(ffmpeg, tools_dir, path))
    assert (found.origin, found.complaint) == ("imageio-ffmpeg", "")
    alone = link_ffmpeg(tools_dir, path, lambda _ffmpeg: False)
    assert alone.path == system
    assert str(system) in alone.complaint


def test_without_any_it_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ToolError):
        link_ffmpeg(tmp_path, str(tmp_path))
    assert shutil.which("ffmpeg", path=str(tmp_path)) is None
