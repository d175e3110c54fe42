"""Child processes: all of them end with the program that started them, whatever ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.processes import spawn
from demo.signals import Interrupted, ending_in_order

PROJECT = Path(__file__).parents[2]
# A parent that ignores SIGTERM, with a child of its own that does too: the worst case for a stop.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"])
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def stubborn(tmp_path: Path) -> list[str]:
    program = tmp_path / "stubborn.py"
    program.write_text(STUBBORN)
    return [sys.executable, str(program)]


def _wait_for_lines(log: Path, count: int) -> None:
    deadline = time.monotonic() + 20
    while not (log.exists() and log.read_text().count("ready") >= count):
        assert time.monotonic() < deadline, f"{log} never said ready {count} times"
        time.sleep(0.02)


def test_what_ignores_the_request_is_killed_with_its_descendants(stubborn: list[str], tmp_path: Path) -> None:
    child = spawn("stubborn", stubborn, log=tmp_path / "log")
    _wait_for_lines(tmp_path / "log", 2)
    family = psutil.Process(child.pid).children(recursive=True)
    child.stop(grace=0.2)
    assert not child.alive()
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_process_that_is_gone_can_be_stopped_again(tmp_path: Path) -> None:
    child = spawn("brief", [sys.executable, "-c", "print('bye')"], log=tmp_path / "log")
    child.process.wait()
    child.stop()
    child.stop()
    assert child.log_tail() == "bye"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_children_of_a_killed_program_end(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from demo.processes import spawn\n"
        "child = spawn('c', [sys.executable, '-c', 'import time; time.sleep(600)'], log=Path(sys.argv[1]))\n"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "log")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=PROJECT) as program:
        assert program.stdout is not None
        orphan = psutil.Process(int(program.stdout.readline()))
        program.kill()
    _, alive = psutil.wait_procs([orphan], timeout=10)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_second_signal_does_not_cut_the_cleaning_up_short() -> None:
    cleaned = []
    before = signal.getsignal(signal.SIGINT)  # ignored, where the tests run in the background
    with pytest.raises(Interrupted, match="SIGTERM"), ending_in_order():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)
            cleaned.append(True)
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGINT) == before
