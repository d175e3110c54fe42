"""The check at the end of the session finds what lost its parent; a killed component takes nobody's children along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demo.processes import spawn

PROJECT = Path(__file__).parents[1]
ORPHAN = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
CHECK = f"""
import subprocess, sys
from tests.support import left_behind
left_behind._GRACE_SECONDS = 0.5
left_behind.adopt_orphans()
subprocess.run([sys.executable, "-c", {ORPHAN!r}], check=True, stdout=subprocess.DEVNULL)
found = left_behind.left_behind()
assert len(found) == 1 and "time.sleep(600)" in found[0], found
assert left_behind.left_behind() == []
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to a subreaper")


def test_an_orphan_of_a_test_is_found_and_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_children_of_a_crashed_process_live_on_until_it_is_stopped(tmp_path: Path) -> None:
    program = f"{ORPHAN}; sys.stdout.flush(); import time; time.sleep(600)"
    crashed = spawn("crashed", [sys.executable, "-c", program], log=tmp_path / "log")
    while not (line := (tmp_path / "log").read_text()).strip():
        assert crashed.alive()
    worker = psutil.Process(int(line))
    crashed.crash()
    assert worker.is_running()
    crashed.wait_or_kill(0.0)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
